import type { Random } from '../../../src/lib/random.ts';
import { orderOf } from '../../../test/shop.ts';
import { type Acts, ACTS as MONTHS_ACTS, pay, type Stage, type Tenant } from '../../months/acts.ts';

/** What goes on while servers are killed: all that happens in months, and wallets that are kept topped up. */
export const ACTS: Acts = {
  ...MONTHS_ACTS,
  'a card is saved': [8, saveCard],
  'a wallet is kept topped up': [8, keepToppedUp],
  'much is used': [16, useMuch],
};

async function saveCard(stage: Stage, tenant: Tenant, random: Random): Promise<void> {
  const order = orderOf(tenant.customer, { pack: 'small', saveCard: true });
  const { body } = await stage.shop.post('/v1/checkout/credits', order);
  await pay(stage, tenant, body.sessionId, random);
}

function keepToppedUp({ shop }: Stage, { customer }: Tenant, random: Random) {
  const { workspaceId, user } = customer;
  const settings = { user, threshold: 500 + random.below(500), pack: 'small', monthlyMax: MONTHLY_MAX };
  return shop.send('PUT', `/v1/workspaces/${workspaceId}/auto-topup`, settings);
}

/** So much that no month ends it. */
const MONTHLY_MAX = 1_000_000;

function useMuch({ shop }: Stage, { customer }: Tenant, random: Random) {
  return shop.spend(customer, 300 + random.below(700));
}
