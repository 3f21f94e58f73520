import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import {
  generateText,
  type LanguageModel,
  simulateReadableStream,
  stepCountIs,
  streamText,
  tool,
  wrapLanguageModel,
} from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { type MeterSettings, tollgate } from 'tollgate/ai';
import { createClient, isRefusal, memoryJournal, Unreachable } from 'tollgate/client';
import { z } from 'zod';
import type { Plan, Usage } from '../../examples/provider.ts';
import { SECRET_KEY } from '../server.ts';
import { until } from '../shop.ts';
import { MODEL, openWorld, POINTS, type World } from './world.ts';

// A real Tollgate, the AI SDK, and a provider that streams over HTTP; where a provider has to say what none says, a mock.

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => world.close());

type Form = 'chat' | 'responses';

/** A model of the provider, metered. */
function modelOf(settings: MeterSettings, form: Form = 'chat') {
  const openai = createOpenAI({ baseURL: world.provider.url, apiKey: 'sk-of-the-test' });
  return wrapLanguageModel({ model: openai[form](MODEL), middleware: tollgate(settings) });
}

const LONG = 'x'.repeat(2000); // 500 tokens, a point

/** Streams an answer to its end; what goes wrong is in the answer. */
async function read(model: LanguageModel, more: Partial<Parameters<typeof streamText>[0]> = {}) {
  let error: unknown;
  let text = '';
  const { fullStream } = streamText({
    ...{ model, prompt: 'Write.', maxOutputTokens: 5000, maxRetries: 0, onError() {} },
    ...(more as object),
  });
  try {
    for await (const part of fullStream) {
      if (part.type === 'text-delta') text += part.text;
      if (part.type === 'error') error = part.error;
    }
  } catch (thrown) {
    error = thrown;
  }
  return { text, error };
}

/** What its only usage was charged for. */
async function tokensOf(workspaceId: string) {
  await world.endedHoldsOf(workspaceId);
  const usages = await world.usagesOf(workspaceId);
  assert.ok(usages.length <= 1);
  return usages[0]?.work?.tokens;
}

const USAGE: Usage = { input: 20_000, cachedInput: 10_000, output: 5000, reasoning: 1000 };
const POOLS = { input: 10_000, cachedInput: 10_000, output: 4000, reasoning: 1000 };
const USAGE_POINTS = 21; // 10 for what was read, 1 from the cache, 10 for what was written

