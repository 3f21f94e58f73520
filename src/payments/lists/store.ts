import { type Filters, type PageAsked, readPage } from '../../db/page.ts';
import type { Db } from '../../db/pool.ts';

/** Of a workspace: who has paid for it, or tried to. */
type OfWorkspace = { workspaceId?: string | undefined };

/** Users; of a workspace, those that are its payers. */
export function listUsers(db: Db, page: PageAsked, { workspaceId }: OfWorkspace) {
  const users = db.selectFrom('User').selectAll();
  if (workspaceId === undefined) return readPage(users, page, {});
  const payers = db
    .selectFrom('PaymentUser')
    .select('userId')
    .where('PaymentUser.id', 'in', payersOf(db, workspaceId));
  return readPage(users.where('User.id', 'in', payers), page, {});
}

export function listPaymentUsers(
  db: Db,
  page: PageAsked,
  { workspaceId, ...filters }: OfWorkspace & Filters<'PaymentUser'>,
) {
  const payers = db.selectFrom('PaymentUser').selectAll();
  return readPage(
    workspaceId === undefined ? payers : payers.where('PaymentUser.id', 'in', payersOf(db, workspaceId)),
    page,
    filters,
  );
}

export const listPayments = (db: Db, page: PageAsked, filters: Filters<'Payment'>) =>
  readPage(db.selectFrom('Payment').selectAll(), page, filters);

export const listReversals = (db: Db, page: PageAsked, filters: Filters<'Reversal'>) =>
  readPage(db.selectFrom('Reversal').selectAll(), page, filters);

function payersOf(db: Db, workspaceId: string) {
  const of = (table: 'Payment' | 'CreditRecord' | 'Checkout') =>
    db.selectFrom(table).select('paymentUserId').where('workspaceId', '=', workspaceId);
  return of('Payment').union(of('CreditRecord')).union(of('Checkout'));
}
