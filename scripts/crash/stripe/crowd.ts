import Stripe from 'stripe';
import { makeRandom, type Random } from '../../../src/lib/random.ts';
import type { Customer, Answer as ShopAnswer } from '../../../test/shop.ts';
import { pickAct, type Stage, type Tenant } from '../../months/acts.ts';
import { ACTS } from './acts.ts';
import type { Asking } from './asking.ts';
import type { Site } from './site.ts';

const TENANTS = 6;
const WORKERS = 8;

/** Customers, operators, banks and the dashboard, who do what they like until they are told to finish. */
export class Crowd {
  acts = 0;
  readonly broken: string[] = [];
  readonly #stage: Stage;
  readonly #random: Random;
  readonly #tenants: Tenant[];
  readonly #workers: Promise<void>[];
  #isOver = false;

  private constructor(stage: Stage, random: Random, tenants: Tenant[]) {
    this.#stage = stage;
    this.#random = random;
    this.#tenants = tenants;
    this.#workers = Array.from({ length: WORKERS }, () => this.#work());
  }

  static async start(site: Site, asking: Asking, random: Random): Promise<Crowd> {
    const tenants: Tenant[] = [];
    for (let i = 0; i < TENANTS; i++) tenants.push(await moveIn(asking, i));
    return new Crowd(stageOf(site, asking), random, tenants);
  }

  /** Lets everything that was begun come to its end. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      const own = makeRandom(`${this.#random.below(2 ** 31)}`);
      const [name, act] = pickAct(own, ACTS);
      this.acts++;
      try {
        await act(this.#stage, own.pick(this.#tenants), own);
      } catch (error) {
        // Banks and the dashboard refuse, and Postgres may be down: what nobody means to throw is a defect.
        if (error instanceof TypeError) this.broken.push(`${name}: ${error.stack}`);
      }
    }
  }
}

async function moveIn(asking: Asking, i: number): Promise<Tenant> {
  const workspaceId = `tenant-${i}`;
  const { status, text } = await asking.ask('PUT', `/v1/workspaces/${workspaceId}`, { name: workspaceId });
  if (status >= 300) throw new Error(`the workspace was not created: ${text}`);
  const user = { userId: workspaceId, email: `${workspaceId}@example.com` };
  return { customer: { workspaceId, user }, sessions: [], refundable: [], portal: null };
}

/** The acts of months, where what is asked goes to servers that may be killed at any moment. */
function stageOf({ simulator, services }: Site, asking: Asking): Stage {
  const { hostname, port } = new URL(simulator.url);
  const send = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers = {}) =>
    asking.ask(method, path, body, headers) as Promise<ShopAnswer>;
  return {
    stripe: new Stripe('sk_test_dashboard', { host: hostname, port, protocol: 'http' }),
    shop: {
      ...{ simulator, database: services, send },
      post: (path, body, headers) => send('POST', path, body, headers),
      spend: async ({ workspaceId }: Customer, credits: number) => {
        // Each costs half a credit.
        const use = { workspaceId, featureCode: 'api.calls', amount: credits * 2 };
        return (await send('POST', '/v1/usage', use)).body.id;
      },
    },
  };
}
