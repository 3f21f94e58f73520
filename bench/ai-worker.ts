/** A process of its own that streams answers of a model, metered or not, and prints what that took: `ai-worker.ts <AIWork as JSON>`. */
import { simulateReadableStream, streamText, wrapLanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { tollgate } from '../sdk/ai/index.ts';
import { createClient } from '../sdk/client/index.ts';
import { median } from './table.ts';

export type AIWork = {
  port: number;
  key: string;
  workspaceId: string;
  /** Of an answer, each a token. */
  chunks: number;
  /** Of a turn, one after the other. */
  calls: number;
  /** Each of plain calls, metered ones, and metered ones whose requests are answered inside of the process. */
  turns: number;
};

/** In milliseconds of a call, of the median turn. */
export type AICosts = {
  /** CPU that metering takes: estimating, reserving, counting, reporting, settling; without what `fetch` takes. */
  cpuMs: number;
  /** The same with `fetch`, which has the process woken for each answer. */
  withFetchCpuMs: number;
  /** Made by a call: a hold, reports, a settlement. */
  requests: number;
  /** How much later its first token comes. */
  firstTokenMs: number;
  /** What a hold takes by itself, each after an answer. */
  holdMs: number;
};

const { port, key, workspaceId, chunks, calls, turns }: AIWork = JSON.parse(process.argv[2]!);

const answers = new Map<string, string>();
let requests = 0;

/** Asks Tollgate, and keeps what it answers to each verb. */
const asking: typeof fetch = async (input, init) => {
  requests++;
  const response = await fetch(input, init);
  answers.set(verbOf(String(input)), await response.clone().text());
  return response;
};

/** Gives the answers that were kept. */
const replaying: typeof fetch = async (input) => new Response(answers.get(verbOf(String(input))));

const verbOf = (url: string) => url.slice(url.lastIndexOf('/'));

const usage = {
  inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: chunks, text: chunks, reasoning: 0 },
};

type StreamOf<Answer> = Answer extends { stream: ReadableStream<infer Part> } ? Part : never;
type Part = StreamOf<Awaited<ReturnType<MockLanguageModelV4['doStream']>>>;
const parts: Part[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'text-start', id: '1' },
  ...Array.from({ length: chunks }, () => ({ type: 'text-delta', id: '1', delta: ' toll' }) satisfies Part),
  { type: 'text-end', id: '1' },
  { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
];
const plain = new MockLanguageModelV4({
  modelId: 'gpt-5',
  doStream: async () => ({
    stream: simulateReadableStream({ chunks: parts, initialDelayInMs: null, chunkDelayInMs: null }),
  }),
});
const clientBy = (asks: typeof fetch) =>
  createClient({ url: `http://127.0.0.1:${port}`, secretKey: key, fetch: asks });
const meteredBy = (asks: typeof fetch) =>
  wrapLanguageModel({
    model: plain,
    middleware: tollgate({
      ...{ client: clientBy(asks), workspaceId, pageId: 'bench' },
      onFailure: ({ error }) => fail(error),
    }),
  });
const metered = meteredBy(fetch);
const meteredAlone = meteredBy(replaying);

function fail(error: unknown): never {
  throw error;
}

/** Reads an answer to its end; resolves to when its first token came, in milliseconds from the call. */
async function stream(model: Model): Promise<number> {
  const calledAt = performance.now();
  let firstAt = 0;
  const { textStream } = streamText({
    ...{ model, prompt: 'What is a toll?', maxOutputTokens: chunks, onError: ({ error }) => fail(error) },
  });
  for await (const _ of textStream) firstAt ||= performance.now();
  return firstAt - calledAt;
}

type Model = typeof plain | typeof metered;

/** Streams a turn's calls; resolves to the CPU of each, and the median time to a first token. */
async function turn(model: Model): Promise<{ cpuMs: number; firstMs: number }> {
  const before = process.cpuUsage();
  const first: number[] = [];
  while (first.length < calls) first.push(await stream(model));
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / calls, firstMs: median(first) };
}

async function holdMs(): Promise<number> {
  const client = clientBy(fetch);
  const took: number[] = [];
  while (took.length < calls) {
    await stream(plain);
    const calledAt = performance.now();
    const { id } = await client.holds.create({
      ...{ workspaceId, featureCode: 'ai.points' },
      ai: { type: 'TEXT_CHAT', pageId: 'bench', model: 'gpt-5', tokens: { input: 10, output: chunks } },
    });
    took.push(performance.now() - calledAt);
    await client.holds.release(id);
  }
  return median(took);
}

await stream(meteredBy(asking));
for (const model of [plain, meteredAlone, metered]) await turn(model); // until the code is compiled
const costs: Omit<AICosts, 'requests'>[] = [];
for (let i = 0; i < turns; i++) {
  const [bare, own, all] = [await turn(plain), await turn(meteredAlone), await turn(metered)];
  costs.push({
    cpuMs: own.cpuMs - bare.cpuMs,
    withFetchCpuMs: all.cpuMs - bare.cpuMs,
    firstTokenMs: all.firstMs - bare.firstMs,
    holdMs: await holdMs(),
  });
}
const middle = (name: keyof (typeof costs)[number]) => median(costs.map((cost) => cost[name]));
const result: AICosts = {
  ...{ cpuMs: middle('cpuMs'), withFetchCpuMs: middle('withFetchCpuMs'), requests },
  ...{ firstTokenMs: middle('firstTokenMs'), holdMs: middle('holdMs') },
};
process.stdout.write(JSON.stringify(result));
