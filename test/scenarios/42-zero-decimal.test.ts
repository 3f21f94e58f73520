import { chargesIn } from './currencies.ts';

const sold = {
  jpy: { min: 100, max: 75_000 },
  krw: { min: 1000, max: 75_000 },
  xof: { min: 1000, max: 75_000 },
};

chargesIn('42: currencies without decimals', sold, {
  charged: [
    [500, 'jpy', 500],
    [1000, 'krw', 1000],
    [1001, 'xof', 1001],
  ],
  refused: [
    [500.5, 'jpy'],
    [1000.01, 'krw'],
  ],
});
