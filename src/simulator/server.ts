import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { invalid, StripeError } from './errors.ts';
import { API_VERSION } from './events.ts';
import { toJson } from './expand.ts';
import { decodeForm, type Form, type FormValue } from './form.ts';
import { findAnswer, KeysInUse, keepAnswer } from './idempotency.ts';
import { makeId } from './ids.ts';
import { answerPage } from './pages.ts';
import { listOf, text } from './params.ts';
import { findRoute, type Route } from './routes.ts';
import type { World } from './world.ts';

const BODY_BYTES_MAX = 1024 * 1024; // no request of Stripe's API comes near it

type Base = Omit<World, 'request'>;
type Reply = { status: number; body: string; replayOf?: string };

/** Stripe's API under /v1, and the payment pages under /c/pay. With `keys`, only those are accepted. */
export function createApi(base: Base, keys?: string[]): RequestListener {
  const inUse = new KeysInUse();
  return (req, res) => {
    const url = new URL(req.url ?? '/', 'http://simulator');
    const answered = url.pathname.startsWith('/c/')
      ? servePage(base, req, res, url)
      : serveApi(base, inUse, keys, req, res, url);
    answered.catch(() => res.destroy()); // the client hung up, or the answer could not be sent
  };
}

async function serveApi(
  base: Base,
  inUse: KeysInUse,
  keys: string[] | undefined,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const requestId = makeId('request');
  const key = req.method === 'POST' ? req.headers['idempotency-key']?.toString() : undefined;
  const world: World = { ...base, request: { id: requestId, idempotency_key: key ?? null } };
  let release = () => {};
  let reply: Reply;
  try {
    authenticate(req, keys);
    requireVersion(req);
    const found = findRoute(req.method ?? '', url.pathname);
    if (found === undefined) throw unrecognized(req, url);
    if (key !== undefined) release = inUse.claim(key);
    const sent = req.method === 'POST' ? await readForm(req) : url.search.slice(1);
    reply = run(world, found.route, found.id, url.pathname, sent);
  } catch (error) {
    reply = refuse(error);
  } finally {
    release();
  }
  res.writeHead(reply.status, {
    'Content-Type': 'application/json',
    'Request-Id': requestId,
    'Stripe-Version': API_VERSION,
    ...(key === undefined ? {} : { 'Idempotency-Key': encodeURI(key) }),
    ...(reply.replayOf === undefined
      ? {}
      : { 'Idempotent-Replayed': 'true', 'Original-Request': reply.replayOf }),
  });
  res.end(reply.body);
}

/** Does what is asked and keeps the answer for its idempotency key in one write. Refusals are not kept. */
function run(world: World, route: Route, id: string, path: string, sent: string): Reply {
  const key = world.request.idempotency_key;
  const earlier = key === null ? undefined : findAnswer(world, key, path, sent);
  if (earlier !== undefined)
    return { status: earlier.status, body: earlier.body, replayOf: earlier.requestId };
  return world.store.write(() => {
    const form = decodeForm(sent);
    const expansions = takeExpansions(form);
    const body = toJson(world, route.run(world, form, id), expansions);
    if (key !== null) {
      keepAnswer(world, { id: key, requestId: world.request.id ?? '', path, status: 200, body }, sent);
    }
    return { status: 200, body };
  });
}

function takeExpansions(form: Form): string[] {
  const sent: FormValue | undefined = form.get('expand');
  form.delete('expand');
  return listOf(text())(sent, 'expand') ?? [];
}

/** Any test key of Stripe's shape will do: there is one account here. Live keys are refused: no money moves. */
function authenticate(req: IncomingMessage, keys: string[] | undefined): void {
  const [scheme, credentials = ''] = (req.headers.authorization ?? '').split(' ');
  const key = scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString().split(':')[0]! : credentials;
  if (key === '') {
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    );
  }
  if (/^[rs]k_live_/.test(key)) {
    throw unauthorized(
      'This is a simulator of Stripe: it takes test keys (sk_test_…) only, never a live one.',
    );
  }
  const isKnown = keys === undefined ? /^[rs]k_test_\w+$/.test(key) : keys.includes(key);
  if (!isKnown) throw unauthorized(`Invalid API Key provided: ****${key.slice(-4)}`);
}

function unauthorized(message: string): StripeError {
  return new StripeError(401, { type: 'invalid_request_error', message });
}

/** Another version would be answered in another shape, which the simulator does not have. */
function requireVersion(req: IncomingMessage): void {
  const version = req.headers['stripe-version'];
  if (version !== undefined && version !== API_VERSION) {
    throw invalid(`Invalid Stripe API version: ${version}. The simulator speaks ${API_VERSION}.`);
  }
}

function unrecognized(req: IncomingMessage, url: URL): StripeError {
  return new StripeError(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${req.method}: ${url.pathname}). Either it is wrong, or the simulator does not know it yet.`,
  });
}

async function readForm(req: IncomingMessage): Promise<string> {
  const body = await readBody(req);
  const type = req.headers['content-type'] ?? '';
  if (body !== '' && !type.startsWith('application/x-www-form-urlencoded')) {
    throw invalid(
      'Invalid request (check that your POST content type is application/x-www-form-urlencoded).',
    );
  }
  return body;
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw invalid(`The body is larger than ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function refuse(error: unknown): Reply {
  if (error instanceof StripeError) {
    return { status: error.status, body: JSON.stringify({ error: error.body }, null, 2) };
  }
  const message = `The simulator failed: ${error instanceof Error ? error.stack : String(error)}`;
  return { status: 500, body: JSON.stringify({ error: { type: 'api_error', message } }, null, 2) };
}

async function servePage(base: Base, req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
  const world: World = { ...base, request: { id: null, idempotency_key: null } };
  let form: Form | undefined;
  if (req.method === 'POST') form = decodeForm(await readBody(req));
  const { status, html, location } = answerPage(world, url.pathname, form);
  res.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    // Nothing but the page's own style: what an API caller put into a name can never run.
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    'Referrer-Policy': 'no-referrer',
    ...(location === undefined ? {} : { Location: location }),
  });
  res.end(html);
}
