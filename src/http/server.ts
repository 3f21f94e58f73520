import { isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { Db } from '../db/pool.ts';
import { once } from '../idempotency/idempotency.ts';
import type { Keys } from '../keys/keys.ts';
import type { Call, Endpoint, Reply } from '../lib/endpoint.ts';
import { Refusal } from '../lib/errors.ts';
import { fingerprintOf } from '../lib/fingerprints.ts';
import { newId } from '../lib/ids.ts';
import { parse, parseKey } from '../lib/schemas.ts';
import { errorOf } from './errors.ts';

/** Bodies are read whole into memory. A thousand uses take about 200 KiB. */
const BODY_BYTES_MAX = 1024 * 1024;

/** The longest id in a path, 128 characters, may be escaped three to one. */
const PARAM_LENGTH_MAX = 400;

/** How long a request may take to arrive: slow networks do, and who never ends holds no connection for ever. */
const REQUEST_MAX_MS = 60_000;

export type ServerOptions = {
  keys: Keys;
  db: Db;
  /** Connections that hold the locks of idempotency keys. */
  locks: pg.Pool;
  endpoints: readonly Endpoint[];
  /** Told of defects: what was answered with `internal_error`. */
  report(message: string, error: unknown): void;
};

/** The HTTP server with the endpoints under /v1 mounted: authentication, parsing, idempotency and errors in one place. */
export function createServer(options: ServerOptions): FastifyInstance {
  const server = Fastify({
    bodyLimit: BODY_BYTES_MAX,
    // The page is mounted at /docs/, and its plugin would send everybody there.
    rewriteUrl: ({ url = '/' }) => (url === '/docs' ? '/docs/' : url),
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX },
    genReqId: () => newId('req'),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: REQUEST_MAX_MS,
    http: { requireHostHeader: false }, // Node would answer without our body
    frameworkErrors: (error, request, reply) => answerError(error, request, reply, options),
    clientErrorHandler,
  });
  // An expectation that is not known is no reason to refuse: what is sent is answered as if there were none.
  server.server.on('checkExpectation', (request, response) =>
    server.server.emit('request', request, response),
  );
  server.addHook('onRequest', (request, reply, done) => {
    reply.header('request-id', request.id);
    const isWithoutHost = request.headers.host === undefined && request.raw.httpVersion === '1.1';
    if (isWithoutHost) done(new Refusal('invalid_request', 'Send a Host header.', { param: 'Host' }));
    else done();
  });
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, options));
  server.setNotFoundHandler(async (request) => {
    // Below /v1 nobody learns without a key what there is.
    if (/^\/v1(\/|$)/.test(request.url)) await authenticated(request, options.keys);
    throw noSuchPath(request);
  });
  readJson(server);

  server.register(async (v1) => {
    v1.addHook('onRequest', (request, _reply, done) => {
      authenticate(request, options.keys, done);
    });
    for (const endpoint of options.endpoints) mount(v1, endpoint, options);
  });
  return server;
}

/** Stops listening, and lets requests that are being answered come to their end. */
export async function closeServer(server: FastifyInstance): Promise<void> {
  // A connection that was busy when it was asked to close may be kept open by its client without another request.
  const sweep = setInterval(() => server.server.closeIdleConnections(), CLOSE_SWEEP_MS);
  // Who has sent half a request may never send the rest.
  const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_MAX_MS);
  try {
    await server.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}

const CLOSE_SWEEP_MS = 50;
/** Longer than any operation takes while the database answers; shorter than the ten seconds that Docker waits. */
const CLOSE_MAX_MS = 5_000;

function mount(server: FastifyInstance, endpoint: Endpoint, options: ServerOptions): void {
  server.route({
    method: endpoint.method,
    url: endpoint.path,
    handler: async (request, reply) => {
      const call = callOf(endpoint, request);
      const answer = await answerCall(endpoint, call, options);
      if (answer.replayed) reply.header('idempotency-replayed', 'true');
      return reply.code(answer.status ?? 200).send(answer.body);
    },
  });
}

