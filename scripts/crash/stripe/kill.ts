import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../../src/lib/random.ts';
import type { Door, Site } from './site.ts';

/** What is killed, and when: at any moment, or while an answer of Stripe's is on its way to us. */
export type Kill = { victim: 'server' | 'Postgres'; moment: 'any' | 'answer' };

/** Calls whose answers are worth losing, by what they make. Where the one that was chosen does not come, any other will do. */
const CALLS: Record<string, RegExp> = {
  customer: /^POST \/v1\/customers/,
  page: /^POST \/v1\/checkout\/sessions$/,
  'page that is closed': /^POST \/v1\/checkout\/sessions\/\w+\/expire/,
  refund: /^POST \/v1\/refunds/,
  'top-up': /^POST \/v1\/payment_intents/,
  'change of a subscription': /^POST \/v1\/subscriptions\//,
  'change to come': /^POST \/v1\/subscription_schedules/,
  'end of a subscription': /^DELETE \/v1\/subscriptions\//,
  'reading of a session': /^GET \/v1\/checkout\/sessions\//,
  'reading of an invoice': /^GET \/v1\/invoices\//,
  'reading of reversals': /^GET \/v1\/(refunds|disputes)/,
  'reading of subscriptions': /^GET \/v1\/subscriptions/,
};
const ANY = /^\w+ \/v1\//;

/** Long enough for most calls to come. */
const CHOSEN_MS = 4_000;

/** Kills, and waits until all is there again. Resolves to what the answer was about that nobody got. */
export async function killOnce(site: Site, { victim, moment }: Kill, random: Random): Promise<string | null> {
  const door = random.pick(site.doors);
  let isBack = () => site.startServer(door);
  const kill = async () => {
    if (victim === 'server') await site.killServer(door);
    else ({ isBack } = site.killPostgres());
  };
  const lost = moment === 'answer' ? await killAtAnswer(door, kill, random) : await kill().then(() => null);
  await isBack();
  return lost;
}

/** Stripe has done it, and whoever asked is killed before they know. */
async function killAtAnswer({ wire }: Door, kill: () => Promise<void>, random: Random): Promise<string> {
  const { promise: killed, resolve, reject } = Promise.withResolvers<string>();
  let isOver = false;
  const wait = (what: string, call: RegExp) => {
    const change = async (answer: unknown) => {
      if (isOver) return answer;
      isOver = true;
      await kill().then(() => resolve(what), reject);
      return answer;
    };
    wire.fail(call, { change });
  };
  const chosen = random.pick(Object.keys(CALLS));
  wait(chosen, CALLS[chosen]!);
  const patience = new AbortController();
  sleep(CHOSEN_MS, undefined, { signal: patience.signal }).then(
    () => wait('something else', ANY),
    () => {}, // it came
  );
  return killed.finally(() => patience.abort());
}
