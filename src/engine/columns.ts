import { toDecimal } from '../lib/amounts.ts';
import { toIsoOrNull } from '../lib/times.ts';
import type { Decision } from './operations.ts';
import type {
  DebtPaymentRow,
  GrantChangeRow,
  HoldChangeRow,
  NewGrantRow,
  RowOfWorkspace,
  UsageRow,
  WalletRow,
} from './rows.ts';

/** A column of many small rows, which travels as an array: they are read faster so than as JSON. */
export type Column<Row> = { name: string; type: string; value: (row: Row) => string | null | undefined };

export const ROW_OF_WORKSPACE: readonly Column<RowOfWorkspace>[] = [
  { name: 'id', type: 'text', value: ({ id }) => id },
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
];

export const DECISION: readonly Column<Decision>[] = [
  ...ROW_OF_WORKSPACE,
  { name: 'operation', type: '"OperationType"', value: ({ operation }) => operation },
  { name: 'featureCode', type: 'text', value: ({ featureCode }) => featureCode },
  { name: 'amount', type: 'numeric', value: ({ amount }) => toDecimal(amount) },
  { name: 'code', type: 'text', value: ({ code }) => code },
  { name: 'fromAllowance', type: 'numeric', value: ({ fromAllowance }) => toDecimal(fromAllowance) },
  { name: 'fromCredits', type: 'numeric', value: ({ fromCredits }) => toDecimal(fromCredits) },
  { name: 'creditCost', type: 'numeric', value: ({ creditCost }) => toDecimal(creditCost) },
  { name: 'periodStart', type: 'timestamptz', value: ({ periodStart }) => toIsoOrNull(periodStart) },
  { name: 'refundOf', type: 'text', value: ({ refundOf }) => refundOf },
  { name: 'plan', type: '"PlanType"', value: ({ plan }) => plan },
  { name: 'catalogVersion', type: 'text', value: ({ catalogVersion }) => catalogVersion },
  { name: 'idempotencyKey', type: 'text', value: ({ idempotency }) => idempotency?.key },
  { name: 'fingerprint', type: 'text', value: ({ idempotency }) => idempotency?.fingerprint },
];

export const WALLET: readonly Column<WalletRow>[] = [
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
  { name: 'version', type: 'int8', value: ({ version }) => String(version) },
  { name: 'nextVersion', type: 'int8', value: ({ nextVersion }) => String(nextVersion) },
  { name: 'balance', type: 'numeric', value: ({ balance }) => balance },
  { name: 'total', type: 'numeric', value: ({ total }) => total },
  { name: 'totalUsage', type: 'numeric', value: ({ totalUsage }) => totalUsage },
  { name: 'expired', type: 'numeric', value: ({ expired }) => expired },
  { name: 'clawedBack', type: 'numeric', value: ({ clawedBack }) => clawedBack },
  { name: 'debt', type: 'numeric', value: ({ debt }) => debt },
  { name: 'held', type: 'numeric', value: ({ held }) => held },
  { name: 'topUpBelow', type: 'numeric', value: ({ topUpBelow }) => topUpBelow },
  { name: 'isTopUpDue', type: 'bool', value: ({ isTopUpDue }) => String(isTopUpDue) },
  // An array of its own for each wallet, as text.
  { name: 'keys', type: 'text', value: ({ keys }) => arrayText(keys, itself) },
];

export const GRANT_FIGURES: readonly Column<GrantChangeRow>[] = [
  ...ROW_OF_WORKSPACE,
  { name: 'remaining', type: 'numeric', value: ({ remaining }) => remaining },
  { name: 'expired', type: 'numeric', value: ({ expired }) => expired },
  { name: 'clawedBack', type: 'numeric', value: ({ clawedBack }) => clawedBack },
  { name: 'reversed', type: 'numeric', value: ({ reversed }) => reversed },
  { name: 'debt', type: 'numeric', value: ({ debt }) => debt },
];

export const NEW_GRANT: readonly Column<NewGrantRow>[] = [
  ...GRANT_FIGURES,
  { name: 'type', type: '"GrantType"', value: ({ type }) => type },
  { name: 'amount', type: 'numeric', value: ({ amount }) => amount },
  { name: 'priority', type: 'int4', value: ({ priority }) => String(priority) },
  { name: 'expiresAt', type: 'timestamptz', value: ({ expiresAt }) => expiresAt },
  { name: 'description', type: 'text', value: ({ description }) => description },
  { name: 'creditRecordId', type: 'text', value: ({ creditRecordId }) => creditRecordId },
];

export const USAGE: readonly Column<UsageRow>[] = [
  ...ROW_OF_WORKSPACE,
  { name: 'featureCode', type: 'text', value: ({ featureCode }) => featureCode },
  { name: 'periodStart', type: 'timestamptz', value: ({ periodStart }) => periodStart },
  { name: 'periodEnd', type: 'timestamptz', value: ({ periodEnd }) => periodEnd },
  { name: 'amount', type: 'numeric', value: ({ amount }) => amount },
];

export const DEBT_PAYMENT: readonly Column<DebtPaymentRow>[] = [
  { name: 'workspaceId', type: 'text', value: ({ workspaceId }) => workspaceId },
  { name: 'debtorId', type: 'text', value: ({ debtorId }) => debtorId },
  { name: 'payerId', type: 'text', value: ({ payerId }) => payerId },
  { name: 'amount', type: 'numeric', value: ({ amount }) => amount },
];

export const HOLD_CHANGE: readonly Column<HoldChangeRow>[] = [
  ...ROW_OF_WORKSPACE,
  { name: 'status', type: '"HoldStatus"', value: ({ status }) => status },
  { name: 'progressAmount', type: 'numeric', value: ({ progressAmount }) => String(progressAmount) },
  { name: 'settledAmount', type: 'numeric', value: ({ settledAmount }) => settledAmount },
  { name: 'endedBy', type: 'text', value: ({ endedBy }) => endedBy },
  { name: 'expiresAt', type: 'timestamptz', value: ({ expiresAt }) => expiresAt },
  { name: 'work', type: 'jsonb', value: ({ work }) => work && JSON.stringify(work) },
];

export const namesOf = (columns: readonly { name: string }[]) =>
  columns.map(({ name }) => `"${name}"`).join(', ');

/** The arrays of such rows, from this parameter on. */
export const unnested = (columns: readonly { type: string }[], first: number) =>
  columns.map(({ type }, index) => `unnest($${first + index}::${type}[])`).join(', ');

export const arraysOf = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) =>
  columns.map(({ value }) => arrayText(rows, value));

/** An array as Postgres reads it. In quotes, only the quote and the backslash mean something. */
function arrayText<Row>(rows: readonly Row[], value: Column<Row>['value']): string {
  let text = '';
  for (const row of rows) {
    const element = value(row);
    if (element === null || element === undefined) text += ',NULL';
    else text += SPECIAL.test(element) ? `,"${element.replace(SPECIALS, '\\$&')}"` : `,"${element}"`;
  }
  return `{${text.slice(1)}}`;
}

const itself = (text: string) => text;

const SPECIAL = /["\\]/;
const SPECIALS = /["\\]/g;
