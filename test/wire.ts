import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong on the way to a server and back. */
export type Fault =
  /** Answered by something in between: the server never hears of it. */
  | { status: number; body?: string; headers?: Record<string, string> }
  /** The connection ends before the server hears of it. */
  | { drop: true }
  /** The server does it, and its answer is lost: cut off in the middle, or never sent. */
  | { lose: 'cut' | 'hang' }
  /** The server does it, and its answer arrives changed; or late, where the change is waited for. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  | { change(answer: any): unknown };

/** A line between a client and a server, on which things go wrong on demand. */
export type Wire = {
  url: string;
  /** Every call that was made, such as `POST /v1/customers`. */
  calls: string[];
  /** The next calls that match meet these faults, one each. */
  fail(match: RegExp, ...faults: Fault[]): void;
  /** While it is cut, no call arrives. */
  cut(isCut: boolean): void;
  stop(): Promise<void>;
};

/** A call that arrived, and what came of it. */
export type Exchange = {
  /** Such as `POST /v1/holds`. */
  call: string;
  key: string | undefined;
  body: string;
  /** Stopped: the server has never heard of it. Lost: it may have, and has not answered. */
  answer: 'open' | 'stopped' | 'lost' | { status: number; body: string };
};

/** What is about the connection to the server, or the form in which its body came. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'transfer-encoding',
]);

/** Where the server is; one that is started again may be somewhere else by then. */
export type Target = string | (() => string);

/** Each exchange is noted as its call arrives; its answer follows. */
export async function openWire(target: Target, note: (exchange: Exchange) => void = () => {}): Promise<Wire> {
  const calls: string[] = [];
  let isCut = false;
  const plans: { match: RegExp; faults: Fault[] }[] = [];
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()));

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const call = `${req.method} ${req.url}`;
    calls.push(call);
    const fault = plans.find(({ match, faults }) => faults.length > 0 && match.test(call))?.faults.shift();
    const asked = await readAll(req);
    const key = req.headers['idempotency-key']?.toString();
    const exchange: Exchange = { call, key, body: asked.toString(), answer: 'open' };
    note(exchange);
    if (isCut || (fault !== undefined && 'drop' in fault)) {
      exchange.answer = 'stopped';
      return void req.socket.destroy();
    }
    if (fault !== undefined && 'status' in fault) {
      exchange.answer = 'stopped';
      res.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      return void res.end(fault.body ?? '{"error":{"type":"api_error","message":"It failed."}}');
    }
    const answer = await forward(req, asked, exchange);
    const kept = [...answer.headers].filter(([name]) => !OF_THE_CONNECTION.has(name));
    const known = Object.fromEntries(kept);
    let { body } = answer;
    if (fault !== undefined && 'change' in fault) body = JSON.stringify(await fault.change(JSON.parse(body)));
    if (fault !== undefined && 'lose' in fault) {
      if (fault.lose === 'hang') return;
      res.writeHead(answer.status, { ...known, 'content-length': Buffer.byteLength(body) });
      res.write(body.slice(0, body.length / 2), () => res.destroy());
      return;
    }
    res.writeHead(answer.status, known);
    res.end(body);
  }

  async function forward(req: IncomingMessage, asked: Buffer, exchange: Exchange) {
    const { host, connection, 'content-length': _length, ...headers } = req.headers;
    try {
      const answer = await fetch((typeof target === 'string' ? target : target()) + req.url, {
        method: req.method ?? 'GET',
        headers: headers as Record<string, string>,
        ...(asked.length === 0 ? {} : { body: asked }),
      });
      const body = await answer.text();
      exchange.answer = { status: answer.status, body };
      return { status: answer.status, headers: answer.headers, body };
    } catch (error) {
      exchange.answer = 'lost';
      throw error;
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fail: (match, ...faults) => void plans.push({ match, faults }),
    cut(cut) {
      isCut = cut;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readAll(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}
