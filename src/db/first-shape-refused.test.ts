import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import {
  firstShapeDatabase,
  insertRows,
  type Row,
  readRows,
  TABLES,
  type Table,
} from '../../test/first-shape.ts';
import { diffSchema } from '../../test/schema-diff.ts';
import { migrate } from './migrate.ts';

// A database of the first shape that somebody made by hand: no foreign keys, no unique keys, a primary key of another
// name and two that are missing.
const database = await firstShapeDatabase();
after(() => database.drop());
const { pool } = database;
await pool.query(`
  do $$
  declare
    made record;
  begin
    for made in select conrelid::regclass as name, conname from pg_constraint where contype = 'f' loop
      execute format('alter table %s drop constraint %I', made.name, made.conname);
    end loop;
    for made in select indexrelid::regclass as name from pg_index join pg_class on pg_class.oid = indrelid
      where not indisprimary and relnamespace = 'public'::regnamespace
    loop
      execute format('drop index %s', made.name);
    end loop;
  end
  $$;
  alter table "CreditUsage" rename constraint "CreditUsage_pkey" to usage_key;
  alter table "Payment" drop constraint "Payment_pkey";
  alter table "Credit" drop constraint "Credit_pkey"`);

const STRIPE = { paymentPlatform: 'STRIPE' };
const TIMES = { createdAt: '2024-05-01T00:00:00', updatedAt: '2024-05-01T00:00:00' };
const PERIOD = { startDate: '2024-05-01T00:00:00', endDate: '2024-06-01T00:00:00' };
const WS = { workspaceId: 'ws' };

const SOUND: Record<Table, Row> = {
  User: { id: 'u' },
  Workspace: { id: 'ws', name: '工作空间' },
  PaymentUser: { id: 'pu', userId: 'u', email: 'a@example.com', customerId: 'cus', ...STRIPE, ...TIMES },
  Payment: {
    id: 'pay',
    amount: 10,
    currency: 'usd',
    status: 'SUCCEEDED',
    paymentId: 'pi',
    paymentUserId: 'pu',
    ...STRIPE,
    ...TIMES,
  },
  Subscription: {
    id: 'sub',
    subscriptionId: 's',
    status: 'ACTIVE',
    plan: 'PRO',
    ...WS,
    ...STRIPE,
    ...PERIOD,
    ...TIMES,
  },
  FeatureUsage: { id: 'fu', featureCode: 'f', used: 1, ...WS, ...TIMES },
  Credit: { id: 'cr', balance: 1, total: 2, totalUsage: 1, ...WS, ...TIMES },
  CreditRecord: {
    id: 'rec',
    amount: 1,
    type: 'PURCHASE',
    paymentUserId: 'pu',
    paymentId: 'pay',
    ...WS,
    ...TIMES,
  },
  CreditUsage: {
    id: 'cu',
    featureCode: 'f',
    amount: 1,
    description: '',
    status: 'SUCCEEDED',
    ...WS,
    ...TIMES,
  },
  AIUsage: {
    id: 'ai',
    type: 'TEXT_CHAT',
    points: 3,
    freePoints: 1,
    paidPoints: 2,
    pageId: 'p',
    ...WS,
    ...TIMES,
  },
};

/** What makes a copy of the sound row another one. */
const OTHER: Partial<Record<Table, object>> = {
  PaymentUser: { email: 'b@example.com', customerId: null },
  Payment: { paymentId: 'other' },
  Subscription: { subscriptionId: 'other', workspaceId: 'other' },
  Credit: { workspaceId: 'other' },
  CreditRecord: { paymentId: null },
};

const AMOUNT = 'an amount must be zero or more, and below 100000000000000';
const FIGURE = 'a figure of a wallet must be below 100000000000000';
const POINTS = 'points must be freePoints plus paidPoints, and none of them below zero';
const ONCE = 'another row has the same value, and only one may';

