import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../catalog/types.ts';
import { partsOf } from './parts.ts';

const CREDITS: Record<Plan, bigint> = { FREE: 0n, BASIC: 100n, PRO: 500n, ENTERPRISE: 400n };

/** `PRO 9 of b`: a period of PRO that ends on the 9th, by the payment b. */
function paid(text: string) {
  const [plan, end, , payment] = text.split(' ');
  return {
    plan: plan as Plan,
    endDate: new Date(Number(end) * 86_400_000),
    paymentId: payment ?? null,
  };
}

for (const [name, plan, periods, parts] of [
  ['one payment gives all', 'PRO', ['PRO 9 of a'], ['PRO 500 a']],
  ['a better plan than the present one gives the present one', 'BASIC', ['PRO 9 of a'], ['BASIC 100 a']],
  ['an upgrade gives what is more', 'PRO', ['PRO 9 of b', 'BASIC 9 of a'], ['BASIC 100 a', 'PRO 400 b']],
  ['a new period gives all', 'PRO', ['PRO 30 of b', 'BASIC 9 of a'], ['PRO 500 b']],
  ['what was paid is not enough', 'PRO', ['BASIC 9 of a'], []],
  ['nothing is paid', 'BASIC', [], []],
  ['what cost nothing has no payment', 'PRO', ['PRO 9'], ['PRO 500 null']],
  [
    'up, down and up: the last upgrade gives what is more',
    'PRO',
    ['PRO 9 of d', 'BASIC 9 of c', 'PRO 9 of b', 'BASIC 9 of a'],
    ['BASIC 100 a', 'PRO 400 d'],
  ],
  [
    'a better plan that has less gives nothing',
    'ENTERPRISE',
    ['ENTERPRISE 9 of b', 'PRO 9 of a'],
    ['PRO 500 a'],
  ],
] as const) {
  test(`of a month of ${plan}, ${name}`, () => {
    const found = partsOf(periods.map(paid), plan, (of) => CREDITS[of]);
    assert.deepEqual(
      found.map((part) => `${part.plan} ${part.credits} ${part.paymentId}`),
      parts,
    );
  });
}
