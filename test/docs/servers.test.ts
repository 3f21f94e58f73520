import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { POINTS } from '../ai/world.ts';
import { until } from '../shop.ts';
import { type Ask, askAsChat, askForText, type Example, startExample, WORKSPACE } from './example.ts';
import { ROOT } from './pages.ts';

/** Examples that serve, each with where and how it is asked. */
const SERVERS: Record<string, { path: string; ask: Ask }> = {
  express: { path: '/chat', ask: askForText },
  hono: { path: '/chat', ask: askAsChat },
  'next-route': { path: '/api/chat', ask: askAsChat },
};

const QUESTION = 'What is a fair price?';

test('every example that prints nothing to compare is a server that is asked here', () => {
  const servers = globSync('examples/*/main.ts', { cwd: ROOT })
    .map(dirname)
    .filter((folder) => !existsSync(join(ROOT, folder, 'output.txt')));
  assert.deepEqual(
    servers.sort(),
    Object.keys(SERVERS).map((name) => `examples/${name}`),
  );
});

for (const [name, { path, ask }] of Object.entries(SERVERS)) {
  describe(`the server of examples/${name}`, () => {
    let example: Example;
    before(async () => {
      example = await startExample(name);
    });
    after(() => example?.close());

    async function lastUsage() {
      await example.endedHoldsOf(WORKSPACE);
      return (await example.usagesOf(WORKSPACE)).at(-1)!;
    }

    test('streams an answer, and charges what its provider counted', async () => {
      example.provider.plan({ usage: { input: 400, output: 1000 } });
      const { text, error } = await ask(example.url + path, QUESTION);
      assert.equal(error, undefined);
      assert.match(text, /^Reserve before .* came to\.$/);
      const usage = await lastUsage();
      assert.deepEqual(usage.work!.tokens, { input: 400, output: 1000 });
      assert.equal(usage.points, 14);
      assert.equal(await example.balance(), POINTS - 14);
    });

    test('a reader who leaves ends the call, and pays for what came', async () => {
      const before = await example.balance();
      const piece = 'x'.repeat(2000); // 500 tokens
      example.provider.plan({ pieces: [piece], ending: 'hang', everyMs: 0 });
      const leaving = new AbortController();
      const { text } = await ask(example.url + path, QUESTION, {
        signal: leaving.signal,
        onPart: ({ text }) => text === piece && leaving.abort(),
      });
      assert.equal(text, piece);
      const usage = await lastUsage();
      assert.equal(usage.work!.tokens!.output, 500);
      assert.equal(await example.balance(), before - usage.points);
      await until(() => example.provider.calls.at(-1)!.wasLeft);
    });

    test('without enough points it is refused in words, and no provider is asked', async () => {
      const points = (await example.balance()) - 1;
      await example.client.ai.use({ workspaceId: WORKSPACE, type: 'TEXT_CHAT', pageId: 'page', points });
      const calls = example.provider.calls.length;
      const { text, error } = await ask(example.url + path, QUESTION);
      assert.equal(text, '');
      assert.match(error!, /takes .*\b2\d credits/);
      assert.equal(example.provider.calls.length, calls);
      assert.equal(await example.balance(), 1);
    });
  });
}
