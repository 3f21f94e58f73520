import { ask, isMissing } from '../client.ts';
import { readDeletedCustomer } from '../subscriptions/deletion.ts';
import type { Pass, Run } from './drift.ts';
import { pagesOf } from './pages.ts';
import { findPayers, type LinkedCustomer, unseenCustomers } from './store.ts';

/** Customers of our payers that Stripe has no more. */
export const customers: Pass<LinkedCustomer> = {
  async *pages({ services, seen, begunAt }: Run) {
    for await (const page of pagesOf((at) => services.stripe.customers.list(at))) {
      await seen.add(page.map(({ id }) => id));
    }
    yield* unseenCustomers(seen, begunAt);
  },

  compare: async (_run, page) =>
    page.map((object) => ({
      object,
      drift: {
        about: `customer ${object.id}`,
        words: 'is a payer here, and was deleted at Stripe',
        mend: { read: readDeletedCustomer, id: object.id },
      },
    })),

  async again({ services }, { id }) {
    const isLinked = (await findPayers(services.pool, [id])).has(id);
    return isLinked && !(await isThere(services.stripe, id)) ? { id } : null;
  },
};

async function isThere(stripe: Run['services']['stripe'], id: string): Promise<boolean> {
  try {
    const customer = await ask(() => stripe.customers.retrieve(id));
    return customer.deleted !== true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
