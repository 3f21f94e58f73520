import type { Decision } from '../engine/operations.ts';
import type { PricedWork } from '../engine/work.ts';
import { refusalOf } from '../entitlements/answers.ts';
import { type Micros, toMicros, toUnits } from '../lib/amounts.ts';

/** The reasons of a decision in a sentence. */
export function whyOf(decision: Decision): string {
  if (decision.code !== null) return refusalOf(decision).message;
  switch (decision.operation) {
    case 'USE':
      return `${whyUsed(decision)}${whyPriced(decision)}`;
    case 'HOLD':
      return `Until ${decision.reasons.hold!.expiresAt} it is held. ${whyUsed(decision)}${whyPriced(decision)}`;
    case 'PROGRESS':
      return whyLonger(decision);
    case 'SETTLE':
      return whySettled(decision);
    case 'RELEASE':
      return whyReleased(decision);
    case 'REFUND':
      return whyGivenBack(decision);
    case 'GRANT':
      return whyGranted(decision);
    case 'EXPIRE':
      return `${credits(decision.amount)} had expired and left the balance.`;
    case 'CLAW_BACK':
      return whyClawedBack(decision);
    case 'OPENING': {
      const { amount, creditCost } = decision;
      return `The wallet is older than Tollgate: it came with ${credits(amount - creditCost)} to spend, and ${toUnits(creditCost)} spent before.`;
    }
  }
}

function whyUsed({ plan, featureCode, fromAllowance, fromCredits, creditCost, ...rest }: Decision): string {
  const { allowance, creditsPerUnit } = rest.reasons;
  if (fromAllowance > 0n && rest.periodStart === null) return `The plan ${plan} includes ${featureCode}.`;
  const held = allowance?.held === undefined ? '' : `, and ${allowance.held} held`;
  const free = `${toUnits(fromAllowance)} from the allowance of ${plan}, of which ${allowance?.used} of ${allowance?.limit ?? 'unlimited'} is used now${held}`;
  const paid = `${toUnits(fromCredits)} for ${credits(creditCost)}, at ${creditsPerUnit} each`;
  if (fromCredits === 0n) return `${featureCode}: ${free}.`;
  return fromAllowance === 0n
    ? `${featureCode}: ${paid}; nothing is left of the allowance of ${plan}.`
    : `${featureCode}: ${free}; ${paid}.`;
}

/** What a model's work was made of. */
function whyPriced({ amount, reasons }: Decision): string {
  const work = reasons.ai?.work;
  if (work === undefined || work.costUsd === null) return '';
  const { model, costUsd, price } = work;
  const points = amount + toMicros(reasons.shortfall ?? 0)!;
  return ` What ${model} does costs ${costUsd} dollars at its provider, by ${sourceOf(price)}; × ${price.markup}, at ${price.pointUsd} a point, it is ${toUnits(points)}.`;
}

function sourceOf({ source, version }: PricedWork['price']): string {
  switch (source) {
    case 'GENAI_PRICES':
      return `the price list ${version}`;
    case 'CATALOG':
      return "the catalog's own price";
    case 'FALLBACK':
      return "the catalog's fallback, because nobody knows the model";
  }
}

function whyLonger({ amount, featureCode, reasons }: Decision): string {
  const { id, expiresAt } = reasons.hold!;
  return `Of the hold ${id}, ${toUnits(amount)} of ${featureCode} is used by now; it lives until ${expiresAt}.`;
}

function whySettled(decision: Decision): string {
  const { amount, featureCode, reasons } = decision;
  const { hold, shortfall } = reasons;
  const { id, amount: held } = hold!;
  const how = hold!.expired ? 'expired and was settled with its progress' : 'was settled';
  const most = shortfall === undefined ? '' : ` ${shortfall} more was used and could not be paid.`;
  if (amount === 0n)
    return `The hold ${id} of ${held} ${how}: nothing was used.${most}${whyLapsed(decision)}`;
  return `The hold ${id} of ${held} ${featureCode} ${how}. ${whyCharged(decision)}${whyPriced(decision)}${most}${whyLapsed(decision)}`;
}