for (const form of ['chat', 'responses'] as const) {
  describe(form, () => {
    test('an answer that streams is charged what its provider counted', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ usage: USAGE });
      const { text, error } = await read(modelOf(world.charging(workspaceId), form));
      assert.equal(error, undefined);
      assert.match(text, /^Reserve before .* came to\.$/);
      assert.deepEqual(await tokensOf(workspaceId), POOLS);
      const [usage] = await world.usagesOf(workspaceId);
      assert.deepEqual([usage!.type, usage!.pageId, usage!.points], ['TEXT_CHAT', 'page', USAGE_POINTS]);
      assert.equal(await world.usedBy(workspaceId), USAGE_POINTS);
    });

    test('so is one that comes at once', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ usage: USAGE });
      await generateText({ model: modelOf(world.charging(workspaceId), form), prompt: 'Write.' });
      assert.deepEqual(await tokensOf(workspaceId), POOLS);
      const [hold] = await world.holdsOf(workspaceId);
      assert.equal(hold!.amount, 9); // 4096 tokens, where no limit is said
    });

    test('one that nobody counted is charged for what came', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ usage: null, pieces: [LONG, LONG, LONG], everyMs: 0 });
      await read(modelOf(world.charging(workspaceId), form));
      const { input, output } = (await tokensOf(workspaceId))!;
      assert.equal(output, 1500);
      assert.ok(input! > 5 && input! < 50, `${input} for a short prompt`);
    });

    test('one that is cut off is charged for what came', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ pieces: [LONG, LONG, LONG], piecesMax: 2, ending: 'cut', everyMs: 0 });
      const { error } = await read(modelOf(world.charging(workspaceId), form));
      assert.ok(error instanceof Error);
      assert.equal((await tokensOf(workspaceId))!.output, 1000);
    });

    test('one that its provider refuses is charged nothing', async () => {
      const workspaceId = await world.workspace();
      for (const status of [400, 429, 500]) {
        world.provider.plan({ status });
        assert.ok((await read(modelOf(world.charging(workspaceId), form))).error instanceof Error);
      }
      const holds = await world.endedHoldsOf(workspaceId);
      assert.deepEqual(
        holds.map(({ status }) => status),
        ['RELEASED', 'RELEASED', 'RELEASED'],
      );
      assert.equal(await world.usedBy(workspaceId), 0);
    });

    test('one that is aborted is charged for what came, and its provider is left', async () => {
      const workspaceId = await world.workspace();
      world.provider.plan({ pieces: [LONG, LONG], ending: 'hang', everyMs: 0 });
      const abort = new AbortController();
      const model = modelOf(world.charging(workspaceId), form);
      const { textStream } = streamText({ model, prompt: 'Write.', abortSignal: abort.signal });
      let pieces = 0;
      for await (const _ of textStream) if (++pieces === 2) abort.abort();
      assert.equal((await tokensOf(workspaceId))!.output, 1000);
      await until(() => world.provider.calls.at(-1)!.wasLeft);
    });
  });
}

describe('whoever gives up', () => {
  test('before the first word pays for the prompt', async () => {
    const workspaceId = await world.workspace();
    const calls = world.provider.calls.length;
    world.provider.plan({ piecesMax: 0, ending: 'hang' });
    const abort = new AbortController();
    const { textStream } = streamText({
      ...{ model: modelOf(world.charging(workspaceId)), prompt: 'x'.repeat(8000) },
      ...{ abortSignal: abort.signal, onError() {} },
    });
    const reading = Array.fromAsync(textStream).catch(() => {});
    await until(() => world.provider.calls.length > calls);
    abort.abort();
    await reading;
    const { input, output } = (await tokensOf(workspaceId))!;
    assert.ok(input! > 2000 && input! < 2050);
    assert.equal(output, 0);
  });

  test('by closing the page pays for what came, where the request says so to the call', async () => {
    const workspaceId = await world.workspace();
    world.provider.plan({ pieces: [LONG, LONG, LONG], ending: 'hang', everyMs: 0 });
    const request = new AbortController();
    const model = modelOf(world.charging(workspaceId));
    const result = streamText({ model, prompt: 'Write.', abortSignal: request.signal });
    const reader = result.toTextStreamResponse().body!.getReader();
    await reader.read();
    request.abort();
    await reader.cancel().catch(() => {});
    const { output } = (await tokensOf(workspaceId))!;
    assert.ok(output! >= 500 && output! <= 1500);
  });

  test('by leaving the stream of the model itself pays for what came', async () => {
    const workspaceId = await world.workspace();
    world.provider.plan({ pieces: [LONG, LONG, LONG], ending: 'hang', everyMs: 0 });
    const model = modelOf(world.charging(workspaceId));
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Write.' }] }];
    const reader = (await model.doStream({ prompt })).stream.getReader();
    for (let text = ''; text !== LONG; ) {
      const { value } = await reader.read();
      text = value?.type === 'text-delta' ? value.delta : '';
    }
    await reader.cancel();
    assert.equal((await tokensOf(workspaceId))!.output, 500);
    await until(() => world.provider.calls.at(-1)!.wasLeft);
  });
});

