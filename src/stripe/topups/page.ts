import { beginPage } from '../../topups/attempts.ts';
import { getTopUp, type TopUpAnswer } from '../../topups/topups.ts';
import { creditsSale } from '../checkout.ts';
import { openPage, type ReturnUrls } from '../page.ts';
import type { StripeServices } from '../services.ts';

/** The page on which a payer pays what could not be paid without them; their card is saved for the next time. */
export async function openTopUpPage(
  services: StripeServices,
  { workspaceId, ...urls }: { workspaceId: string } & ReturnUrls,
): Promise<TopUpAnswer> {
  const { checkout, page } = await beginPage(services, workspaceId);
  // A bank debit could not pay the next top-up, and would keep this one waiting for days.
  const sale = creditsSale(services, checkout, { savesCard: true, cardsOnly: true });
  if (page === null) await openPage(services, checkout, urls, sale);
  return getTopUp(services, workspaceId);
}
