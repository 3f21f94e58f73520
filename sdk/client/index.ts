/**
 * Tollgate's API in TypeScript, for servers and the edge: `fetch` is all that it needs.
 *
 *     const tollgate = createClient({ url, secretKey });
 *     await tollgate.use({ workspaceId: 'acme', featureCode: 'api.calls', amount: 3 });
 */
export type { CallOptions } from './call.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export {
  type DetailsByCode,
  ForeignAnswer,
  isRefusal,
  Refusal,
  type RefusalOf,
  TimedOut,
  TollgateError,
  Unreachable,
} from './errors.ts';
export type { Page, Rows } from './pages.ts';
export type * from './types.ts';
