import type pg from 'pg';
import { readMigrations } from '../src/db/migrate.ts';
import { type TestDatabase, testDatabase } from './database.ts';

export type Row = { id: string; [column: string]: unknown };
export type Rows = Record<Table, Row[]>;
export type Table = (typeof TABLES)[number];

/** In an order in which rows can be inserted. */
export const TABLES = [
  'User',
  'Workspace',
  'PaymentUser',
  'Payment',
  'Subscription',
  'FeatureUsage',
  'Credit',
  'CreditRecord',
  'CreditUsage',
  'AIUsage',
] as const;

/** A database of the first shape: what Prisma made of the given model, without rows. Tollgate was never there. */
export async function firstShapeDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  const [first] = await readMigrations();
  await database.pool.query(`drop schema public cascade; create schema public; ${first!.sql}`);
  return database;
}

/** Inserts rows as they are, floats to the last digit. */
export async function insertRows(pool: pg.Pool, rows: Partial<Rows>): Promise<void> {
  for (const table of TABLES) {
    await pool.query(`insert into "${table}" select * from jsonb_populate_recordset(null::"${table}", $1)`, [
      JSON.stringify(rows[table] ?? []),
    ]);
  }
}

/** All rows by id. */
export async function readRows(pool: pg.Pool): Promise<Rows> {
  const read = async (table: Table) => [
    table,
    (await pool.query<Row>(`select * from "${table}" order by id`)).rows,
  ];
  return Object.fromEntries(await Promise.all(TABLES.map(read)));
}

/** A few thousand rows such as floats, haste and years leave behind. The same ones each time. */
export function oldRows(): Rows {
  const random = sequence(42);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  const make = (n: number, row: (i: number) => Row) => Array.from({ length: n }, (_, i) => row(i));
  const time = () => localTime(Date.UTC(2023, 0, 1) + below(900 * 24) * 3_600_000 + below(3) * 7);
  const amount = () => pick(AMOUNTS) ?? random() * 10 ** below(9);
  const times = () => ({ createdAt: time(), updatedAt: time() });
  const workspaceId = () => `ws_${below(WORKSPACES)}`;
  const paymentUserId = () => `pu_${below(PAYERS)}`;

  return {
    User: make(PAYERS + 20, (i) => ({ id: `u_${i}` })),
    Workspace: make(WORKSPACES + 10, (i) => ({ id: `ws_${i}`, name: pick(TEXTS) })),
    PaymentUser: make(PAYERS, (i) => ({
      id: `pu_${i}`,
      userId: `u_${below(PAYERS)}`,
      email: `${i}@example.com`,
      paymentPlatform: 'STRIPE',
      customerId: i % 3 === 0 ? null : `cus_${i}`,
      ...times(),
    })),
    Payment: make(900, (i) => ({
      id: `pay_${i}`,
      amount: amount(),
      currency: pick(['usd', 'eur', 'jpy']),
      status: pick(['PENDING', 'SUCCEEDED', 'FAILED']),
      paymentPlatform: 'STRIPE',
      paymentId: `pi_${i}`,
      paymentUserId: paymentUserId(),
      ...times(),
    })),
    Subscription: make(WORKSPACES / 4, (i) => ({
      id: `sub_${i}`,
      paymentPlatform: 'STRIPE',
      subscriptionId: `stripe_${i}`,
      status: pick(['ACTIVE', 'CANCELED', 'PAST_DUE', 'UNPAID', 'TRIAL']),
      workspaceId: `ws_${i * 3}`,
      plan: pick(['FREE', 'BASIC', 'PRO', 'ENTERPRISE']),
      startDate: time(),
      endDate: time(),
      ...times(),
    })),
    // Few times and few features: many of them share both.
    FeatureUsage: make(2_000, (i) => ({
      id: `fu_${i}`,
      workspaceId: `ws_${below(WORKSPACES / 2)}`,
      featureCode: pick(['export', '导出']),
      used: amount(),
      createdAt: localTime(Date.UTC(2024, 0, 1) + below(3)),
      updatedAt: time(),
    })),
    // Every fifth workspace has none.
    Credit: make(WORKSPACES, (i) => ({
      id: `${i}`,
      workspaceId: `ws_${i}`,
      ...pick(WALLETS)(amount(), amount()),
      ...times(),
    })).filter((_, i) => i % 5 !== 0),
    // Their ids are also ids of wallets: each table counts its own.
    CreditRecord: make(700, (i) => ({
      id: `${i}`,
      amount: amount(),
      type: 'PURCHASE',
      workspaceId: workspaceId(),
      paymentUserId: paymentUserId(),
      paymentId: i % 4 === 0 ? null : `pay_${i}`,
      description: pick([null, ...TEXTS]),
      ...times(),
    })),
    CreditUsage: make(2_000, (i) => ({
      id: `cu_${i}`,
      workspaceId: workspaceId(),
      featureCode: pick(['export', 'ai.points']),
      amount: amount(),
      description: pick(TEXTS),
      status: pick(['SUCCEEDED', 'FAILED', 'REFUNDED']),
      ...times(),
    })),
    AIUsage: make(1_000, (i) => {
      const [freePoints, paidPoints] = [below(200), below(1_000)];
      return {
        id: `ai_${i}`,
        workspaceId: workspaceId(),
        type: pick(['TEXT_CHAT', 'IMAGE_GENERATION']),
        points: freePoints + paidPoints,
        freePoints,
        paidPoints,
        pageId: pick(TEXTS),
        description: pick([null, ...TEXTS]),
        ...times(),
      };
    }),
  };
}

const WORKSPACES = 400;
const PAYERS = 150;

const TEXTS = ['Purchase', '工作空间 🐉', '充值 100 元', 'it\'s \\ "quoted"', '👩‍👩‍👧 e\u0301', ''];

/** Sums of floats, halves at the seventh decimal, more digits than a direct cast keeps; undefined: any other. */
const AMOUNTS = [
  0.1 + 0.2,
  0.7 + 0.1,
  0,
  10,
  5e-7,
  4e-7,
  1.0000005,
  12345678901.123457,
  99999999999.99,
  undefined,
];

type Figures = { balance: number; total: number; totalUsage: number };

const WALLETS: ((a: number, b: number) => Figures)[] = [
  (balance, totalUsage) => ({ balance, total: balance + totalUsage, totalUsage }),
  (total, totalUsage) => ({ balance: total - totalUsage, total, totalUsage }),
  (balance, total) => ({ balance, total, totalUsage: 0.1 + 0.2 }),
  (balance) => ({ balance, total: balance, totalUsage: -0.25 }),
  (total) => ({ balance: -1e-9, total, totalUsage: total }),
  (total) => ({ balance: 0, total, totalUsage: 0 }),
  () => ({ balance: 0, total: 0, totalUsage: 0 }),
];

/** As Prisma wrote it: UTC without saying so. */
function localTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

/** Numbers from 0 to 1 that look random and are the same in every run (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