type AnyCall = Call<unknown, unknown, unknown>;

function callOf(endpoint: Endpoint, request: FastifyRequest): AnyCall {
  const key = request.headers['idempotency-key'];
  return {
    body: endpoint.body === undefined ? undefined : parse(endpoint.body, request.body ?? {}),
    query: endpoint.query === undefined ? undefined : parse(endpoint.query, request.query),
    params: endpoint.params === undefined ? undefined : parse(endpoint.params, request.params),
    requestId: request.id,
    idempotencyKey:
      endpoint.repeats === undefined || key === undefined ? null : parseKey(key, 'Idempotency-Key'),
  };
}

async function answerCall(endpoint: Endpoint, call: AnyCall, options: ServerOptions): Promise<Reply> {
  const handle = () => endpoint.handle(call as Call<never, never, never>);
  if (endpoint.repeats !== 'request' || call.idempotencyKey === null) return handle();
  const fingerprint = fingerprintOf(`${endpoint.method} ${endpoint.path}`, call.params, call.body);
  const { idempotencyKey: key, requestId } = call;
  return once(options, { key, fingerprint, requestId }, handle);
}

/** Nearly every key is known at once: no request waits for its turn because of it. */
function authenticate(request: FastifyRequest, keys: Keys, done: (refusal?: Error) => void): void {
  const match = /^bearer +([\x21-\x7e]+) *$/i.exec(request.headers.authorization ?? '');
  if (match === null) {
    done(unauthorized('Send your secret key: Authorization: Bearer <secret key>.'));
    return;
  }
  const decide = (isAccepted: boolean) =>
    done(isAccepted ? undefined : unauthorized('This secret key is not known.'));
  // With nothing it would be accepted.
  const fail = (error: unknown) => done(error instanceof Error ? error : new Error(String(error)));
  const isAccepted = keys.accepts(match[1]!);
  if (typeof isAccepted === 'boolean') decide(isAccepted);
  else isAccepted.then(decide, fail);
}

const authenticated = promisify(authenticate);

function unauthorized(message: string): Refusal {
  return new Refusal('unauthorized', message, { param: 'Authorization' });
}

function readJson(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    // Read leniently, what is no character would be kept as another.
    if (!isUtf8(body as Buffer)) {
      return done(new Refusal('invalid_request', 'The body is not UTF-8.', { param: 'body' }));
    }
    try {
      done(null, JSON.parse(body.toString()));
    } catch (error) {
      done(
        new Refusal('invalid_request', `The body is not valid JSON: ${(error as Error).message}.`, {
          param: 'body',
        }),
      );
    }
  });
}

function noSuchPath(request: FastifyRequest): Refusal {
  return new Refusal(
    'not_found',
    `There is no ${request.method} ${request.url.split('?', 1)[0]}: see /docs.`,
  );
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { report }: ServerOptions,
): void {
  const refusal = errorOf(error);
  if (refusal.code === 'internal_error')
    report(`${request.method} ${request.routeOptions?.url ?? ''} ${request.id}`, error);
  if (refusal.replayed) reply.header('idempotency-replayed', 'true');
  const retryAfter = refusal.details?.retryAfterSeconds;
  if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter);
  reply
    .header('request-id', request.id)
    .code(refusal.status)
    .send({ error: { ...refusal.toBody(), requestId: refusal.requestId ?? request.id } });
}

/** What is not even HTTP: there is no request to answer, only a socket. */
function clientErrorHandler(error: NodeJS.ErrnoException, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const requestId = newId('req');
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Refusal('invalid_request', 'The headers are too large.', { param: 'headers' })
      : new Refusal('invalid_request', 'The request is not valid HTTP.');
  const body = JSON.stringify({ error: { ...refusal.toBody(), requestId } });
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nRequest-Id: ${requestId}\r\nConnection: close\r\n\r\n${body}`,
  );
}
