import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { State } from './state.ts';
import { States } from './states.ts';

const state = (workspaceId: string, version = 0): State => ({
  workspaceId,
  version,
  createdAt: 0,
  subscription: null,
  wallet: { balance: 0n, total: 0n, totalUsage: 0n, expired: 0n, clawedBack: 0n, debt: 0n, held: 0n },
  grants: [],
  holds: [],
  debts: [],
  usages: new Map(),
  topUpBelow: null,
});

test('what is asked for stays, and no more than the limit is kept', () => {
  const states = new States(10);
  states.keep(state('asked for'));
  for (let i = 0; i < 100; i++) {
    states.keep(state(`w${i}`));
    assert.equal(states.get('asked for')?.workspaceId, 'asked for');
  }
  const kept = Array.from({ length: 100 }, (_, i) => states.get(`w${i}`)).filter(
    (each) => each !== undefined,
  );
  assert.ok(kept.length > 0 && kept.length <= 10, `${kept.length} are kept`);
});

test('the newest state of a workspace is the one that is kept, in whichever generation it was', () => {
  const states = new States(4);
  states.keep(state('a', 1));
  states.keep(state('b', 1)); // both are old now
  states.keep(state('a', 2));
  assert.equal(states.get('a')?.version, 2);
  states.keep(state('c'));
  assert.equal(states.get('a')?.version, 2);
});

test('what is forgotten is gone from both generations', () => {
  const states = new States(4);
  states.keep(state('a', 1));
  states.keep(state('b'));
  states.keep(state('a', 2));
  states.forget('a');
  assert.equal(states.get('a'), undefined);
  assert.notEqual(states.get('b'), undefined);
});