const refused: [table: Table, bad: object, message: string][] = [
  ['Payment', { amount: -0.01 }, `Payment bad has amount = -0.01: ${AMOUNT}`],
  ['FeatureUsage', { used: 'Infinity' }, `FeatureUsage bad has used = Infinity: ${AMOUNT}`],
  ['CreditRecord', { amount: 1e15 }, `CreditRecord bad has amount = 1e+15: ${AMOUNT}`],
  ['CreditUsage', { amount: 'NaN' }, `CreditUsage bad has amount = NaN: ${AMOUNT}`],
  ['Credit', { balance: 'NaN' }, `Credit bad has balance = NaN: ${FIGURE}`],
  ['Credit', { total: '-Infinity' }, `Credit bad has total = -Infinity: ${FIGURE}`],
  ['Credit', { totalUsage: 2e15 }, `Credit bad has totalUsage = 2e+15: ${FIGURE}`],
  [
    'Credit',
    { balance: 6e13, totalUsage: 6e13 },
    'Credit bad has balance = 60000000000000: balance and totalUsage together must be below 100000000000000',
  ],
  ['AIUsage', { points: 4 }, `AIUsage bad has points = 4: ${POINTS}`],
  ['AIUsage', { points: 1, freePoints: 2, paidPoints: -1 }, `AIUsage bad has points = 1: ${POINTS}`],
  ['AIUsage', { freePoints: 2_147_483_647, paidPoints: 9 }, `AIUsage bad has points = 3: ${POINTS}`],
  ['Payment', { id: 'pay' }, 'Payment pay has id = pay: an id must be there once'],
  ['PaymentUser', { email: 'a@example.com' }, `PaymentUser bad has email = a@example.com: ${ONCE}`],
  ['PaymentUser', { customerId: 'cus' }, `PaymentUser bad has customerId = cus: ${ONCE}`],
  ['Payment', { paymentId: 'pi' }, `Payment bad has paymentId = pi: ${ONCE}`],
  ['Subscription', { subscriptionId: 's' }, `Subscription bad has subscriptionId = s: ${ONCE}`],
  ['Subscription', { workspaceId: 'ws' }, `Subscription bad has workspaceId = ws: ${ONCE}`],
  ['Credit', { workspaceId: 'ws' }, `Credit bad has workspaceId = ws: ${ONCE}`],
  ['CreditRecord', { paymentId: 'pay' }, `CreditRecord bad has paymentId = pay: ${ONCE}`],
  [
    'Payment',
    { paymentUserId: 'nobody' },
    'Payment bad has paymentUserId = nobody: there is no such PaymentUser',
  ],
  ['Subscription', {}, 'Subscription bad has workspaceId = other: there is no such Workspace'],
  [
    'FeatureUsage',
    { workspaceId: 'no' },
    'FeatureUsage bad has workspaceId = no: there is no such Workspace',
  ],
  ['Credit', {}, 'Credit bad has workspaceId = other: there is no such Workspace'],
  [
    'CreditRecord',
    { workspaceId: 'no' },
    'CreditRecord bad has workspaceId = no: there is no such Workspace',
  ],
  [
    'CreditRecord',
    { paymentUserId: 'no' },
    'CreditRecord bad has paymentUserId = no: there is no such PaymentUser',
  ],
  ['CreditRecord', { paymentId: 'no' }, 'CreditRecord bad has paymentId = no: there is no such Payment'],
  ['CreditUsage', { workspaceId: 'no' }, 'CreditUsage bad has workspaceId = no: there is no such Workspace'],
  ['AIUsage', { workspaceId: 'no' }, 'AIUsage bad has workspaceId = no: there is no such Workspace'],
];

for (const [table, bad, message] of refused) {
  test(`refused, and nothing changed: ${message}`, async () => {
    await fill();
    await insertRows(pool, { [table]: [{ ...SOUND[table], id: 'bad', ...OTHER[table], ...bad }] });
    const before = await everything();
    await assert.rejects(migrate(pool), (error: Error) => {
      assert(
        error.message.endsWith(`${message}. Correct or remove that row, then start again.`),
        error.message,
      );
      return true;
    });
    assert.deepEqual(await everything(), before);
  });
}

test('without the bad row the hand-made database becomes the same as any other', async () => {
  await fill();
  await migrate(pool);
  const schema = readFileSync(join(import.meta.dirname, '..', '..', 'prisma', 'schema.prisma'), 'utf8');
  assert.equal(await diffSchema(database.url, schema), '');
  const rows = await readRows(pool);
  for (const table of TABLES)
    assert.deepEqual(
      rows[table].map(({ id }) => id),
      [SOUND[table].id],
    );
});

async function fill(): Promise<void> {
  await pool.query(`truncate ${TABLES.map((table) => `"${table}"`).join(', ')}`);
  await insertRows(pool, Object.fromEntries(TABLES.map((table) => [table, [SOUND[table]]])));
}

/** All rows, and every column, key, index, type, function and trigger there is, beside Tollgate's own record. */
async function everything(): Promise<unknown> {
  const { rows: shape } = await pool.query(`
    select c.relname as owner, a.attname as name, format_type(a.atttypid, a.atttypmod) as what
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relname not like '\\_%' and a.attnum > 0
    union all
    select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    from pg_constraint
    where connamespace = 'public'::regnamespace and conrelid::regclass::text not like '\\_%'
    union all
    select '', typname, '' from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'
    union all
    select '', proname, '' from pg_proc where pronamespace = 'public'::regnamespace
    union all
    select tgrelid::regclass::text, tgname, '' from pg_trigger where not tgisinternal
    order by 1, 2, 3`);
  return { shape, rows: await readRows(pool) };
}
