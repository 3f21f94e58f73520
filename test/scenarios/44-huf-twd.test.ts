import { chargesIn } from './currencies.ts';

const sold = { huf: { min: 200, max: 75_000 }, twd: { min: 10, max: 75_000 } };

chargesIn('44: currencies that lack decimals in payouts, and have them in charges', sold, {
  charged: [
    [210.45, 'huf', 21_045],
    [10.45, 'twd', 1045],
  ],
  refused: [[210.455, 'huf']],
});
