import { chargesIn } from './currencies.ts';

const sold = { ugx: { min: 5, max: 75_000 }, isk: { min: 5, max: 75_000 } };

chargesIn('43: currencies that are sent with two decimals, both of them zero', sold, {
  charged: [
    [5, 'ugx', 500],
    [5, 'isk', 500],
  ],
  refused: [
    [5.5, 'ugx'],
    [5.01, 'isk'],
  ],
});