describe('refused is', () => {
  test('what cannot be paid, before its provider hears of it', async () => {
    const workspaceId = await world.workspace();
    const calls = world.provider.calls.length;
    const model = modelOf(world.charging(workspaceId));
    const { error } = await read(model, { maxOutputTokens: 200_000 });
    assert.ok(isRefusal(error, 'insufficient_credits'), String(error));
    assert.equal(error.details.affordable, POINTS);
    const refused = generateText({ model, prompt: 'Write.', maxOutputTokens: 200_000 });
    await assert.rejects(refused, (thrown) => isRefusal(thrown, 'insufficient_credits'));
    assert.equal(world.provider.calls.length, calls);
    assert.deepEqual(await world.holdsOf(workspaceId), []);
  });

  test('a model that has no price, and a workspace that is unknown', async () => {
    const calls = world.provider.calls.length;
    const workspaceId = await world.workspace();
    const nameless = modelOf(world.charging(workspaceId, { pricedAs: () => 'nobody-knows-it' }));
    assert.ok(isRefusal((await read(nameless)).error, 'model_unknown'));
    assert.ok(isRefusal((await read(modelOf(world.charging('nobody')))).error, 'workspace_not_found'));
    assert.equal(world.provider.calls.length, calls);
  });

  test('a call that says nobody to charge', async () => {
    const { error } = await read(modelOf({ client: world.client, pageId: 'page' }));
    assert.match(String(error), /TypeError: workspaceId is missing/);
  });
});

test('a call may name its own workspace and page, which its provider is not told', async () => {
  const [settings, workspaceId] = [await world.workspace(), await world.workspace()];
  let lookups = 0;
  const lookup = async () => {
    lookups++;
    return settings;
  };
  const model = modelOf(world.charging(settings, { workspaceId: lookup }));
  await read(model, { providerOptions: { tollgate: { workspaceId, pageId: 'other' } } });
  await tokensOf(workspaceId);
  assert.deepEqual([(await world.usagesOf(workspaceId))[0]!.pageId, lookups], ['other', 0]);
  assert.ok(!JSON.stringify(world.provider.calls.at(-1)!.body).includes(workspaceId));
  await read(model);
  await tokensOf(settings);
  assert.deepEqual([(await world.usagesOf(settings))[0]!.pageId, lookups], ['page', 1]);
});

describe('an answer that cannot be paid in full', () => {
  test('is made shorter, if that is wanted', async () => {
    const workspaceId = await world.workspace();
    const model = modelOf(world.charging(workspaceId, { clamp: true }));
    world.provider.plan({ usage: { input: 1000, output: 99_000 } });
    assert.equal((await read(model, { maxOutputTokens: 200_000 })).error, undefined);
    const { max_tokens, max_completion_tokens } = world.provider.calls.at(-1)!.body;
    const limit = max_tokens ?? max_completion_tokens;
    assert.ok(limit > 99_000 && limit < 100_000, `${limit}`);
    assert.equal((await tokensOf(workspaceId))!.output, 99_000);
    assert.equal(await world.usedBy(workspaceId), 199);

    world.provider.plan({});
    assert.equal((await read(model)).error, undefined);
    const { max_tokens: short, max_completion_tokens: shorter } = world.provider.calls.at(-1)!.body;
    assert.ok((short ?? shorter) <= 500);
  });

  test('keeps its limit where that can be paid', async () => {
    const model = modelOf(world.charging(await world.workspace(), { clamp: true }));
    await read(model, { maxOutputTokens: 700 });
    const { max_tokens, max_completion_tokens } = world.provider.calls.at(-1)!.body;
    assert.equal(max_tokens ?? max_completion_tokens, 700);
  });

  test('is refused where nothing of it can be paid', async () => {
    const workspaceId = await world.workspace();
    await world.client.use({ workspaceId, featureCode: 'ai.points', amount: POINTS });
    const calls = world.provider.calls.length;
    const { error } = await read(modelOf(world.charging(workspaceId, { clamp: true })));
    assert.ok(isRefusal(error, 'insufficient_credits'));
    assert.equal(world.provider.calls.length, calls);
  });
});

