import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Hold } from './hold.ts';
import { openReports } from './reports.ts';
import type { Tokens } from './usage.ts';

type Outcome = Awaited<ReturnType<Hold['report']>>;

/** Outputs that were reported; each report is answered when the test says so. */
let reported: number[];
let answers: ((outcome: Outcome) => void)[];
beforeEach(() => {
  reported = [];
  answers = [];
});

const hold: Hold<{ tokens: Tokens }> = {
  work: { tokens: { input: 10, output: 1000 } },
  report({ tokens }) {
    reported.push(tokens.output);
    return new Promise((resolve) => answers.push(resolve));
  },
  settle: async () => {},
  release: async () => {},
};

async function answer(outcome: Outcome): Promise<void> {
  answers.shift()!(outcome);
  await Promise.resolve();
  await Promise.resolve();
}

const settings = { reportEveryMs: 1000, reportEveryTokens: 100, ttlSeconds: 60 };
const tokens = (output: number) => ({ input: 10, output });

test('what was written is reported after its time, and nothing where nothing was', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports = openReports(hold, settings);
  reports.offer(tokens(3));
  t.mock.timers.tick(999);
  assert.deepEqual(reported, []);
  t.mock.timers.tick(1);
  await answer('taken');
  t.mock.timers.tick(5000);
  assert.deepEqual(reported, [3]);
  reports.offer(tokens(7));
  t.mock.timers.tick(1000);
  assert.deepEqual(reported, [3, 7]);
  reports.stop();
});

test('much of it is reported at once', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports = openReports(hold, settings);
  reports.offer(tokens(89));
  assert.deepEqual(reported, []);
  reports.offer(tokens(90));
  assert.deepEqual(reported, [90]);
  await answer('taken');
  reports.offer(tokens(189));
  reports.offer(tokens(190));
  assert.deepEqual(reported, [90, 190]);
  reports.stop();
});

test('one report is under way at a time, and the next says all', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports = openReports(hold, settings);
  for (let output = 100; output <= 5000; output += 100) reports.offer(tokens(output));
  t.mock.timers.tick(3000);
  assert.deepEqual(reported, [100]);
  await answer('taken');
  t.mock.timers.tick(1000);
  assert.deepEqual(reported, [100, 5000]);
  reports.stop();
});

test('a report that failed is made good at the next time, not by every piece', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const reports = openReports(hold, settings);
  reports.offer(tokens(100));
  await answer('failed');
  for (let output = 101; output < 190; output++) reports.offer(tokens(output));
  assert.deepEqual(reported, [100]);
  t.mock.timers.tick(1000);
  assert.deepEqual(reported, [100, 189]);
  reports.stop();
});

test('where the hold is over, and after the end, nothing is reported', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  for (const end of ['over', 'stop'] as const) {
    reported = [];
    answers = [];
    const reports = openReports(hold, settings);
    reports.offer(tokens(100));
    if (end === 'over') await answer('over');
    else reports.stop();
    reports.offer(tokens(5000));
    t.mock.timers.tick(60_000);
    assert.deepEqual(reported, [100]);
  }
});

test('a silent provider is waited for with signs of life; a reader that has gone is not, and keeps no timer', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  t.mock.timers.enable({ apis: ['setInterval'] });
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      now += 1000;
      t.mock.timers.tick(1000);
    }
  };
  const reports = openReports(hold, settings);
  reports.awaits(true);
  pass(19);
  assert.deepEqual(reported, []);
  pass(1);
  assert.deepEqual(reported, [0]);
  await answer('taken');
  pass(20);
  assert.deepEqual(reported, [0, 0]);
  await answer('taken');
  reports.awaits(false);
  pass(61);
  reports.offer(tokens(50));
  pass(100);
  assert.deepEqual(reported, [0, 0]);
  reports.stop();
});
