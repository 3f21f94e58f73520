/**
 * A stand-in for a provider of models, so that the examples run without an account: it streams as OpenAI does, from
 * chat completions, responses and images. `node_modules/.bin/node examples/provider.ts` serves it on port 4010.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a call is answered. */
export type Plan = {
  /** The pieces that it streams. */
  pieces?: string[];
  /** Between one piece and the next. */
  everyMs?: number;
  /** Only so many pieces are sent, … */
  piecesMax?: number;
  /** … and then it ends as always, its connection is cut, or nothing more is heard of it. */
  ending?: 'whole' | 'cut' | 'hang';
  /** What it counted; null: it does not say. */
  usage?: Usage | null;
  /** As many images, where that is not what was asked for. */
  imagesMade?: number;
  /** It is refused with this status. */
  status?: number;
};

export type Usage = {
  input: number;
  cachedInput?: number;
  /** Reasoning included. */
  output: number;
  reasoning?: number;
};

export type Call = {
  path: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever a client asks
  body: any;
  /** How many pieces were sent by now. */
  sent: number;
  /** Whether its caller has hung up before the end. */
  wasLeft: boolean;
};

export type Provider = {
  url: string;
  calls: Call[];
  /** The next calls are answered so, one each. */
  plan(...plans: Plan[]): void;
  stop(): Promise<void>;
};

const ANSWER = 'Reserve before the work, count while it streams, and charge what it came to.';
const EVERY_MS = 20;

/** `usual` is how a call is answered that nothing is planned for. */
export async function startProvider(port = 0, usual: Plan | ((call: Call) => Plan) = {}): Promise<Provider> {
  const calls: Call[] = [];
  const plans: Plan[] = [];
  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy()));

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call: Call = { path: req.url!, body: await bodyOf(req), sent: 0, wasLeft: false };
    calls.push(call);
    res.on('close', () => {
      call.wasLeft = !res.writableEnded;
    });
    const { status, ...plan } = plans.shift() ?? (typeof usual === 'function' ? usual(call) : usual);
    if (status !== undefined) {
      const error = { message: `It is refused with ${status}.`, type: 'invalid_request_error' };
      return void res
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error }));
    }
    if (call.path.endsWith('/images/generations')) return json(res, imagesOf(call.body, plan.imagesMade));
    const pieces = plan.pieces ?? ANSWER.split(/(?= )/);
    const usage = plan.usage === undefined ? { input: 20, output: pieces.length } : plan.usage;
    const form = call.path.endsWith('/responses') ? responses : chat;
    const { start, piece, end, whole } = form(call.body, pieces, usage);
    if (!call.body.stream) return plan.ending === undefined ? json(res, whole) : void res.destroy();
    await stream(res, plan, [start, pieces.map(piece), end], () => call.sent++);
  }

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls,
    plan: (...added) => void plans.push(...added),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a client asks
async function bodyOf(req: IncomingMessage): Promise<any> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function json(res: ServerResponse, body: object): void {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function stream(
  res: ServerResponse,
  { everyMs = EVERY_MS, piecesMax = Number.POSITIVE_INFINITY, ending = 'whole' }: Plan,
  [start, pieces, end]: [object[], object[], object[]],
  onSent: () => void,
): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (event: object) => {
    const name = 'type' in event ? `event: ${event.type}\n` : '';
    res.write(`${name}data: ${JSON.stringify(event)}\n\n`);
  };
  start.forEach(send);
  for (const piece of pieces.slice(0, piecesMax)) {
    if (everyMs > 0) await sleep(everyMs);
    if (res.destroyed) return;
    send(piece);
    onSent();
  }
  if (ending === 'hang') return;
  if (ending === 'cut') {
    // What was written is on its way before the connection ends.
    await new Promise((resolve) => res.write('', resolve));
    return void res.socket?.destroySoon();
  }
  end.forEach(send);
  res.end('data: [DONE]\n\n');
}

/** A streamed answer in its parts, and as it is without streaming. */
type Form = { start: object[]; piece: (text: string) => object; end: object[]; whole: object };

// biome-ignore lint/suspicious/noExplicitAny: whatever a client asks
function chat({ model, stream_options }: any, pieces: string[], usage: Usage | null): Form {
  const common = { id: 'chatcmpl-1', created: 1_790_000_000, model };
  const counted = usage === null ? {} : { usage: chatUsage(usage) };
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    ...{ ...common, object: 'chat.completion.chunk' },
    choices: [{ index: 0, delta, finish_reason }],
  });
  const last = { ...common, object: 'chat.completion.chunk', choices: [], ...counted };
  const message = { role: 'assistant', content: pieces.join('') };
  return {
    start: [chunk({ role: 'assistant', content: '' })],
    piece: (content) => chunk({ content }),
    end: [chunk({}, 'stop'), ...(stream_options?.include_usage && usage !== null ? [last] : [])],
    whole: {
      ...{ ...common, object: 'chat.completion', ...counted },
      choices: [{ index: 0, message, finish_reason: 'stop' }],
    },
  };
}

function chatUsage({ input, cachedInput = 0, output, reasoning = 0 }: Usage): object {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cachedInput },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a client asks
function responses({ model }: any, pieces: string[], usage: Usage | null): Form {
  const common = { id: 'resp_1', object: 'response', created_at: 1_790_000_000, model };
  const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  const part = { type: 'output_text', text: pieces.join(''), annotations: [] };
  const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [part] };
  const whole = { ...common, status: 'completed', output: [item], usage: usage && responsesUsage(usage) };
  return {
    start: [
      { type: 'response.created', response: { ...common, status: 'in_progress', output: [] } },
      { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    ],
    piece: (delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] }),
    end: [
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: whole },
    ],
    whole,
  };
}

function responsesUsage({ input, cachedInput = 0, output, reasoning = 0 }: Usage): object {
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_tokens_details: { cached_tokens: cachedInput },
    output_tokens_details: { reasoning_tokens: reasoning },
  };
}

/** One grey dot. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mM8c+bMfwAGgAL+hc2rNAAAAABJRU5ErkJggg==';

function imagesOf({ n = 1 }: { n?: number }, made = n): object {
  return { created: 1_790_000_000, data: Array.from({ length: made }, () => ({ b64_json: DOT })) };
}

if (import.meta.main) {
  const { url } = await startProvider(4010);
  console.log(`The stand-in answers at ${url}: set OPENAI_BASE_URL=${url} and any OPENAI_API_KEY.`);
}
