import { isDeepStrictEqual } from 'node:util';
import type Stripe from 'stripe';
import { invalid, noSuch } from '../api/errors.ts';
import { listing, paginate } from '../api/lists.ts';
import { changeMetadata, metadata } from '../api/metadata.ts';
import {
  boolean,
  clearable,
  definedOf,
  group,
  type Params,
  required,
  text,
  webAddress,
} from '../api/params.ts';
import { emit, previousOf } from '../events.ts';
import { makeId } from '../ids.ts';
import { nowSeconds, type World } from '../world.ts';
import { changeFeatures, featureFields, NOTHING_ALLOWED } from './features.ts';

type Configuration = Stripe.BillingPortal.Configuration;

const settings = {
  business_profile: group({
    headline: clearable(text(60)),
    privacy_policy_url: clearable(webAddress()),
    terms_of_service_url: clearable(webAddress()),
  }),
  default_return_url: clearable(webAddress()),
  metadata: metadata(),
  name: clearable(text()),
};
export const configurationFields = { ...settings, features: required(group(featureFields)) };
export const configurationChanges = { ...settings, active: boolean(), features: group(featureFields) };

/** What a customer may do on the portal's page. */
export function createConfiguration(world: World, params: Params<typeof configurationFields>): Configuration {
  for (const [name, feature] of Object.entries(params.features)) {
    if (feature === undefined || feature.enabled !== undefined || name === 'subscription_pause') continue;
    const param = `features[${name}][enabled]`;
    throw invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  const blank = blankConfiguration(world);
  return keep(world, 'created', changed(world, blank, params));
}

/** The configuration of sessions that name none: what needs no products. Made when it is first asked for. */
export function defaultConfiguration(world: World): Configuration {
  for (const configuration of world.store.all('portalConfiguration')) {
    if (configuration.is_default) return configuration;
  }
  const on = { enabled: true };
  const features = changeFeatures(world, NOTHING_ALLOWED, {
    customer_update: { ...on, allowed_updates: ['email', 'name'] },
    invoice_history: on,
    payment_method_update: on,
    subscription_cancel: on,
  });
  return keep(world, 'created', { ...blankConfiguration(world), features, is_default: true });
}

function blankConfiguration(world: World): Configuration {
  return {
    id: makeId('portalConfiguration'),
    object: 'billing_portal.configuration',
    active: true,
    application: null,
    business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
    created: nowSeconds(world),
    default_return_url: null,
    features: NOTHING_ALLOWED,
    is_default: false,
    livemode: false,
    login_page: { enabled: false, url: null },
    metadata: {},
    name: null,
    updated: nowSeconds(world),
  };
}

export function updateConfiguration(
  world: World,
  params: Params<typeof configurationChanges>,
  id: string,
): Configuration {
  const before = findConfiguration(world, id);
  if (before.is_default && params.active === false) {
    throw invalid('You cannot deactivate the default configuration.', { param: 'active' });
  }
  const after = { ...changed(world, before, params), ...definedOf({ active: params.active }) };
  if (isDeepStrictEqual(before, after)) return before;
  return keep(world, 'updated', { ...after, updated: nowSeconds(world) }, before);
}

function changed(
  world: World,
  before: Configuration,
  {
    business_profile: profile,
    default_return_url,
    features,
    metadata: sent,
    name,
  }: Params<typeof configurationChanges>,
): Configuration {
  return {
    ...before,
    ...definedOf({ default_return_url, name }),
    business_profile: { ...before.business_profile, ...definedOf(profile ?? {}) },
    features: changeFeatures(world, before.features, features ?? {}),
    metadata: changeMetadata(before.metadata ?? {}, sent),
  };
}

function keep(
  world: World,
  what: 'created' | 'updated',
  configuration: Configuration,
  before?: Configuration,
): Configuration {
  world.store.put('portalConfiguration', configuration);
  const previous = before === undefined ? {} : { previous_attributes: previousOf(before, configuration) };
  emit(world, {
    type: `billing_portal.configuration.${what}`,
    data: { object: configuration, ...previous },
  });
  return configuration;
}

export const configurationListing = { ...listing, active: boolean(), is_default: boolean() };

export function listConfigurations(
  world: World,
  params: Params<typeof configurationListing>,
): Stripe.ApiList<Configuration> {
  const { active, is_default: isDefault } = params;
  const url = '/v1/billing_portal/configurations';
  return paginate(world.store.all('portalConfiguration'), url, params, 'configuration', (configuration) => {
    if (active !== undefined && configuration.active !== active) return false;
    return isDefault === undefined || configuration.is_default === isDefault;
  });
}

export function retrieveConfiguration(world: World, _params: unknown, id: string): Configuration {
  return findConfiguration(world, id);
}

export function findConfiguration(world: World, id: string, param?: string): Configuration {
  const configuration = world.store.get('portalConfiguration', id);
  if (configuration === undefined) throw noSuch('configuration', id, param);
  return configuration;
}
