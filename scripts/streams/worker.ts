/**
 * A product's process that streams answers to many readers at once, until it is killed; asked to end, it lets them come to
 * theirs. Takes its orders as JSON, and prints how each stream ended as a line of JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createOpenAI } from '@ai-sdk/openai';
import { streamText, wrapLanguageModel } from 'ai';
import OpenAI from 'openai';
import { type MeterSettings, tollgate } from 'tollgate/ai';
import { meterOpenAI } from 'tollgate/ai/openai';
import { createClient, Refusal, TollgateError } from 'tollgate/client';
import { planOf, type StreamPlan, tagOf } from './plan.ts';

export type Orders = {
  url: string;
  secretKey: string;
  providerUrl: string;
  seed: number;
  /** Of this worker, by which its streams are told from those of others. */
  number: number;
  workspaces: string[];
  /** How many streams are under way at once. */
  lanes: number;
  ttlSeconds: number;
};

/** How a stream ended for its reader, and what could not be told of it. */
export type Told = {
  tag: string;
  /** Whole: read to its end. Left: given up. Broken: its provider failed. Refused: by Tollgate, or for want of its answer. */
  end: 'whole' | 'left' | 'broken' | 'refused';
  why: string | null;
  failures: string[];
};

const MODEL = 'writer';

/** Between a refusal and the next stream, so that it is not asked for nothing but refusals. */
const REFUSED_MS = 50;

const orders: Orders = JSON.parse(process.argv[2]!);
const client = createClient({ url: orders.url, secretKey: orders.secretKey });
const provider = { baseURL: orders.providerUrl, apiKey: 'sk-of-the-campaign' };
const openai = new OpenAI({ ...provider, maxRetries: 0 });
const models = createOpenAI(provider);

const settlings: Promise<void>[] = [];
let isOver = false;
let count = 0;
process.once('SIGTERM', () => {
  isOver = true;
});
await Promise.all(Array.from({ length: orders.lanes }, work));
await Promise.all(settlings);
// A stream that its reader forgot may hold its provider's connection for ever.
process.exit();

async function work(): Promise<void> {
  while (!isOver) {
    const told = await stream(tagOf(orders.seed, orders.number, count++));
    process.stdout.write(`${JSON.stringify(told)}\n`);
    if (told.end === 'refused') await sleep(REFUSED_MS);
  }
}

async function stream(tag: string): Promise<Told> {
  const plan = planOf(tag);
  const failures: string[] = [];
  const { workspaces, ttlSeconds } = orders;
  const { reportEveryMs, reportEveryTokens, clamp } = plan;
  const settings: MeterSettings = {
    ...{ client, workspaceId: workspaces[plan.workspace]!, pageId: tag, ttlSeconds },
    ...{ reportEveryMs, reportEveryTokens, clamp },
    waitUntil: (settling) => void settlings.push(settling),
    onFailure: ({ step, error }) => void failures.push(`${step}: ${whyOf(error)}`),
  };
  const leaving = new AbortController();
  try {
    const isWhole = await read(piecesOf(tag, plan, settings, leaving.signal), plan, leaving);
    return { tag, end: isWhole ? 'whole' : 'left', why: null, failures };
  } catch (error) {
    const end = error instanceof TollgateError ? 'refused' : leaving.signal.aborted ? 'left' : 'broken';
    return { tag, end, why: whyOf(error), failures };
  }
}

function whyOf(error: unknown): string {
  return error instanceof Refusal ? error.code : String(error);
}

/** Reads a stream as its plan says; resolves to whether that was all of it. */
async function read(
  pieces: AsyncIterable<string>,
  { leave, patienceMs }: StreamPlan,
  leaving: AbortController,
): Promise<boolean> {
  let count = 0;
  const patience = setTimeout(() => leaving.abort(), patienceMs);
  try {
    for await (const piece of pieces) {
      patience.refresh();
      if (piece !== '') count++;
      if (leave === null || count < leave.after) continue;
      if (leave.by === 'silence') return false;
      leaving.abort();
    }
  } finally {
    clearTimeout(patience);
  }
  return !leaving.signal.aborted;
}

/** The pieces of an answer; what is no text is an empty one. */
function piecesOf(
  tag: string,
  { via, maxOutputTokens }: StreamPlan,
  settings: MeterSettings,
  signal: AbortSignal,
): AsyncIterable<string> {
  const metered = meterOpenAI(openai, settings);
  switch (via) {
    case 'AI SDK chat':
      return textOf(models.chat(MODEL));
    case 'AI SDK responses':
      return textOf(models.responses(MODEL));
    case 'OpenAI chat':
      return ofChat();
    case 'OpenAI responses':
      return ofResponses();
  }

  async function* textOf(model: ReturnType<typeof models.chat>) {
    const { fullStream } = streamText({
      model: wrapLanguageModel({ model, middleware: tollgate(settings) }),
      ...{ prompt: tag, maxOutputTokens, maxRetries: 0, abortSignal: signal, onError() {} },
    });
    for await (const part of fullStream) {
      if (part.type === 'error') throw part.error;
      yield part.type === 'text-delta' ? part.text : '';
    }
  }

  async function* ofChat() {
    const messages = [{ role: 'user' as const, content: tag }];
    const body = { model: MODEL, messages, max_completion_tokens: maxOutputTokens, stream: true as const };
    for await (const { choices } of await metered.chat.completions.create(body, { signal })) {
      yield choices[0]?.delta.content ?? '';
    }
  }

  async function* ofResponses() {
    const body = { model: MODEL, input: tag, max_output_tokens: maxOutputTokens, stream: true as const };
    for await (const event of await metered.responses.create(body, { signal })) {
      yield event.type === 'response.output_text.delta' ? event.delta : '';
    }
  }
}
