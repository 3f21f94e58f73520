import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Asked, type Decided, type HeldStream, judge, pointsOf } from './judge.ts';

/** So much was written of a prompt of a thousand tokens. */
const tokens = (output: number) => ({ input: 1000, output });
const pointsFor = (output: number) => pointsOf(tokens(output));

const asked = (verb: Asked['verb'], output: number, outcome: Asked['outcome'] = 'done'): Asked => ({
  ...{ verb, key: `${verb} ${output}`, outcome },
  tokens: verb === 'release' ? null : tokens(output),
});
const report = (output: number): Decided => ({
  ...{ id: `report ${output}`, operation: 'PROGRESS', key: `progress ${output}`, shortfall: 0 },
  ...{ points: pointsFor(output), tokens: tokens(output) },
});
const end = (output: number, key: string | null): Decided => ({
  ...{ id: 'end', operation: 'SETTLE', key, points: pointsFor(output), shortfall: 0, tokens: tokens(output) },
});

/** A stream whose rows say what its end says. */
function stream(asked: Asked[], decided: Decided[], more: Partial<HeldStream> = {}): HeldStream {
  const { points } = decided.at(-1)!;
  const usages = points === 0 ? [] : [{ id: 'end', points }];
  return { status: 'SETTLED', endedBy: 'end', settledAmount: points, asked, decided, usages, ...more };
}

const nothing: Decided = { ...end(0, null), points: 0, tokens: null };

describe('a stream is right', () => {
  for (const [what, right] of Object.entries({
    'that expired with its last report': stream(
      [asked('progress', 500), asked('progress', 1000)],
      [report(500), report(1000), end(1000, null)],
    ),
    'that expired with a report whose answer was lost': stream(
      [asked('progress', 500), asked('progress', 1000, 'lost')],
      [report(500), report(1000), end(1000, null)],
    ),
    'that expired before a report that may have been lost on its way': stream(
      [asked('progress', 500), asked('progress', 1000, 'lost')],
      [report(500), end(500, null)],
    ),
    'that expired unheard of': stream([asked('progress', 500, 'stopped')], [nothing]),
    'that was settled after a lost answer': stream(
      [asked('progress', 500), asked('settle', 900, 'lost'), asked('settle', 900)],
      [report(500), end(900, 'settle 900')],
    ),
    'that could not be paid in full': stream(
      [asked('settle', 900)],
      [{ ...end(900, 'settle 900'), points: 1, shortfall: pointsFor(900) - 1 }],
    ),
  })) {
    test(what, () => assert.deepEqual(judge(right).broken, []));
  }
});

describe('a stream is wrong', () => {
  const reports = [asked('progress', 500), asked('progress', 1000)];
  for (const [what, wrong] of Object.entries({
    'that never ended': stream(reports, [report(500), report(1000)], { status: 'HELD', endedBy: null }),
    'that ended twice': stream(reports, [report(500), report(1000), end(1000, null), end(1000, null)]),
    'that is charged an earlier report': stream(reports, [report(500), report(1000), end(500, null)]),
    'that is charged what was not reported': stream(reports, [report(500), report(1000), end(9000, null)]),
    'whose report is lost': stream(reports, [report(500), end(500, null)]),
    'whose report was made up': stream(
      [asked('progress', 500)],
      [report(500), report(1000), end(1000, null)],
    ),
    'whose report was stopped, and is charged': stream(
      [asked('progress', 500, 'stopped')],
      [report(500), end(500, null)],
    ),
    'that expired though it was settled': stream(
      [asked('progress', 500), asked('settle', 900)],
      [report(500), end(500, null)],
    ),
    'that nobody settled': stream([asked('progress', 500)], [report(500), end(900, 'settle 900')]),
    'that was settled otherwise': stream([asked('settle', 900)], [end(9000, 'settle 900')]),
    'that has two usages': stream(reports, [report(500), report(1000), end(1000, null)], {
      usages: [
        { id: 'end', points: pointsFor(1000) },
        { id: 'other', points: pointsFor(1000) },
      ],
    }),
    'that has no usage': stream(reports, [report(500), report(1000), end(1000, null)], { usages: [] }),
    'whose row says otherwise': stream(reports, [report(500), report(1000), end(1000, null)], {
      settledAmount: 1,
    }),
  })) {
    test(what, () => assert.notDeepEqual(judge(wrong).broken, []));
  }
});
