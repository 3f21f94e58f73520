import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Operation } from './operations.ts';
import { Queue } from './queue.ts';

type Item = { operation: Operation };

function use(workspaceId: string, key?: string): Item {
  const idempotency = key === undefined ? null : { key, fingerprint: 'f' };
  return { operation: { type: 'USE', workspaceId, idempotency } as Operation };
}

const workspacesOf = (batch: readonly Item[]) => batch.map(({ operation }) => operation.workspaceId);

function queueOf(items: readonly Item[]): Queue<Item> {
  const queue = new Queue<Item>();
  for (const item of items) queue.push(item);
  return queue;
}

const many = (workspaceId: string, count: number) => Array.from({ length: count }, () => use(workspaceId));

test('a workspace is in one batch at a time', () => {
  const queue = queueOf([...many('a', 3), ...many('b', 1)]);
  const first = queue.take(2);
  assert.deepEqual(workspacesOf(first), ['a', 'a']);
  assert.deepEqual(workspacesOf(queue.take(2)), ['b']);
  assert.deepEqual(queue.take(2), []);
  queue.putBack(first, []);
  assert.deepEqual(workspacesOf(queue.take(2)), ['a']);
  assert.equal(queue.length, 0);
});

test('workspaces that never run dry do not keep another waiting, though there is room for both in each batch', () => {
  const queue = queueOf([...many('hot', 10), ...many('warm', 10), use('cold')]);
  const batches = [queue.take(5), queue.take(5)];
  assert.deepEqual(
    batches.map((batch) => new Set(workspacesOf(batch))),
    [new Set(['hot']), new Set(['warm'])],
  );
  queue.push(use('hot'));
  queue.putBack(batches[0]!, []);
  assert.equal(workspacesOf(queue.take(5))[0], 'cold');
});

test('what has to be decided again goes before what came later for its workspace', () => {
  const [first, second, later] = [use('a'), use('a'), use('a')];
  const queue = queueOf([first, second]);
  const batch = queue.take(2);
  queue.push(later);
  queue.putBack(batch, [second]);
  assert.deepEqual(queue.take(5), [second, later]);
});

test('a key is in one batch at a time, whatever workspace it is used for', () => {
  const [first, repeat] = [use('a', 'key'), use('b', 'key')];
  const queue = queueOf([first, repeat]);
  assert.deepEqual(queue.take(5), [first]);
  assert.deepEqual(queue.take(5), []);
  queue.putBack([first], []);
  assert.deepEqual(queue.take(5), [repeat]);
});

test('a workspace with a lane is left to it', () => {
  const queue = queueOf([use('held'), use('free')]);
  assert.equal(queue.openLane('held'), true);
  assert.equal(queue.openLane('held'), false);
  assert.deepEqual(workspacesOf(queue.take(5)), ['free']);
  const lane = queue.takeLane('held', 5);
  assert.deepEqual(workspacesOf(lane), ['held']);
  queue.putBack(lane, lane);
  assert.equal(queue.lengthOf('held'), 1);
  queue.closeLane('held');
  assert.deepEqual(workspacesOf(queue.take(5)), ['held']);
});
