import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import {
  firstShapeDatabase,
  insertRows,
  oldRows,
  type Row,
  readRows,
  TABLES,
} from '../../test/first-shape.ts';
import { fromDecimal, type Micros, min, toDecimal } from '../lib/amounts.ts';
import { migrate } from './migrate.ts';
import { openPool } from './pool.ts';

// A database of the first shape with thousands of rows, migrated by a session that lives in another time zone and
// prints floats with fewer digits than they have.
const database = await firstShapeDatabase();
after(() => database.drop());
const old = oldRows();
await insertRows(database.pool, old);
const startedAt = Date.now();
const url = new URL(database.url);
url.searchParams.set('options', '-c TimeZone=Asia/Shanghai -c extra_float_digits=0');
const far = openPool(url.href.replaceAll('+', '%20'), { max: 1, name: 'test' });
await migrate(far).finally(() => far.end());
const now = await readRows(database.pool);
const grants = await read('select * from "CreditGrant" order by "createdAt" desc, id desc');
const openings = await read('select * from "Decision" order by id');

test('every row is still there, word for word, amounts rounded at the sixth decimal, times taken as UTC', () => {
  for (const table of TABLES) {
    const kept = byId(now[table]);
    for (const { balance, total, totalUsage, ...row } of old[table]) {
      const same = kept.get(row.id);
      assert(same !== undefined, `${table} ${row.id} is gone`);
      for (const [column, value] of Object.entries(row)) {
        assert.deepEqual(same[column], carried(column, value), `${column} of ${table} ${row.id}`);
      }
    }
    if (table !== 'Credit') assert.equal(kept.size, old[table].length);
  }
});

test('sums agree with the old ones to the sixth decimal', () => {
  for (const [table, column] of AMOUNT_COLUMNS) {
    const before = sum(old[table].map((row) => micros(row[column] as number)));
    assert.equal(sum(now[table].map((row) => fromDecimal(row[column] as string))), before, table);
  }
});

test('every workspace has one wallet that adds up: what can be spent and what was spent are kept', () => {
  const wallets = byId(now.Credit, 'workspaceId');
  const before = byId(old.Credit, 'workspaceId');
  assert.equal(now.Credit.length, old.Workspace.length);
  for (const { id } of old.Workspace) {
    const [wallet, was] = [wallets.get(id)!, before.get(id)];
    const balance = atLeastZero(was?.balance);
    const totalUsage = atLeastZero(was?.totalUsage);
    const figures = { balance, total: balance + totalUsage, totalUsage, expired: 0n, clawedBack: 0n };
    for (const [column, figure] of Object.entries(figures)) {
      assert.equal(fromDecimal(wallet[column] as string), figure, `${column} of ${id}`);
    }
  }
});

test('the old figures of every wallet that had any are kept to the last digit in its opening', () => {
  const had = old.Credit.filter((row) => row.balance !== 0 || row.total !== 0 || row.totalUsage !== 0);
  assert(had.length > 200 && had.length < old.Credit.length);
  const found = byId(openings);
  assert.equal(found.size, had.length);
  for (const { id, workspaceId, balance, total, totalUsage } of had) {
    const opening = found.get(`op_00opening_credit_${id}`)!;
    const { operation, code, plan, catalogVersion } = opening;
    assert.deepEqual([operation, code, plan, catalogVersion], ['OPENING', null, 'FREE', 'none']);
    assert.equal(opening.workspaceId, workspaceId);
    const reasons = opening.reasons as Record<string, string>;
    assert.deepEqual(Object.keys(reasons).sort(), ['balance', 'total', 'totalUsage']);
    assert.deepEqual(
      {
        balance: Number(reasons.balance),
        total: Number(reasons.total),
        totalUsage: Number(reasons.totalUsage),
      },
      { balance, total, totalUsage },
    );
    assert.equal(opening.creditCost, toDecimal(atLeastZero(totalUsage)));
    assert.equal(opening.amount, toDecimal(atLeastZero(balance) + atLeastZero(totalUsage)));
  }
});

