import type { Truth } from './truth.ts';

/** What Tollgate asked for once and has twice. */
export function doubledOf({ refunds, customers, sessions, intents }: Truth): string[] {
  const twice = (what: string, keys: (string | undefined)[]) => {
    const known = keys.filter((key) => key !== undefined);
    return known.filter((key, i) => known.indexOf(key) !== i).map((key) => `twice: ${what} ${key}`);
  };
  const paid = sessions.filter(({ status }) => status === 'complete');
  const topUps = [...intents.values()].filter(({ metadata }) => metadata.topUp === 'auto');
  return [
    ...twice(
      'refund',
      refunds.map(({ metadata }) => metadata?.refundRequestId),
    ),
    ...twice(
      'customer',
      customers.map(({ metadata }) => metadata.paymentUserId),
    ),
    ...twice(
      'checkout',
      paid.map(({ metadata }) => metadata?.checkoutId),
    ),
    ...twice(
      'top-up',
      topUps.map(({ metadata }) => metadata.checkoutId),
    ),
  ];
}
