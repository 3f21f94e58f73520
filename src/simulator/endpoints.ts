import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { invalid, noSuch } from './api/errors.ts';
import { type listing, paginate } from './api/lists.ts';
import { changeMetadata, metadata } from './api/metadata.ts';
import {
  boolean,
  clearable,
  definedOf,
  listOf,
  oneOf,
  type Params,
  required,
  text,
  webAddress,
} from './api/params.ts';
import { API_VERSION } from './events.ts';
import { makeId } from './ids.ts';
import { nowSeconds, type World } from './world.ts';

/**
 * Where events go, as told in code: several secrets while one is being replaced by another. What is undelivered is
 * delivered to whoever has the same name after a restart; the name is the address if nothing is said.
 */
export type Webhook = { url: string; secrets: string[]; name?: string };

const fields = { description: clearable(text()), metadata: metadata() };
export const endpointFields = {
  ...fields,
  api_version: oneOf(API_VERSION),
  enabled_events: required(listOf(text(), 500)),
  url: required(webAddress()),
};
export const endpointChanges = {
  ...fields,
  disabled: boolean(),
  enabled_events: listOf(text(), 500),
  url: webAddress(),
};

/** The only answer that tells the endpoint's secret. */
export function createEndpoint(world: World, params: Params<typeof endpointFields>): Stripe.WebhookEndpoint {
  const id = makeId('endpoint');
  const secret = makeId('secret');
  const endpoint = makeEndpoint(world, id, params.url, {
    description: params.description ?? null,
    enabled_events: params.enabled_events,
    metadata: changeMetadata({}, params.metadata),
  });
  world.store.put('endpoint', { id, endpoint, secrets: [secret], configured: false });
  return { ...endpoint, secret };
}

/** An endpoint from code. Its id follows from its name, so that what was undelivered before a restart finds it. */
export function configureEndpoint(
  world: World,
  { url, secrets, name = url }: Webhook,
): Stripe.WebhookEndpoint {
  if (secrets.length === 0 || secrets.some((secret) => secret.trim() === '')) {
    throw new Error(`The webhook endpoint ${url} needs at least one secret, and none that is empty.`);
  }
  const id = `we_1${createHash('sha256').update(name).digest('hex').slice(0, 23)}`;
  const endpoint = makeEndpoint(world, id, url, { description: null, enabled_events: ['*'], metadata: {} });
  world.store.put('endpoint', { id, endpoint, secrets, configured: true });
  return endpoint;
}

/** Forgets the endpoints that an earlier start was told of. */
export function forgetConfigured(world: World): void {
  for (const { id, configured } of [...world.store.all('endpoint')]) {
    if (configured) world.store.drop('endpoint', id);
  }
}

function makeEndpoint(
  world: World,
  id: string,
  url: string,
  told: Pick<Stripe.WebhookEndpoint, 'description' | 'enabled_events' | 'metadata'>,
): Stripe.WebhookEndpoint {
  return {
    id,
    object: 'webhook_endpoint',
    api_version: API_VERSION,
    application: null,
    created: nowSeconds(world),
    livemode: false,
    status: 'enabled',
    url,
    ...told,
  };
}

export function updateEndpoint(
  world: World,
  params: Params<typeof endpointChanges>,
  id: string,
): Stripe.WebhookEndpoint {
  const row = findEndpoint(world, id);
  const { disabled, metadata: sent, ...rest } = params;
  const endpoint: Stripe.WebhookEndpoint = {
    ...row.endpoint,
    ...definedOf(rest),
    ...(disabled === undefined ? {} : { status: disabled ? 'disabled' : 'enabled' }),
    metadata: changeMetadata(row.endpoint.metadata, sent),
  };
  world.store.put('endpoint', { ...row, endpoint });
  return endpoint;
}

export function retrieveEndpoint(world: World, _params: unknown, id: string): Stripe.WebhookEndpoint {
  return findEndpoint(world, id).endpoint;
}

export function deleteEndpoint(world: World, _params: unknown, id: string): Stripe.DeletedWebhookEndpoint {
  if (findEndpoint(world, id).configured) {
    throw invalid('This webhook endpoint was configured in code; it cannot be deleted through the API.');
  }
  world.store.drop('endpoint', id);
  return { id, object: 'webhook_endpoint', deleted: true };
}

export function listEndpoints(
  world: World,
  params: Params<typeof listing>,
): Stripe.ApiList<Stripe.WebhookEndpoint> {
  const endpoints = [...world.store.all('endpoint')].map(({ endpoint }) => endpoint);
  return paginate(endpoints, '/v1/webhook_endpoints', params, 'webhook_endpoint');
}

function findEndpoint(world: World, id: string) {
  const row = world.store.get('endpoint', id);
  if (row === undefined) throw noSuch('webhook_endpoint', id);
  return row;
}
