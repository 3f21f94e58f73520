import { connect, type Socket } from 'node:net';

/**
 * Load over HTTP/1.1 on plain sockets: each connection sends its next request when it has its answer. It takes a
 * third of the CPU of a general client, which matters where load and server share two cores.
 */
export type LoadOptions = {
  port: number;
  connections: number;
  seconds: number;
  /** Requests are not counted before. */
  warmupSeconds: number;
  path: string;
  headers: Record<string, string>;
  /** The next request of a connection, which may depend on its last answer; null ends it. */
  next(answer: string): Next | null;
};

/** A request's body, its path if it is another one, and the lines of its own headers, each with its end. */
export type Next = { body: string; path?: string; headers?: string };

export type LoadResult = {
  requests: number;
  /** Answers that were not 2xx, by status. */
  refused: Record<string, number>;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
};

export async function load(options: LoadOptions): Promise<LoadResult> {
  const head = requestHead(options);
  const startsAt = performance.now() + options.warmupSeconds * 1000;
  const endsAt = startsAt + options.seconds * 1000;
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  const connections = Array.from({ length: options.connections }, () =>
    drive(options, head, endsAt, (status, from, to) => {
      if (from < startsAt || to > endsAt) return;
      latencies.push(to - from);
      if (status[0] !== '2') refused[status] = (refused[status] ?? 0) + 1;
    }),
  );
  await Promise.all(connections);
  const tookSeconds = Math.min(options.seconds, (performance.now() - startsAt) / 1000);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? Number.NaN;
  return {
    requests: latencies.length,
    refused,
    perSecond: latencies.length / tookSeconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}

/** What follows the path. */
function requestHead({ headers }: LoadOptions): string {
  const lines = Object.entries({ Host: 'localhost', 'Content-Type': 'application/json', ...headers });
  return ` HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}Content-Length: `;
}

type Answered = (status: string, from: number, to: number) => void;

function drive(options: LoadOptions, head: string, endsAt: number, answered: Answered): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(options.port, '127.0.0.1');
    socket.setNoDelay(true);
    let sentAt = 0;
    let received = '';
    const send = (answer: string) => {
      const next = options.next(answer);
      if (next === null) return void socket.end();
      const { body, path = options.path, headers = '' } = next;
      sentAt = performance.now();
      socket.write(`POST ${path}${head}${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`);
    };
    socket.on('connect', () => send(''));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    // Latin-1 keeps one character for each byte, so that lengths agree.
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      received = received === '' ? chunk : received + chunk;
      const end = endOfAnswer(received);
      if (end === -1) return;
      const now = performance.now();
      answered(received.slice(9, 12), sentAt, now);
      const answer = received.slice(0, end);
      received = received.slice(end);
      if (now < endsAt) send(answer);
      else socket.end();
    });
  });
}

/** Where the first answer ends, or -1 while it is not whole. */
function endOfAnswer(received: string): number {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return -1;
  const match = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, headEnd));
  if (match === null) throw new Error(`an answer without a length: ${received.slice(0, 200)}`);
  const end = headEnd + 4 + Number(match[1]);
  return received.length >= end ? end : -1;
}
