import type Stripe from 'stripe';
import { chooseSubscription } from '../../subscriptions/apply.ts';
import { findWorkspaceOf, readSubscription } from '../../subscriptions/subscriptions.ts';
import type { Kept, Standing } from '../../subscriptions/types.ts';
import { Contradiction } from '../change.ts';
import { ask, isMissing } from '../client.ts';
import { idOf } from '../references.ts';
import { findTerms } from '../subscriptions/prices.ts';
import { linkOf, readSubscriptions } from '../subscriptions/reading.ts';
import { EXPANDED_IN_LIST, retrieveSubscription, standingOf } from '../subscriptions/standing.ts';
import { type Drift, difference, type Pass, type Run, secondsOf } from './drift.ts';
import { pagesOf } from './pages.ts';
import {
  findKeptSubscriptions,
  findLiveSubscription,
  findPayers,
  type LiveSubscription,
  unseenSubscriptions,
} from './store.ts';

/** Subscriptions that go on at Stripe, however old, and those that ended and are not older than what is compared. */
export const subscriptions: Pass<Stripe.Subscription> = {
  async *pages({ services, since, seen }: Run) {
    const expand = EXPANDED_IN_LIST;
    const { stripe } = services;
    for await (const page of pagesOf((at) => stripe.subscriptions.list({ expand, ...at }))) {
      await seen.add(page.map(({ id }) => id));
      yield page;
    }
    const ended = { status: 'canceled', created: { gte: secondsOf(since) }, expand } as const;
    yield* pagesOf((at) => stripe.subscriptions.list({ ...ended, ...at }));
  },

  async compare(run, page) {
    const { pool } = run.services;
    const payers = await findPayers(
      pool,
      page.map(({ customer }) => idOf(customer)),
    );
    const kept = await findKeptSubscriptions(
      pool,
      page.map(({ id }) => id),
    );
    const found = [];
    for (const object of page) {
      const payer = payers.get(idOf(object.customer));
      if (payer === undefined) continue;
      const drift = await driftOf(run, object, payer, kept.has(object.id));
      if (drift !== null) found.push({ object, drift });
    }
    return found;
  },

  again: ({ services }, { id }) => retrieveSubscription(services, id),
};

async function driftOf(
  { services }: Run,
  subscription: Stripe.Subscription,
  paymentUserId: string,
  isKept: boolean,
): Promise<Drift | null> {
  const { id } = subscription;
  const link = linkOf(subscription);
  const mend = { read: readSubscriptions, id: link.customerId };
  const about = `subscription ${id}`;
  const owner = await findWorkspaceOf(services.pool, link);
  if (owner === null) return isOfPlan(subscription) ? { about, words: NOBODYS, mend: null } : null;
  let there: Standing | null;
  try {
    there = await standingOf(services, subscription, { workspaceId: owner.workspaceId, paymentUserId });
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    return { about, words: error.message, mend: null };
  }
  if (there === null) return null; // it grants nothing yet, or never did
  const here = await readSubscription(services.pool, owner.workspaceId);
  if (here === undefined) {
    return { about, words: `is ${there.status} on ${there.plan} at Stripe, and not here`, mend };
  }
  if (isKept && here.subscriptionId === id) return standsDifferently(about, there, here, mend);
  return driftOfRival(here, there, about, mend);
}

const NOBODYS = "goes on for a customer of ours, and is no workspace's";

/** Whether it is for a plan and goes on: customers may have bought something else from somebody else. */
function isOfPlan(subscription: Stripe.Subscription): boolean {
  if (!['active', 'trialing', 'past_due'].includes(subscription.status)) return false;
  return subscription.items.data.some(({ price }) => findTerms(price) !== null);
}

function standsDifferently(about: string, there: Standing, here: Kept, mend: Drift['mend']): Drift | null {
  const { status, plan, interval, currency, startDate, endDate, cancelAt, endReason, pending } = there;
  const words = difference(
    { status, plan, interval, currency, startDate, endDate, cancelAt, endReason, pending },
    here,
  );
  return words === null ? null : { about, words, mend };
}

/** A workspace has one: another one that is paid is for an operator to end. */
function driftOfRival(here: Kept, there: Standing, about: string, mend: Drift['mend']): Drift | null {
  if (chooseSubscription<Kept | Standing>([here, there], here.subscriptionId) === there) {
    const words = `is ${there.status} at Stripe, and ${here.subscriptionId} (${here.status}) counts here`;
    return { about, words, mend };
  }
  if (!isPaid(here) || !isPaid(there)) return null;
  const words = `is paid for the workspace ${here.workspaceId} beside ${here.subscriptionId}: cancel all but one`;
  return { about, words, mend: null };
}

function isPaid({ status }: Pick<Standing, 'status'>): boolean {
  return status === 'ACTIVE' || status === 'TRIAL' || status === 'PAST_DUE';
}

/** Subscriptions that go on here, and not at Stripe. */
export const endedSubscriptions: Pass<LiveSubscription> = {
  pages: ({ seen }: Run) => unseenSubscriptions(seen),

  compare: async (_run, page) =>
    page.map((object) => ({
      object,
      drift: {
        about: `subscription ${object.id}`,
        words: `does not go on at Stripe, and is ${object.status} here`,
        mend: { read: readSubscriptions, id: object.customerId },
      },
    })),

  async again({ services }, { id }) {
    const here = await findLiveSubscription(services.pool, id);
    if (here === null) return null;
    try {
      const { status } = await ask(() => services.stripe.subscriptions.retrieve(id));
      return status === 'canceled' || status === 'incomplete_expired' ? here : null;
    } catch (error) {
      if (isMissing(error)) return here;
      throw error;
    }
  },
};
