import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { asOfToday } from './api/dialect.ts';
import { invalid, StripeError } from './api/errors.ts';
import { decodeForm, type Form, type FormValue } from './api/form.ts';
import { findAnswer, KeysInUse, keepAnswer } from './api/idempotency.ts';
import { listOf, text } from './api/params.ts';
import type { Route } from './api/route.ts';
import { answerControl, type Control } from './control.ts';
import { API_VERSION } from './events.ts';
import { toJson } from './expand.ts';
import { type ApiFault, IN_VAIN, refusalBy } from './faults.ts';
import { makeId } from './ids.ts';
import { answerPage } from './pages.ts';
import { findRoute } from './routes.ts';
import type { World } from './world.ts';

const BODY_BYTES_MAX = 1024 * 1024; // no request of Stripe's API comes near it

type Base = Omit<World, 'request'>;
type Reply = { status: number; body: string; replayOf?: string; headers?: Record<string, string> };
type Api = { base: Base; control: Control; keys: string[] | undefined; inUse: KeysInUse };

/**
 * Stripe's API under /v1, the payment pages under /c/pay, what steers the simulator under /_simulator. With `keys`,
 * only those are accepted.
 */
export function createApi(base: Base, control: Control, keys?: string[]): RequestListener {
  const api = { base, control, keys, inUse: new KeysInUse() };
  return (req, res) => {
    const url = new URL(req.url ?? '/', 'http://simulator');
    const pages = { c: servePage, i: servePage, p: servePage };
    const serve = { ...pages, _simulator: serveControl }[url.pathname.split('/')[1]!] ?? serveApi;
    serve(api, req, res, url).catch(() => res.destroy()); // the client hung up, or the answer could not be sent
  };
}

async function serveApi(
  { base, control, keys, inUse }: Api,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const fault = control.faults.ofRequest(req.method ?? '', url.pathname);
  const requestId = makeId('request');
  const key = req.method === 'POST' ? req.headers['idempotency-key']?.toString() : undefined;
  const world: World = { ...base, request: { id: requestId, idempotency_key: key ?? null } };
  let release = () => {};
  let reply: Reply;
  try {
    authenticate(req, keys);
    requireVersion(req);
    if (fault?.when === 'before') throw refusalBy(fault, key ?? null);
    const found = findRoute(req.method ?? '', url.pathname);
    if (found === undefined) throw unrecognized(req, url);
    if (key !== undefined) release = inUse.claim(key);
    const sent = req.method === 'POST' ? await readForm(req) : url.search.slice(1);
    const isVersioned = req.headers['stripe-version'] !== undefined;
    reply = run(world, found.route, { ids: found.ids, path: url.pathname, sent, isVersioned, fault });
  } catch (error) {
    reply = refuse(error);
  } finally {
    release();
  }
  if (fault?.kind === 'timeout') return; // nobody answers: the client gives up
  if (fault?.kind === 'cut' && fault.when === 'before') return void res.destroy();
  res.writeHead(reply.status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(reply.body),
    'Request-Id': requestId,
    'Stripe-Version': API_VERSION,
    ...(key === undefined ? {} : { 'Idempotency-Key': encodeURI(key) }),
    ...(reply.replayOf === undefined
      ? {}
      : { 'Idempotent-Replayed': 'true', 'Original-Request': reply.replayOf }),
    ...reply.headers,
  });
  if (fault?.kind !== 'cut') return void res.end(reply.body);
  res.write(reply.body.slice(0, reply.body.length / 2), () => res.destroy());
}

type Call = { ids: string[]; path: string; sent: string; isVersioned: boolean; fault: ApiFault | null };

/**
 * Does what is asked and keeps the answer for its idempotency key in one write. What was refused is not kept; what a
 * bank declined, what failed half-way, and a server error that came after it was done, are.
 */
function run(world: World, route: Route, call: Call): Reply {
  const { path, sent, fault } = call;
  const key = world.request.idempotency_key;
  const earlier = key === null ? undefined : findAnswer(world, key, path, sent);
  if (earlier !== undefined) {
    const { status, body, requestId } = earlier;
    return { status, body, replayOf: requestId, ...(status === 500 ? { headers: IN_VAIN } : {}) };
  }
  const keep = (reply: Reply): Reply => {
    const { status, body } = reply;
    if (key !== null) {
      keepAnswer(world, { id: key, requestId: world.request.id ?? '', path, status, body }, sent);
    }
    return reply;
  };
  try {
    return world.store.write(() => {
      const done = execute(world, route, call);
      return keep(fault?.kind === 'server_error' ? refuse(refusalBy(fault, key)) : done);
    });
  } catch (error) {
    if (error instanceof StripeError && error.status !== 402) throw error;
    return world.store.write(() => keep(refuse(error)));
  }
}

function execute(world: World, route: Route, { ids, sent, isVersioned }: Call): Reply {
  const form = isVersioned ? decodeForm(sent) : asOfToday(decodeForm(sent));
  const expansions = takeExpansions(form);
  try {
    return { status: 200, body: toJson(world, route.run(world, form, ids), expansions) };
  } catch (error) {
    if (error instanceof StripeError && error.stays) return refuse(error);
    throw error;
  }
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
    const body = JSON.stringify({ error: error.body }, null, 2);
    return { status: error.status, body, headers: error.headers };
  }
  const message = `The simulator failed: ${error instanceof Error ? error.stack : String(error)}`;
  return { status: 500, body: JSON.stringify({ error: { type: 'api_error', message } }, null, 2) };
}

async function serveControl(
  { control }: Api,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const type = req.headers['content-type'] ?? '';
  const sent = { method: req.method ?? '', path: url.pathname, type, body: await readBody(req) };
  const { status, body } = answerControl(control, sent);
  res.writeHead(status, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify(body, null, 2));
}

async function servePage({ base }: Api, req: IncomingMessage, res: ServerResponse, url: URL): Promise<void> {
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
