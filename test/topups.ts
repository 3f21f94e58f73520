import assert from 'node:assert/strict';
import type { TopUpAnswer } from '../src/topups/topups.ts';
import { booksOf, type Customer, type Shop, until } from './shop.ts';

export const SETTINGS = { threshold: 900, pack: 'small', monthlyMax: 100 };

/** Wallets of a shop that are kept topped up. */
export function topUpsOf(shop: Shop) {
  const pathOf = ({ workspaceId }: Customer) => `/v1/workspaces/${workspaceId}/auto-topup`;
  const put = (customer: Customer, settings: object = {}) =>
    shop.send('PUT', pathOf(customer), { user: customer.user, ...SETTINGS, ...settings });
  const read = async (customer: Customer): Promise<TopUpAnswer> => (await shop.get(pathOf(customer))).body;
  const drop = (customer: Customer) => shop.send('DELETE', pathOf(customer));
  const page = (customer: Customer) =>
    shop.post(`${pathOf(customer)}/page`, {
      successUrl: 'https://shop.test/a',
      cancelUrl: 'https://shop.test/b',
    });

  /** A workspace with 1000 credits and a saved card, whose wallet is kept topped up. */
  async function begin(settings: object = {}): Promise<Customer> {
    const customer = await shop.customer();
    await shop.buy(customer, { pack: 'small', saveCard: true });
    const { status, body } = await put(customer, settings);
    assert.equal(status, 200, JSON.stringify(body));
    return customer;
  }

  async function customerIdOf({ user }: Customer): Promise<string> {
    const { rows } = await shop.database.pool.query(
      'select "customerId" from "PaymentUser" where "userId" = $1',
      [user.userId],
    );
    return rows[0].customerId;
  }

  async function cardOf(customer: Customer): Promise<string> {
    const id = await customerIdOf(customer);
    return (await shop.services.stripe.customers.listPaymentMethods(id)).data[0]!.id;
  }

  return {
    ...{ put, read, drop, page, begin, customerIdOf, cardOf },
    /** The saved card goes bad: declined with that code; null: good again. */
    setCard: async (customer: Customer, behaviour: string | null) =>
      shop.simulator.setCard(await cardOf(customer), behaviour),
    async addCard(customer: Customer, card = 'pm_card_mastercard'): Promise<string> {
      const { id } = await shop.services.stripe.paymentMethods.attach(card, {
        customer: await customerIdOf(customer),
      });
      return id;
    },
    reaches: (customer: Customer, status: TopUpAnswer['status']) =>
      until(async () => (await read(customer)).status === status),
    has: (customer: Customer, balance: number) =>
      until(async () => (await booksOf(shop, customer.workspaceId)).balance === balance),
    /** How the payments of a workspace went, without the one that it began with. */
    async payments({ workspaceId }: Customer): Promise<string[]> {
      return (await booksOf(shop, workspaceId)).payments.slice(1).map(({ status }) => status);
    },
    /** The intents of top-ups that Stripe has for this payer. */
    async intents(customer: Customer) {
      const { data } = await shop.services.stripe.paymentIntents.list({
        customer: await customerIdOf(customer),
      });
      return data.filter(({ metadata }) => metadata.topUp === 'auto');
    },
  };
}