describe('while it streams', () => {
  /** A stream of 1,000 tokens that hangs, reported. */
  async function hanging(settings: MeterSettings, plan: Plan = {}) {
    world.provider.plan({ pieces: [LONG, LONG], everyMs: 0, ending: 'hang', ...plan });
    const abort = new AbortController();
    const model = modelOf({ ...settings, reportEveryMs: 20 });
    const reading = read(model, { abortSignal: abort.signal });
    return { abort, reading };
  }

  test('what came is reported, and charged once if nothing more is heard of it', async () => {
    const workspaceId = await world.workspace();
    const states: string[] = [];
    const settings = world.charging(workspaceId, {
      onHold: ({ status, progressAmount }) => void states.push(`${status} ${progressAmount}`),
    });
    const { abort, reading } = await hanging(settings);
    await until(() => states.includes('HELD 3')); // 2 for what was written, 1 begun by the prompt
    // The line is cut before the call ends, as if its process had died.
    world.wire.cut(true);
    abort.abort();
    await reading;
    await world.advance(121);
    world.wire.cut(false);
    const [hold] = await world.endedHoldsOf(workspaceId);
    assert.deepEqual([hold!.status, hold!.settledAmount], ['SETTLED', 3]);
    assert.equal(await world.usedBy(workspaceId), 3);
    // The settlement that was under way comes too late, and is told.
    await until(() => settings.failures.some(({ step }) => step === 'settle'));
    assert.ok(isRefusal(settings.failures.at(-1)!.error, 'hold_not_open'));
    assert.equal(await world.usedBy(workspaceId), 3);
    assert.equal((await world.usagesOf(workspaceId)).length, 1);
  });

  test('reports that fail do not disturb it, and are told', async () => {
    const workspaceId = await world.workspace();
    const settings = world.charging(workspaceId, { reportEveryMs: 5 });
    const lost = Array.from({ length: 1000 }, () => ({ drop: true }) as const);
    world.wire.fail(/progress/, ...lost);
    world.provider.plan({ usage: USAGE });
    const { text, error } = await read(modelOf(settings));
    assert.equal(error, undefined);
    assert.match(text, /came to\.$/);
    assert.deepEqual(await tokensOf(workspaceId), POOLS);
    assert.ok(settings.failures.length > 0 && settings.failures.every(({ step }) => step === 'report'));
  });

  test('those who are told of it may fail, and it goes on', async () => {
    const workspaceId = await world.workspace();
    const failures: string[] = [];
    const settings = world.charging(workspaceId, {
      onHold({ status }) {
        throw new Error(`told of ${status}`);
      },
      onFailure({ step, error }) {
        failures.push(`${step}: ${(error as Error).message}`);
        throw error;
      },
    });
    world.provider.plan({ usage: USAGE });
    assert.equal((await read(modelOf(settings))).error, undefined);
    assert.deepEqual(await tokensOf(workspaceId), POOLS);
    assert.deepEqual(failures, ['onHold: told of HELD', 'onHold: told of SETTLED']);
  });

  test('a settlement whose answer is lost is done once', async () => {
    const workspaceId = await world.workspace();
    const settings = world.charging(workspaceId);
    world.wire.fail(/settle/, { lose: 'cut' }, { status: 503 }, { lose: 'cut' });
    world.provider.plan({ usage: USAGE });
    await read(modelOf(settings));
    assert.deepEqual(await tokensOf(workspaceId), POOLS);
    assert.equal(await world.usedBy(workspaceId), USAGE_POINTS);
    assert.deepEqual(settings.failures, []);
  });
});

