import { z } from 'zod';
import type { Catalog, Plan } from '../catalog/types.ts';
import { allowanceOf } from '../engine/quote.ts';
import type { State } from '../engine/state.ts';
import { toUnits } from '../lib/amounts.ts';

const side = z
  .object({ limit: z.number().nullable(), remaining: z.number().nullable() })
  .meta({ description: 'Null: unlimited.' });

export const allowanceChangeSchema = z
  .object({
    featureCode: z.string(),
    before: side.nullable().meta({ description: 'Null: the plan lacks the feature.' }),
    after: side.nullable(),
  })
  .meta({ id: 'AllowanceChange' });
export type AllowanceChange = z.infer<typeof allowanceChangeSchema>;

/**
 * What another plan allows of each metered feature: before, as it is now, and after, as it will be when the plan has
 * changed. What was used counts on either. `at`: epoch milliseconds.
 */
export function previewAllowances(
  state: State,
  catalog: Catalog,
  { from, to, now, at }: { from: Plan; to: Plan; now: number; at: number },
): AllowanceChange[] {
  const { subscription } = state;
  if (subscription === null) return [];
  const sideOf = (plan: Plan, featureCode: string, time: number) => {
    const meter = catalog.plans.get(plan)?.meters.get(featureCode);
    if (meter === undefined) return null;
    const planned = {
      ...state,
      subscription: { ...subscription, plan, status: 'ACTIVE', cancelAt: null } as const,
    };
    const { limit, remaining } = allowanceOf(planned, featureCode, meter, { catalog, plan, now: time });
    return { limit: unitsOf(limit), remaining: unitsOf(remaining) };
  };
  const metered = [...catalog.features.values()].filter(({ type }) => type === 'metered');
  return metered.map(({ code }) => ({
    featureCode: code,
    before: sideOf(from, code, now),
    after: sideOf(to, code, at),
  }));
}

function unitsOf(amount: bigint | null): number | null {
  return amount === null ? null : toUnits(amount);
}
