import { connect } from 'node:net';
import type { Answer } from '../client.ts';
import { SECRET_KEY } from '../server.ts';

/** What came back over a connection: everything as text, and the last answer of it. */
export type Exchange = { text: string; answer: Answer | undefined; closed: boolean };

/** Beyond this, a request that gets neither an answer nor an end counts as hung. */
export const HANGS_MS = 1_000;

/** Writes bytes as they are, and reads until the server closes. `leave`: goes away at once, or after so long. */
export function exchange(
  url: string,
  bytes: string | Uint8Array,
  { leave }: { leave?: boolean | number } = {},
): Promise<Exchange> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let closed = false;
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString();
      resolve({ text, answer: lastAnswer(text), closed });
    };
    const timer = setTimeout(finish, typeof leave === 'number' ? leave : 10 * HANGS_MS);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {}); // the end says it too
    socket.once('close', () => {
      closed = true;
      finish();
    });
    socket.once('connect', () => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, () => {
        if (leave === true) setImmediate(finish);
      });
    });
  });
}

/** The bytes of a request as a client sends it. */
export function request(
  method: string,
  path: string,
  {
    headers = [],
    body = '',
    key = SECRET_KEY,
  }: { headers?: string[]; body?: string; key?: string | null } = {},
): string {
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: tollgate',
    'Connection: close',
    ...(key === null ? [] : [`Authorization: Bearer ${key}`]),
    ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
    '',
    body,
  ].join('\r\n');
}

function lastAnswer(text: string): Answer | undefined {
  const start = text.lastIndexOf('HTTP/1.1 ');
  const end = text.indexOf('\r\n\r\n', start);
  if (start < 0 || end < 0) return undefined;
  const [line, ...headers] = text.slice(start, end).split('\r\n');
  const pairs = headers.map((header): [string, string] => {
    const colon = header.indexOf(':');
    return [header.slice(0, colon), header.slice(colon + 1).trim()];
  });
  const body = text.slice(end + 4);
  return {
    status: Number(line!.split(' ')[1]),
    headers: new Headers(pairs),
    text: body,
    body: body.startsWith('{') ? JSON.parse(body) : {},
  };
}