describe('where Tollgate is unreachable', () => {
  const nowhere = { url: 'http://127.0.0.1:9', secretKey: SECRET_KEY, attemptsMax: 1 };

  test('a call is refused, and its provider not asked', async () => {
    const calls = world.provider.calls.length;
    const { error } = await read(
      modelOf({ client: createClient(nowhere), workspaceId: 'acme', pageId: 'page' }),
    );
    assert.ok(error instanceof Unreachable);
    assert.equal(world.provider.calls.length, calls);
  });

  test('one that may go on is charged once Tollgate is back', async () => {
    const workspaceId = await world.workspace();
    const journal = memoryJournal();
    const client = createClient({
      ...{ url: world.wire.url, secretKey: SECRET_KEY, attemptsMax: 1 },
      ...{ journal, whenUnreachableByFeature: { 'ai.points': 'open' }, deliverInBackground: false },
    });
    world.wire.cut(true);
    world.provider.plan({ usage: USAGE });
    const { text } = await read(modelOf(world.charging(workspaceId, { client })));
    world.wire.cut(false);
    assert.match(text, /came to\.$/);
    assert.equal(journal.size, 1);
    assert.equal(await world.usedBy(workspaceId), 0);
    assert.deepEqual(await client.deliver(), { delivered: 1, refused: 0 });
    assert.equal(await world.usedBy(workspaceId), USAGE_POINTS);
    assert.deepEqual(await tokensOf(workspaceId), POOLS);
  });

  test('open needs a journal', async () => {
    const settings = world.charging(await world.workspace(), { whenUnreachable: 'open' });
    assert.match(String((await read(modelOf(settings))).error), /a client with a journal/);
  });
});

// What a provider may say that the one above does not.

const NOTHING_COUNTED = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
};
const counted = (read: number, written: number, cacheWrite = 0) => ({
  inputTokens: { total: read, noCache: read - cacheWrite, cacheRead: 0, cacheWrite },
  outputTokens: { total: written, text: written, reasoning: 0 },
});

type StreamPart =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

function mocked(settings: MeterSettings, ...chunks: StreamPart[]) {
  const stream = simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null });
  const model = new MockLanguageModelV4({ modelId: MODEL, doStream: { stream } });
  return wrapLanguageModel({ model, middleware: tollgate(settings) });
}

const START: StreamPart = { type: 'stream-start', warnings: [] };
const finish = (usage: typeof NOTHING_COUNTED): StreamPart => ({
  type: 'finish',
  finishReason: { unified: 'stop', raw: 'stop' },
  usage,
});

describe('what was produced is', () => {
  test('text, reasoning and the inputs of tools, each once', async () => {
    const workspaceId = await world.workspace();
    const model = mocked(
      ...[world.charging(workspaceId), START],
      ...(['reasoning-start', 'reasoning-end', 'text-start', 'text-end'] as const).flatMap((type) => {
        const part: StreamPart = { type, id: '1' };
        if (type === 'reasoning-end')
          return [{ type: 'reasoning-delta', id: '1', delta: LONG } as const, part];
        if (type === 'text-end') return [{ type: 'text-delta', id: '1', delta: LONG } as const, part];
        return [part];
      }),
      { type: 'tool-input-start', id: 'call-1', toolName: 'look' },
      { type: 'tool-input-delta', id: 'call-1', delta: `{"at":"${LONG}"}` },
      { type: 'tool-input-end', id: 'call-1' },
      { type: 'tool-call', toolCallId: 'call-1', toolName: 'look', input: `{"at":"${LONG}"}` },
      { type: 'tool-call', toolCallId: 'call-2', toolName: 'look', input: `{"at":"${LONG}"}` },
      finish(NOTHING_COUNTED),
    );
    await read(model);
    const { output, reasoning } = (await tokensOf(workspaceId))!;
    assert.deepEqual([output, reasoning], [1505, 500]);
  });

  test('nothing where an error comes first', async () => {
    const workspaceId = await world.workspace();
    const error = { type: 'error', error: new Error('overloaded') } as const;
    await read(mocked(world.charging(workspaceId), START, error, finish(NOTHING_COUNTED)));
    const [hold] = await world.endedHoldsOf(workspaceId);
    assert.equal(hold!.status, 'RELEASED');
  });

  test('never free for its pool: what the price says nothing of is charged as plain input', async () => {
    const workspaceId = await world.workspace();
    const usage = {
      ...counted(9000, 500, 4000),
      raw: { cache_creation: { ephemeral_1h_input_tokens: 4000 } },
    };
    const settings = world.charging(workspaceId);
    await read(mocked(settings, START, { type: 'text-start', id: '1' }, finish(usage as never)));
    assert.deepEqual(await tokensOf(workspaceId), { input: 9000, output: 500 });
    assert.deepEqual(settings.failures, []);
  });
});

