import { z } from 'zod';
import type { Catalog, Feature } from '../catalog/types.ts';
import type { Db } from '../db/pool.ts';
import { workspaceNotFound } from '../engine/batch.ts';
import type { Engine } from '../engine/engine.ts';
import { allowanceOf, allowanceReason, type Context, termsOf } from '../engine/quote.ts';
import { planAt, type State } from '../engine/state.ts';
import { balanceReason } from '../engine/step.ts';
import { creditOf, creditSchema } from '../entitlements/answers.ts';
import { toUnits } from '../lib/amounts.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { subscriptionOf, subscriptionSchema } from '../subscriptions/subscriptions.ts';
import { putWorkspace as putRow, readWorkspace } from './store.ts';

export type WorkspaceServices = { db: Db; engine: Engine; catalog: Catalog; clock: Clock };

export const workspaceSchema = z
  .object({ id: z.string(), name: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof workspaceSchema>;

const featureSchema = z.object({
  featureCode: z.string(),
  type: z.enum(['switch', 'metered']),
  enabled: z.boolean().optional().meta({ description: 'Of a switch: whether the plan has it.' }),
  limit: z.number().nullable().meta({ description: 'The allowance of the present period; null: unlimited.' }),
  used: z.number(),
  held: z.number(),
  remaining: z.number().nullable(),
  overage: z.enum(['block', 'credits']).nullable(),
  creditsPerUnit: z.number().optional(),
  resetsAt: z.iso.datetime().nullable(),
});

export const workspaceStateSchema = z
  .object({
    ...workspaceSchema.shape,
    plan: z.string(),
    subscription: subscriptionSchema.nullable(),
    credit: creditSchema.extend({
      total: z.number(),
      totalUsage: z.number(),
      debt: z.number().meta({
        description: 'Owed of purchases that were reversed after they were spent; no part of the balance.',
      }),
    }),
    features: z.array(featureSchema),
  })
  .meta({ id: 'WorkspaceState' });
export type WorkspaceState = z.infer<typeof workspaceStateSchema>;

/** Creates a workspace under the host's own id, or renames it. */
export async function putWorkspace(
  { db, clock }: WorkspaceServices,
  { id, name }: { id: string; name: string },
): Promise<{ workspace: Workspace; isNew: boolean }> {
  const { isNew, createdAt } = await putRow(db, { id, name, creditId: newId('cr'), now: clock.now() });
  return { workspace: { id, name, createdAt: createdAt.toISOString() }, isNew };
}

/** Everything that a workspace may use and spend now. */
export async function getWorkspace(
  { db, engine, catalog, clock }: WorkspaceServices,
  id: string,
): Promise<WorkspaceState> {
  const [rows, state] = await Promise.all([readWorkspace(db, id), engine.state(id)]);
  if (rows === undefined) throw workspaceNotFound(id);
  const now = clock.now().getTime();
  const context = { catalog, now, plan: planAt(state, now) };
  const { wallet } = state;
  return {
    id,
    name: rows.workspace.name,
    createdAt: rows.workspace.createdAt.toISOString(),
    plan: context.plan,
    subscription: rows.subscription === null ? null : subscriptionOf(rows.subscription),
    credit: {
      ...creditOf(balanceReason(state)),
      total: toUnits(wallet.total),
      totalUsage: toUnits(wallet.totalUsage),
      debt: toUnits(wallet.debt),
    },
    features: [...catalog.features.values()].map((feature) => featureOf(state, feature, context)),
  };
}

function featureOf(state: State, feature: Feature, context: Context): WorkspaceState['features'][number] {
  const { code: featureCode, type } = feature;
  const terms = termsOf(context);
  const nothing = { used: 0, held: 0, overage: null, resetsAt: null };
  if (type === 'switch') {
    const enabled = terms.switches.has(featureCode);
    return { featureCode, type, enabled, limit: null, remaining: null, ...nothing };
  }
  const meter = terms.meters.get(featureCode);
  if (meter === undefined) return { featureCode, type, limit: 0, remaining: 0, ...nothing };
  const { overage } = meter;
  return {
    featureCode,
    type,
    held: 0,
    ...allowanceReason(allowanceOf(state, featureCode, meter, context)),
    overage: overage.type,
    ...(overage.type === 'credits' ? { creditsPerUnit: toUnits(overage.creditsPerUnit) } : {}),
  };
}