/** What a hold came to, on its own terms: plan, period and what is left of the allowance may be others by now. */
function whyCharged({ featureCode, fromAllowance, fromCredits, creditCost, ...rest }: Decision): string {
  const whose =
    rest.periodStart === null
      ? 'that its plan included'
      : 'from the allowance of the period that it was held in';
  const parts = [
    ...(fromAllowance === 0n ? [] : [`${toUnits(fromAllowance)} ${whose}`]),
    ...(fromCredits === 0n
      ? []
      : [`${toUnits(fromCredits)} for ${credits(creditCost)}, at ${rest.reasons.creditsPerUnit} each`]),
  ];
  return `${featureCode}: ${parts.join('; ')}.`;
}

function whyReleased(decision: Decision): string {
  const { amount, featureCode, reasons } = decision;
  const how = reasons.hold!.expired ? 'expired: all' : 'was released: all';
  return `The hold ${reasons.hold!.id} ${how} ${toUnits(amount)} of ${featureCode} went back.${whyLapsed(decision)}`;
}

function whyLapsed({ reasons: { lapsed = [] } }: Decision): string {
  const gone = lapsed.reduce((sum, { amount }) => sum + toMicros(amount)!, 0n);
  return gone === 0n
    ? ''
    : ` ${credits(gone)} went back to grants that had expired by then, and so are gone.`;
}

function whyGivenBack({ refundOf, featureCode, fromAllowance, creditCost, reasons }: Decision): string {
  const lost = (reasons.sources ?? []).reduce(
    (sum, { amount, expired }) => (expired ? sum + toMicros(amount)! : sum),
    0n,
  );
  const parts = [
    ...(fromAllowance > 0n ? [`${toUnits(fromAllowance)} to the allowance`] : []),
    ...(creditCost > lost ? [`${credits(creditCost - lost)} to the grants that paid`] : []),
    ...(lost > 0n ? [`${credits(lost)} to grants that had expired by then, and so are gone`] : []),
  ];
  const returned = new Set(reasons.sources?.map(({ grantId }) => grantId));
  const owed = (reasons.clawedBack ?? [])
    .filter((entry) => entry.for === undefined && returned.has(entry.grantId))
    .reduce((sum, { amount }) => sum + toMicros(amount)!, 0n);
  if (owed > 0n) parts.push(`${credits(owed)} of them were taken at once for a reversed purchase`);
  return `The use ${refundOf} of ${featureCode} was given back: ${parts.join('; ')}.`;
}

function whyGranted({ amount, reasons }: Decision): string {
  const { type, expiresAt } = reasons.grant!;
  const until = expiresAt === null ? 'they do not expire' : `they expire at ${expiresAt}`;
  const origin = {
    PURCHASE: 'bought',
    PROMOTION: 'given',
    ADJUSTMENT: 'given as an adjustment',
    PLAN: 'given with the plan',
    OPENING: 'found',
  };
  const paid = (reasons.clawedBack ?? []).reduce((sum, entry) => sum + toMicros(entry.amount)!, 0n);
  const debts = paid === 0n ? '' : `; ${credits(paid)} of them paid what reversed purchases owed`;
  return `${credits(amount)} were ${origin[type]}: ${until}${debts}.`;
}

function whyClawedBack({ amount, reasons }: Decision): string {
  const { creditRecordId, grantId, before } = reasons.reversal!;
  const owed = (reasons.debts ?? []).reduce((sum, debt) => sum + toMicros(debt.amount)!, 0n);
  const part =
    owed === 0n
      ? ''
      : owed > 0n
        ? `; ${credits(owed)} of that had been spent, and are owed`
        : `; ${credits(-owed)} are owed no more`;
  return `Of ${creditRecordId === undefined ? `the credits of the plan ${grantId}` : `the purchase ${creditRecordId}`}, ${credits(amount)} are taken back in all, after ${toUnits(toMicros(before)!)}, because its payment was reversed${part}.`;
}

function credits(amount: Micros): string {
  return `${toUnits(amount)} ${amount === 1_000_000n ? 'credit' : 'credits'}`;
}
