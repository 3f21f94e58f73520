import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import type { MeterSettings } from 'tollgate/ai';
import { meterOpenAI } from 'tollgate/ai/openai';
import { isRefusal } from 'tollgate/client';
import type { Usage } from '../../examples/provider.ts';
import { until } from '../shop.ts';
import { MODEL, openWorld, type World } from './world.ts';

// OpenAI's own client, on a provider that streams over HTTP.

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

const LONG = 'x'.repeat(2000); // 500 tokens, a point
const USAGE: Usage = { input: 20_000, cachedInput: 10_000, output: 5000, reasoning: 1000 };
const POOLS = { input: 10_000, cachedInput: 10_000, output: 4000, reasoning: 1000 };

const metered = (settings: MeterSettings) =>
  meterOpenAI(new OpenAI({ baseURL: world.provider.url, apiKey: 'sk-of-the-test', maxRetries: 0 }), settings);

async function tokensOf(workspaceId: string) {
  await world.endedHoldsOf(workspaceId);
  const usages = await world.usagesOf(workspaceId);
  assert.ok(usages.length <= 1);
  return usages[0]?.work?.tokens;
}

type More = { max_completion_tokens?: number };
type Streamed = AsyncIterable<unknown> & { controller: AbortController };
/** What both endpoints have in common, for the tests that ask it of both. */
type Endpoint = {
  whole(settings: MeterSettings): Promise<string>;
  stream(settings: MeterSettings, more?: More, signal?: AbortSignal): Promise<Streamed>;
  textOf(event: unknown): string;
  limitOf(body: Record<string, number>): number;
};

const messages = [{ role: 'user' as const, content: 'Write.' }];
const endpoints: Record<string, Endpoint> = {
  'chat completions': {
    async whole(settings) {
      const answer = await metered(settings).chat.completions.create({ model: MODEL, messages });
      return answer.choices[0]!.message.content!;
    },
    stream: (settings, more = {}, signal) =>
      metered(settings).chat.completions.create(
        { model: MODEL, messages, stream: true, max_completion_tokens: 5000, ...more },
        signal === undefined ? {} : { signal },
      ),
    // Whoever did not ask for usage gets no piece without a choice.
    textOf: (event) => (event as OpenAI.ChatCompletionChunk).choices[0]!.delta.content ?? '',
    limitOf: ({ max_completion_tokens }) => max_completion_tokens!,
  },
  responses: {
    async whole(settings) {
      return (await metered(settings).responses.create({ model: MODEL, input: 'Write.' })).output_text;
    },
    stream: (settings, { max_completion_tokens: max_output_tokens = 5000 } = {}, signal) =>
      metered(settings).responses.create(
        { model: MODEL, input: 'Write.', stream: true, max_output_tokens },
        signal === undefined ? {} : { signal },
      ),
    textOf(event) {
      const { type, delta } = event as { type: string; delta: string };
      return type === 'response.output_text.delta' ? delta : '';
    },
    limitOf: ({ max_output_tokens }) => max_output_tokens!,
  },
};

