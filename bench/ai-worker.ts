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
  /** Streamed one after the other in a turn, plain and metered in turns. */
  calls: number;
  turns: number;
};

/** In milliseconds, of the median turn or call. */
export type AICosts = {
  /** CPU that a metered call takes more of than a plain one: reserving, counting, reporting, settling. */
  cpuMs: number;
  /** How much later its first token comes. */
  firstTokenMs: number;
  /** What a hold takes by itself, one after the other over the same client. */
  holdMs: number;
};

const { port, key, workspaceId, chunks, calls, turns }: AIWork = JSON.parse(process.argv[2]!);
const client = createClient({ url: `http://127.0.0.1:${port}`, secretKey: key });

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
const metered = wrapLanguageModel({
  model: plain,
  middleware: tollgate({ client, workspaceId, pageId: 'bench', onFailure: ({ error }) => fail(error) }),
});

function fail(error: unknown): never {
  throw error;
}

/** Reads an answer to its end; resolves to when its first token came, in milliseconds from the call. */
async function stream(model: typeof plain | typeof metered): Promise<number> {
  const calledAt = performance.now();
  let firstAt = 0;
  const { textStream } = streamText({
    ...{ model, prompt: 'What is a toll?', maxOutputTokens: chunks, onError: ({ error }) => fail(error) },
  });
  for await (const _ of textStream) firstAt ||= performance.now();
  return firstAt - calledAt;
}

async function turn(model: typeof plain | typeof metered): Promise<{ cpuMs: number; firstMs: number }> {
  const before = process.cpuUsage();
  const first: number[] = [];
  for (let call = 0; call < calls; call++) first.push(await stream(model));
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000 / calls, firstMs: median(first) };
}

async function holdMs(): Promise<number> {
  const took: number[] = [];
  for (let call = 0; call < calls; call++) {
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

await turn(plain); // until the code is compiled
await turn(metered);
const costs: AICosts[] = [];
for (let i = 0; i < turns; i++) {
  const [own, other] = [await turn(metered), await turn(plain)];
  costs.push({
    cpuMs: own.cpuMs - other.cpuMs,
    firstTokenMs: own.firstMs - other.firstMs,
    holdMs: await holdMs(),
  });
}
const middle = (name: keyof AICosts) => median(costs.map((cost) => cost[name]));
process.stdout.write(
  JSON.stringify({
    cpuMs: middle('cpuMs'),
    firstTokenMs: middle('firstTokenMs'),
    holdMs: middle('holdMs'),
  } satisfies AICosts),
);