test('each old purchase is a grant, the newest hold what is left, and the rest of a balance is a grant too', () => {
  const records = [...old.CreditRecord].sort(
    (a, b) => compare(b.createdAt, a.createdAt) || compare(b.id, a.id),
  );
  const found = byId(grants);
  let rests = 0;
  for (const { id, workspaceId, balance } of now.Credit) {
    let left = fromDecimal(balance as string);
    for (const record of records.filter((candidate) => candidate.workspaceId === workspaceId)) {
      const amount = micros(record.amount as number);
      const grant = found.get(`op_00opening_record_${record.id}`)!;
      assert.equal(grant.type, 'PURCHASE');
      assert.equal(grant.workspaceId, workspaceId);
      assert.equal(grant.creditRecordId, record.id);
      assert.equal(grant.description, record.description ?? 'Purchase');
      assert.deepEqual(grant.createdAt, carried('createdAt', record.createdAt));
      assert.equal(grant.amount, toDecimal(amount));
      assert.equal(grant.remaining, toDecimal(min(amount, left)), `what is left of record ${record.id}`);
      left -= min(amount, left);
    }
    const rest = found.get(`op_00opening_credit_${id}`);
    assert.deepEqual(
      rest && [rest.type, rest.workspaceId, rest.amount, rest.remaining],
      left === 0n ? undefined : ['OPENING', workspaceId, toDecimal(left), toDecimal(left)],
    );
    if (rest !== undefined) rests++;
  }
  assert(rests > 50);
  assert.equal(grants.length, records.length + rests);
});

test('a payment knows the workspace and the credits that it bought', () => {
  const records = byId(old.CreditRecord, 'paymentId');
  for (const payment of now.Payment) {
    const record = records.get(payment.id);
    assert.equal(payment.workspaceId, record?.workspaceId ?? null);
    assert.equal(payment.credits, record === undefined ? null : toDecimal(micros(record.amount as number)));
  }
});

test('a feature usage keeps its time as its period, or the next free millisecond where another row has it', () => {
  const taken = new Map<string, number>();
  let moved = 0;
  for (const row of [...now.FeatureUsage].sort(
    (a, b) => compare(a.createdAt, b.createdAt) || compare(a.id, b.id),
  )) {
    const place = `${row.workspaceId} ${row.featureCode}`;
    const createdAt = (row.createdAt as Date).getTime();
    const expected = Math.max(createdAt, (taken.get(place) ?? 0) + 1);
    assert.equal((row.periodStart as Date).getTime(), expected, row.id);
    taken.set(place, expected);
    if (expected !== createdAt) moved++;
  }
  assert(moved > 500);
});

test('a workspace is as old as its oldest row, a user as the payer, and one without a trace is new', () => {
  const first = new Map<unknown, number>();
  const trace = (owner: unknown, row: Row) => {
    const at = Date.parse(`${row.createdAt}Z`);
    first.set(owner, Math.min(first.get(owner) ?? at, at));
  };
  for (const table of TABLES) for (const row of old[table]) if (row.workspaceId) trace(row.workspaceId, row);
  for (const row of old.PaymentUser) trace(row.userId, row);
  for (const { id, createdAt } of [...now.Workspace, ...now.User]) {
    const at = (createdAt as Date).getTime();
    if (first.has(id)) assert.equal(at, first.get(id), id);
    else assert(at >= startedAt && at <= Date.now(), `${id} is new`);
  }
});

const AMOUNT_COLUMNS = [
  ['Payment', 'amount'],
  ['FeatureUsage', 'used'],
  ['CreditRecord', 'amount'],
  ['CreditUsage', 'amount'],
] as const;

/** What a value of the first shape has become. */
function carried(column: string, value: unknown): unknown {
  if (/At$|Date$/.test(column)) return new Date(`${value}Z`);
  if (column === 'amount' || column === 'used') return toDecimal(micros(value as number));
  return value;
}

/** The decimal that a float is written as, in micro-units, halves away from zero. Not the way Postgres does it. */
function micros(float: number): Micros {
  const [mantissa, exponent = '0'] = Math.abs(float).toString().split('e');
  const [whole, fraction = ''] = mantissa!.split('.');
  const shift = Number(exponent) - fraction.length + 6;
  const digits = BigInt(whole! + fraction);
  const scaled =
    shift >= 0
      ? digits * 10n ** BigInt(shift)
      : (digits * 2n + 10n ** BigInt(-shift)) / (2n * 10n ** BigInt(-shift));
  return float < 0 ? -scaled : scaled;
}

function atLeastZero(figure: unknown): Micros {
  const exact = micros((figure as number | undefined) ?? 0);
  return exact < 0n ? 0n : exact;
}

function sum(amounts: Micros[]): Micros {
  return amounts.reduce((total, amount) => total + amount, 0n);
}

function compare(a: unknown, b: unknown): number {
  return (a as string) < (b as string) ? -1 : (a as string) > (b as string) ? 1 : 0;
}

function byId(rows: Row[], column = 'id'): Map<unknown, Row> {
  return new Map(rows.map((row) => [row[column], row]));
}

async function read(select: string): Promise<Row[]> {
  return (await database.pool.query<Row>(select)).rows;
}
