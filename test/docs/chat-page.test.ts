import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { POINTS } from '../ai/world.ts';
import { until } from '../shop.ts';
import { askAsChat, type Example, startExample } from './example.ts';

// What the chat page of examples/hono asks its server; that it is charged at all is in servers.test.ts.

describe('the chat page', () => {
  let example: Example;
  before(async () => {
    example = await startExample('hono');
  });
  after(() => example?.close());

  const points = async () => JSON.parse(await (await fetch(`${example.url}/points`)).text());

  test('is served, with all that belongs to it', async () => {
    const page = await fetch(example.url);
    assert.match(page.headers.get('content-type')!, /^text\/html/);
    const named = [...(await page.text()).matchAll(/(?:src|href)="(?!data:)([^"]+)"/g)];
    assert.equal(named.length, 2);
    for (const [, part] of named) assert.equal((await fetch(`${example.url}/${part}`)).status, 200, part);
  });

  test('is told what is left: all at first, and the balance at the end', async () => {
    assert.deepEqual(await points(), { left: POINTS, isSettled: true });
    const { points: told } = await askAsChat(`${example.url}/chat`, 'What is a fair price?');
    const left = await example.balance();
    assert.ok(left < POINTS);
    assert.deepEqual([told[0], told.at(-1)], [POINTS, left]);
    assert.deepEqual(await points(), { left, isSettled: true });
  });

  test('is told how it falls while the answer is being written; who stops is charged, and told so', async () => {
    const before = await example.balance();
    const piece = 'x'.repeat(2000);
    example.provider.plan({ pieces: [piece, piece], ending: 'hang', everyMs: 0 });
    const stopping = new AbortController();
    const { points: told } = await askAsChat(`${example.url}/chat`, 'What is a fair price?', {
      signal: stopping.signal,
      onPart: ({ points }) => points.some((left) => left < before) && stopping.abort(),
    });
    assert.ok(told.at(-1)! < before);
    await until(async () => (await points()).isSettled);
    const left = await example.balance();
    assert.ok(left < before);
    assert.deepEqual(await points(), { left, isSettled: true });
  });
});
