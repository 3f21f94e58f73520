import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { MeterSettings } from 'tollgate/ai';
import { createClient, memoryJournal } from 'tollgate/client';
import { openHold } from '../../sdk/ai/hold.ts';
import { SECRET_KEY } from '../server.ts';
import { MODEL, openWorld, type World } from './world.ts';

// What a meter knows of its hold, on a line on which things go wrong.

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const done = (output: number) => ({ tokens: { input: 1000, output } });

const openIn = (workspaceId: string, settings: MeterSettings) =>
  openHold(settings, { workspaceId, pageId: 'page', type: 'TEXT_CHAT', model: MODEL, work: done(5000) });

test('a report without an answer is not taken, also where work goes on without one', async () => {
  const workspaceId = await world.workspace();
  const client = createClient({
    ...{ url: world.wire.url, secretKey: SECRET_KEY, attemptsMax: 1 },
    ...{ journal: memoryJournal(), whenUnreachable: 'open', deliverInBackground: false },
  });
  const hold = await openIn(workspaceId, world.charging(workspaceId, { client }));
  world.wire.cut(true);
  assert.equal(await hold.report(done(500)), 'failed');
  world.wire.cut(false);
  assert.equal(await hold.report(done(500)), 'taken');
  await hold.release();
});

for (const [what, answer] of [
  ['comes', (hold: object) => hold],
  ['is lost', () => Promise.reject(new Error('nobody gets this answer'))],
] as const) {
  test(`a report whose answer ${what} after the end is told to nobody`, async () => {
    const workspaceId = await world.workspace();
    const states: string[] = [];
    const settings = world.charging(workspaceId, { onHold: ({ status }) => void states.push(status) });
    const hold = await openIn(workspaceId, settings);
    const [asked, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    world.wire.fail(/progress/, {
      async change(taken) {
        asked.resolve();
        await settled.promise;
        return answer(taken);
      },
    });
    const report = hold.report(done(500));
    await asked.promise;
    await hold.settle(done(1000));
    settled.resolve();
    await report;
    assert.deepEqual(states, ['HELD', 'SETTLED']);
    assert.deepEqual(settings.failures, []);
  });
}

test('what waits for an end that has no answer goes on, and so does the end', async () => {
  const workspaceId = await world.workspace();
  const handedOn: Promise<void>[] = [];
  const settings = world.charging(workspaceId, { waitUntil: (ending) => void handedOn.push(ending) });
  const hold = await openIn(workspaceId, settings);
  world.wire.cut(true);
  await hold.settle(done(1000));
  assert.equal(await world.usedBy(workspaceId), 0);
  world.wire.cut(false);
  await Promise.all(handedOn);
  assert.equal(handedOn.length, 1);
  assert.equal(await world.usedBy(workspaceId), 3);
  assert.deepEqual(settings.failures, []);
});

test('who cannot be handed an end is told, and it is settled', async () => {
  const workspaceId = await world.workspace();
  const settings = world.charging(workspaceId, {
    waitUntil() {
      throw new Error('outside of a request');
    },
  });
  const hold = await openIn(workspaceId, settings);
  await hold.settle(done(1000));
  assert.equal(await world.usedBy(workspaceId), 3);
  assert.deepEqual(
    settings.failures.map(({ step }) => step),
    ['waitUntil'],
  );
});
