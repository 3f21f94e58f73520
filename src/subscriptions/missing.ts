import { countOnOtherPlans } from './store.ts';
import type { SubscriptionServices } from './types.ts';

type Reporting = Pick<SubscriptionServices, 'pool' | 'catalog'> & {
  report(message: string, error: unknown): void;
};

/** Tells of plans that the catalog has no more, and that are paid for: whoever is on one has what FREE has. */
export async function reportMissingPlans({ pool, catalog, report }: Reporting): Promise<void> {
  for (const { plan, count } of await countOnOtherPlans(pool, [...catalog.plans.keys()])) {
    report(
      `the catalog has no plan ${plan}, which ${count === 1 ? 'a workspace is' : `${count} workspaces are`} subscribed to`,
      'they pay as before, and have what FREE has; put it back, with `contact` instead of `price` if it is not sold any more',
    );
  }
}
