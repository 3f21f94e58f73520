/**
 * Tollgate's API in TypeScript, for servers and the edge: `fetch` is all that it needs.
 *
 *     const tollgate = createClient({ url, secretKey });
 *     await tollgate.use({ workspaceId: 'acme', featureCode: 'api.calls', amount: 3 });
 */
export type { CallOptions } from './call.ts';
export { type ClientOptions, createClient } from './client.ts';
export type { Delivered } from './delivery.ts';
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
export type { HeldWork } from './held.ts';
export {
  type Assumed,
  type Journal,
  type JournalEntry,
  type Journaled,
  memoryJournal,
  type RefusedEntry,
} from './journal.ts';
export {
  isJournaled,
  type JournalingClient,
  type JournalOptions,
  type OpenCallOptions,
  type WhenUnreachable,
} from './journaling.ts';
export type { Page, Rows } from './pages.ts';
export type * from './types.ts';
export type { Client } from './verbs.ts';
