import { type Route, route } from '../api/route.ts';
import * as configurations from './configurations.ts';
import * as sessions from './sessions.ts';

const path = '/v1/billing_portal/configurations';

export const PORTAL_ROUTES: Route[] = [
  route('POST', path, configurations.configurationFields, configurations.createConfiguration),
  route('GET', path, configurations.configurationListing, configurations.listConfigurations),
  route('GET', `${path}/:id`, {}, configurations.retrieveConfiguration),
  route('POST', `${path}/:id`, configurations.configurationChanges, configurations.updateConfiguration),
  route('POST', '/v1/billing_portal/sessions', sessions.portalSessionFields, sessions.createPortalSession),
];