test('an abort ends the hold, though nobody reads and the model takes no notice', async () => {
  const workspaceId = await world.workspace();
  const abort = new AbortController();
  const model = mocked(world.charging(workspaceId), START, { type: 'text-start', id: '1' });
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Write.' }] }];
  await model.doStream({ prompt, abortSignal: abort.signal });
  abort.abort();
  const { output } = (await tokensOf(workspaceId))!;
  assert.equal(output, 0);
});

test('so does one that was there before the stream', async () => {
  const workspaceId = await world.workspace();
  const abort = new AbortController();
  const stream = simulateReadableStream({ chunks: [START] });
  const doStream = async () => {
    abort.abort();
    return { stream };
  };
  const model = wrapLanguageModel({
    model: new MockLanguageModelV4({ modelId: MODEL, doStream }),
    middleware: tollgate(world.charging(workspaceId)),
  });
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Write.' }] }];
  await model.doStream({ prompt, abortSignal: abort.signal });
  const { output } = (await tokensOf(workspaceId))!;
  assert.equal(output, 0);
});

test('each call of a tool loop is a hold of its own', async () => {
  const workspaceId = await world.workspace();
  const answers: Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>[] = [
    {
      content: [{ type: 'tool-call', toolCallId: '1', toolName: 'look', input: '{"at":"it"}' }],
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
      ...{ usage: counted(3000, 500), warnings: [] },
    },
    {
      content: [{ type: 'text', text: 'It is there.' }],
      finishReason: { unified: 'stop', raw: 'stop' },
      ...{ usage: counted(4000, 500), warnings: [] },
    },
  ];
  const model = new MockLanguageModelV4({ modelId: MODEL, doGenerate: answers });
  const look = tool({ inputSchema: z.object({ at: z.string() }), execute: async () => 'seen' });
  const { text } = await generateText({
    model: wrapLanguageModel({ model, middleware: tollgate(world.charging(workspaceId)) }),
    ...{ prompt: 'Look.', tools: { look }, stopWhen: stepCountIs(5) },
  });
  assert.equal(text, 'It is there.');
  await world.endedHoldsOf(workspaceId);
  assert.deepEqual(
    (await world.usagesOf(workspaceId)).map(({ points }) => points),
    [4, 5],
  );
});

test('200 at once on points for 100: no more is spent, and who is refused is so before the provider', async () => {
  const workspaceId = await world.workspace();
  const calls = world.provider.calls.length;
  const usage = { input: 20, output: 985 };
  world.provider.plan(...Array.from({ length: 100 }, () => ({ pieces: [LONG, LONG], usage })));
  const model = modelOf(world.charging(workspaceId));
  const streams = await Promise.all(
    Array.from({ length: 200 }, () => read(model, { maxOutputTokens: 985 })), // 2 points each
  );
  const refused = streams.filter(({ error }) => isRefusal(error, 'insufficient_credits'));
  const served = streams.filter(({ error, text }) => error === undefined && text.length === 4000);
  assert.deepEqual([served.length, refused.length], [100, 100]);
  assert.equal(world.provider.calls.length - calls, 100);
  const holds = await world.endedHoldsOf(workspaceId);
  assert.equal(holds.length, 100);
  assert.equal(await world.usedBy(workspaceId), POINTS);
});