for (const [name, { whole, stream, textOf, limitOf }] of Object.entries(endpoints)) {
  describe(name, () => {
    async function read(settings: MeterSettings, more: More = {}): Promise<string> {
      let text = '';
      for await (const event of await stream(settings, more)) text += textOf(event);
      return text;
    }

    test('an answer that streams is charged what its provider counted', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ usage: USAGE });
      assert.match(await read(world.charging(workspaceId)), /^Reserve before .* came to\.$/);
      assert.deepEqual(await tokensOf(workspaceId), POOLS);
      assert.equal(await world.usedBy(workspaceId), 21);
    });

    test('so is one that comes at once', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ usage: USAGE });
      assert.match(await whole(world.charging(workspaceId)), /came to\.$/);
      assert.deepEqual(await tokensOf(workspaceId), POOLS);
    });

    test('one that nobody counted, and one that is cut off, are charged for what came', async () => {
      const uncounted = await world.workspace();
      world.provider.plan({ usage: null, pieces: [LONG, LONG, LONG], everyMs: 0 });
      await read(world.charging(uncounted));
      assert.equal((await tokensOf(uncounted))!.output, 1500);
      const broken = await world.workspace();
      world.provider.plan({ pieces: [LONG, LONG, LONG], piecesMax: 2, ending: 'cut', everyMs: 0 });
      await assert.rejects(read(world.charging(broken)));
      assert.equal((await tokensOf(broken))!.output, 1000);
    });

    test('one that its provider refuses is charged nothing', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ status: 400 });
      await assert.rejects(read(world.charging(workspaceId)), OpenAI.BadRequestError);
      const [hold] = await world.endedHoldsOf(workspaceId);
      assert.equal(hold!.status, 'RELEASED');
    });

    for (const way of ['by leaving its loop', 'by its own signal', "by the stream's controller"]) {
      test(`whoever gives up, ${way}, pays for what came`, async () => {
        const workspaceId = await world.workspace();
        const abort = new AbortController();
        world.provider.plan({ pieces: [LONG, LONG], ending: 'hang', everyMs: 0 });
        const events = await stream(world.charging(workspaceId), {}, abort.signal);
        let text = '';
        for await (const event of events) {
          text += textOf(event);
          if (text.length < 4000) continue;
          if (way.endsWith('loop')) break;
          if (way.endsWith('signal')) abort.abort();
          else events.controller.abort();
        }
        assert.equal((await tokensOf(workspaceId))!.output, 1000);
        await until(() => world.provider.calls.at(-1)!.wasLeft);
      });
    }

    test('what cannot be paid is refused before the provider is asked, or made shorter', async () => {
      const workspaceId = await world.workspace();
      const calls = world.provider.calls.length;
      const dear = { max_completion_tokens: 200_000 };
      await assert.rejects(read(world.charging(workspaceId), dear), (error) =>
        isRefusal(error, 'insufficient_credits'),
      );
      assert.equal(world.provider.calls.length, calls);
      await read(world.charging(workspaceId, { clamp: true }), dear);
      const limit = limitOf(world.provider.calls.at(-1)!.body);
      assert.ok(limit > 99_000 && limit < 100_000, `${limit}`);
    });
  });
}

test('who asks for usage gets it, and who asks for none is charged for what came', async () => {
  const workspaceId = await world.workspace();
  const completions = metered(world.charging(workspaceId)).chat.completions;
  const last = async (include_usage: boolean) => {
    world.provider.plan({ usage: USAGE, pieces: [LONG], everyMs: 0 });
    const body = { model: MODEL, messages, stream: true as const, stream_options: { include_usage } };
    return (await Array.fromAsync(await completions.create(body))).at(-1)!;
  };
  assert.equal((await last(true)).usage!.prompt_tokens, 20_000);
  assert.equal((await last(false)).choices.length, 1);
  await world.endedHoldsOf(workspaceId);
  assert.deepEqual(
    (await world.usagesOf(workspaceId)).map(({ work }) => work!.tokens!.output),
    [4000, 500],
  );
});

test('what is done later and elsewhere cannot be metered, and is not begun', async () => {
  const workspaceId = await world.workspace();
  const create = metered(world.charging(workspaceId)).responses.create;
  await assert.rejects(create({ model: MODEL, input: 'Write.', background: true }), /background/);
  assert.deepEqual(await world.holdsOf(workspaceId), []);
});

test('a piece that has only what a filter found, as Azure sends it, disturbs nobody', async () => {
  const workspaceId = await world.workspace();
  const pieces = [
    { choices: [{ index: 0, delta: { content: LONG }, finish_reason: null }] },
    { choices: [{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 2000 } }] },
  ];
  const body = pieces.map((piece) => `data: ${JSON.stringify(piece)}\n\n`).join('');
  const azure = new OpenAI({
    apiKey: 'sk-of-the-test',
    fetch: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
  });
  const { completions } = meterOpenAI(azure, world.charging(workspaceId)).chat;
  const stream = await completions.create({ model: MODEL, messages, stream: true });
  assert.equal((await Array.fromAsync(stream)).length, 2);
  assert.equal((await tokensOf(workspaceId))!.output, 500);
});
