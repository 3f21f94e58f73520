import type { Card } from './cards.ts';

/** What the bank of a test account answers by itself, a little later; other accounts wait to be told. */
export type BankAnswer = 'succeed' | 'fail';

/** How somebody pays: with a card, at once; or by a bank debit, whose outcome comes later. */
export type Means = Card | { type: 'us_bank_account' | 'sepa_debit'; answers?: BankAnswer };
