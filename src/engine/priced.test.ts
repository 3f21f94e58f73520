import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import type { AIConfig } from '../catalog/config.ts';
import { parseCatalog } from '../catalog/parse.ts';
import { decide } from './decide.ts';
import type { HoldOperation, ProgressOperation } from './operations.ts';
import type { State } from './state.ts';

const catalogOf = (ai: AIConfig) => parseCatalog({ ...sampleConfig(), ai });
const writer = { input: 100, output: 200 };
const cheap = catalogOf({ pointUsd: 0.01, models: { writer } });
const without = parseCatalog(sampleConfig());

const NOTHING = { balance: 0n, total: 0n, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n };
const empty: State = {
  ...{ workspaceId: 'ws', version: 1, createdAt: 0, subscription: null, wallet: NOTHING },
  ...{ grants: [], holds: [], debts: [], usages: new Map(), topUpBelow: null },
};

const take = (onExpire: HoldOperation['onExpire']): HoldOperation => ({
  ...{ type: 'HOLD', id: 'hold', workspaceId: 'ws', featureCode: 'ai.points', amount: 0n, idempotency: null },
  ...{ work: { model: 'writer', tokens: { input: 100, output: 1000 } }, ttlMs: 1000, onExpire },
  ai: { type: 'TEXT_CHAT', pageId: 'page' },
});
const report = (output: number): ProgressOperation => ({
  ...{
    type: 'PROGRESS',
    id: `at ${output}`,
    workspaceId: 'ws',
    holdId: 'hold',
    amount: 0n,
    idempotency: null,
  },
  ...{ work: { tokens: { input: 100, output } }, ttlMs: null },
});

test('a hold that expires is settled with what its model had done, at its own price, whatever the catalog says', () => {
  const held = decide(empty, take('settle'), cheap, 0);
  assert.equal(held.decisions[0]!.amount, 21_000_000n);
  const once = decide(held.state, report(100), without, 500);
  const again = decide(once.state, report(300), without, 900);
  const { state, decisions } = decide(
    again.state,
    { type: 'EXPIRE', id: 'late', workspaceId: 'ws', idempotency: null },
    without,
    5000,
  );
  const [{ operation, amount, reasons }] = decisions as [(typeof decisions)[0]];
  assert.deepEqual([operation, amount, reasons.at], ['SETTLE', 7_000_000n, new Date(1900).toISOString()]);
  assert.deepEqual(reasons.ai, {
    ...{ type: 'TEXT_CHAT', pageId: 'page' },
    work: {
      ...{ model: 'writer', tokens: { input: 100, output: 300 }, costUsd: 0.07 },
      price: { source: 'CATALOG', model: 'writer', tokens: writer, markup: 1, pointUsd: 0.01 },
    },
  });
  assert.deepEqual(state.holds, []);
});

test('one that nobody was heard of is released, whatever its model was to do', () => {
  const held = decide(empty, take('release'), cheap, 0);
  const { state, decisions } = decide(
    held.state,
    { type: 'EXPIRE', id: 'late', workspaceId: 'ws', idempotency: null },
    without,
    1000,
  );
  assert.deepEqual([decisions[0]!.operation, state.holds], ['RELEASE', []]);
});

test('a hold that expires without a report is settled with nothing, and not with what its model was to do', () => {
  const held = decide(empty, take('settle'), cheap, 0);
  const { decisions } = decide(
    held.state,
    { type: 'EXPIRE', id: 'late', workspaceId: 'ws', idempotency: null },
    cheap,
    5000,
  );
  const [{ amount, reasons }] = decisions as [(typeof decisions)[0]];
  const { tokens, costUsd } = reasons.ai!.work!;
  assert.deepEqual([amount, tokens, costUsd], [0n, undefined, null]);
});
