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
  /** Of each kind: plain, metered, and metered with requests that are answered inside of the process. In whole rounds. */
  calls: number;
};

/** In milliseconds. */
export type AICosts = {
  /**
   * CPU that metering takes: estimating, reserving, counting, reporting, settling; without what `fetch` takes. The median of
   * what rounds of metered calls took more than the rounds of plain ones beside them, for each call.
   */
  cpuMs: number;
  /** The same with `fetch`, which has the process woken for each answer. */
  withFetchCpuMs: number;
  /** Made by a call: a hold, reports, a settlement. */
  requests: number;
  /** How much later its first token comes: the difference of two medians of calls. */
  firstTokenMs: number;
  /** What a hold takes by itself, each after an answer: the median. */
  holdMs: number;
};

const { port, key, workspaceId, chunks, calls }: AIWork = JSON.parse(process.argv[2]!);

const answers = new Map<string, string>();
let requests = 0;

/** Asks Tollgate, and keeps what it answers to each verb. */
const asking: typeof fetch = async (input, init) => {
  requests++;
  const response = await fetch(input, init);
  answers.set(verbOf(String(input)), await response.clone().text());
  return response;
};

/** Gives the answers that were kept, in as much of a Response as the client reads. */
const replaying: typeof fetch = async (input) => {
  const text = async () => answers.get(verbOf(String(input)))!;
  return { ok: true, status: 200, headers: ITS_HEADERS, text } as Response;
};
const ITS_HEADERS = new Headers({ 'request-id': 'req_replayed' });

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

/** What is thrown to whoever tells of an error is heard by nobody: this ends the process. */
function fail(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
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

/** Until the code is compiled. */
const WARMUP_CALLS = 100;

/** Of one kind in a row: a collection of garbage falls on any. */
const ROUND_CALLS = 15;

/** What calls of one kind took, in milliseconds: of CPU, the mean of each round; until the first token, each call. */
type Taken = { cpuMs: number[]; firstMs: number[] };
const taken = (): Taken => ({ cpuMs: [], firstMs: [] });

async function round(model: Model, so: Taken): Promise<void> {
  const before = process.cpuUsage();
  for (let i = 0; i < ROUND_CALLS; i++) so.firstMs.push(await stream(model));
  const { user, system } = process.cpuUsage(before);
  so.cpuMs.push((user + system) / 1000 / ROUND_CALLS);
}

const client = clientBy(fetch);

async function holdMs(): Promise<number> {
  const calledAt = performance.now();
  const { id } = await client.holds.create({
    ...{ workspaceId, featureCode: 'ai.points' },
    ai: { type: 'TEXT_CHAT', pageId: 'bench', model: 'gpt-5', tokens: { input: 10, output: chunks } },
  });
  const took = performance.now() - calledAt;
  await client.holds.release(id);
  return took;
}

await stream(meteredBy(asking));
for (const model of [plain, meteredAlone, metered])
  for (let i = 0; i < WARMUP_CALLS; i++) await stream(model);
const [bare, alone, whole, holds] = [taken(), taken(), taken(), [] as number[]];
async function holdRound(): Promise<void> {
  for (let i = 0; i < ROUND_CALLS; i++) {
    await stream(plain); // a hold, too, comes after an answer
    holds.push(await holdMs());
  }
}

// Each time another one begins: what is left over by one falls on the next.
const rounds = [
  () => round(plain, bare),
  () => round(meteredAlone, alone),
  () => round(metered, whole),
  holdRound,
];
for (let turn = 0; turn < calls / ROUND_CALLS; turn++)
  for (let i = 0; i < rounds.length; i++) await rounds[(turn + i) % rounds.length]!();
const moreCpuMs = (so: Taken) => median(so.cpuMs.map((ms, index) => ms - bare.cpuMs[index]!));
const result: AICosts = {
  cpuMs: moreCpuMs(alone),
  withFetchCpuMs: moreCpuMs(whole),
  requests,
  firstTokenMs: median(whole.firstMs) - median(bare.firstMs),
  holdMs: median(holds),
};
process.stdout.write(JSON.stringify(result));
