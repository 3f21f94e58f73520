/**
 * Tollgate as a library: the same verbs as the HTTP API, with the same names and shapes, in the host's own process.
 *
 *     const tollgate = await createTollgate({ databaseUrl, catalog });
 *     await tollgate.use({ workspaceId: 'acme', featureCode: 'api.calls', amount: 3 }, { idempotencyKey });
 */
import type { z } from 'zod';
import type { AIUsage } from './ai/ai.ts';
import { useAI } from './ai/ai.ts';
import { aiUseSchema } from './ai/routes.ts';
import type { CatalogConfig } from './catalog/config.ts';
import { loadCatalog } from './catalog/load.ts';
import { parseCatalog } from './catalog/parse.ts';
import { type Grant, grantCredits } from './credits/credits.ts';
import { grantInputSchema } from './credits/routes.ts';
import type { Usage } from './entitlements/answers.ts';
import {
  type BatchResult,
  type CallOptions,
  type Check,
  check,
  refundUse,
  use,
  useBatch,
} from './entitlements/entitlements.ts';
import { batchSchema, checkSchema, refundSchema, useIdSchema, useSchema } from './entitlements/routes.ts';
import { parse } from './lib/schemas.ts';
import { openTollgate } from './tollgate.ts';
import { workspaceInputSchema, workspaceParamsSchema } from './workspaces/routes.ts';
import { getWorkspace, putWorkspace, type Workspace, type WorkspaceState } from './workspaces/workspaces.ts';

export type { AIUsage } from './ai/ai.ts';
export type { CatalogConfig } from './catalog/config.ts';
export type { Grant } from './credits/credits.ts';
export type { Queryable } from './engine/store.ts';
export type { Usage } from './entitlements/answers.ts';
export type { BatchResult, CallOptions, Check } from './entitlements/entitlements.ts';
export { CODES, type Code, Refusal } from './lib/errors.ts';
export type { Workspace, WorkspaceState } from './workspaces/workspaces.ts';

export type CreateOptions = {
  /** A Postgres to use; Tollgate brings it to its own shape and leaves other tables alone. */
  databaseUrl: string;
  /** The catalog, or the path of its file. */
  catalog: CatalogConfig | string;
  /** Lets the clock be moved, for tests. */
  testClock?: boolean;
  /** Told of what an operator should see; on standard error if nothing is said. */
  report?(message: string, error: unknown): void;
};

type Input<S extends z.ZodType> = z.input<S>;

/** Every verb throws a Refusal, with a code of the one table, where the API would answer with an error. */
export type TollgateLibrary = {
  putWorkspace(input: { id: string } & Input<typeof workspaceInputSchema>): Promise<Workspace>;
  getWorkspace(id: string): Promise<WorkspaceState>;
  check(input: Input<typeof checkSchema>): Promise<Check>;
  use(input: Input<typeof useSchema>, options?: CallOptions): Promise<Usage>;
  useBatch(input: Input<typeof batchSchema>): Promise<BatchResult[]>;
  refundUse(input: { id: string } & Input<typeof refundSchema>, options?: CallOptions): Promise<Usage>;
  useAI(input: Input<typeof aiUseSchema>, options?: CallOptions): Promise<AIUsage>;
  grantCredits(input: Input<typeof grantInputSchema>, options?: CallOptions): Promise<Grant>;
  /** Finishes what was asked, then lets go of the database. */
  close(): Promise<void>;
};

/** Opens Tollgate on a database. `options.transaction` of a verb is the host's own open transaction. */
export async function createTollgate(options: CreateOptions): Promise<TollgateLibrary> {
  const catalog =
    typeof options.catalog === 'string' ? await loadCatalog(options.catalog) : parseCatalog(options.catalog);
  const services = await openTollgate({ report: reportOnStandardError, ...options, catalog });
  return {
    async putWorkspace({ id, ...input }) {
      const { workspace } = await putWorkspace(services, {
        ...parse(workspaceParamsSchema, { id }),
        ...parse(workspaceInputSchema, input),
      });
      return workspace;
    },
    getWorkspace: async (id) => getWorkspace(services, parse(workspaceParamsSchema, { id }).id),
    check: async (input) => check(services, parse(checkSchema, input)),
    use: async (input, call) => (await use(services, parse(useSchema, input), call)).value,
    useBatch: async (input) => useBatch(services, parse(batchSchema, input).items),
    async refundUse({ id, ...input }, call) {
      const refund = { ...parse(useIdSchema, { id }), ...parse(refundSchema, input) };
      return (await refundUse(services, refund, call)).value;
    },
    useAI: async (input, call) => (await useAI(services, parse(aiUseSchema, input), call)).value,
    grantCredits: async (input, call) =>
      (await grantCredits(services, parse(grantInputSchema, input), call)).value,
    close: services.close,
  };
}

function reportOnStandardError(message: string, error: unknown): void {
  console.error(`tollgate: ${message}`, error);
}
