import type { Hold } from './hold.ts';
import type { MeterSettings } from './settings.ts';
import type { Tokens } from './usage.ts';

/** Tells a hold how far its call has come. */
export type Reports = {
  /** This much was read and written by now. The object may go on counting: it is copied for a report. */
  offer(tokens: Tokens): void;
  /** Whether it is the provider that is waited for: then a call that says nothing is kept alive, too. */
  awaits(isAwaiting: boolean): void;
  stop(): void;
};

/** A second of a stream is what a dead process leaves uncharged. */
const REPORT_EVERY_MS = 1_000;
const REPORT_EVERY_TOKENS = 500;
/** A hold that nothing is reported to lives for `ttlSeconds`; two of three signs may be lost. */
const SIGNS_PER_LIFE = 3;

/**
 * Reports at intervals of time and of amount, one at a time, so that none overtakes another. Nobody waits for a report, and
 * one that fails is made good by the next.
 */
export function openReports(
  hold: Hold<{ tokens: Tokens }>,
  settings: Pick<MeterSettings, 'reportEveryMs' | 'reportEveryTokens'> & { ttlSeconds: number },
): Reports {
  const { reportEveryMs = REPORT_EVERY_MS, reportEveryTokens = REPORT_EVERY_TOKENS, ttlSeconds } = settings;
  const signEveryMs = (ttlSeconds * 1000) / SIGNS_PER_LIFE;
  let latest: Tokens = { input: 0, output: 0 };
  let sent = 0;
  let taken = 0;
  let sentAt = performance.now();
  let isSending = false;
  let isOver = false;
  let isAwaiting = false;
  const timer = setInterval(tick, Math.min(reportEveryMs, signEveryMs));
  // Where a process would wait for its timers, it need not for this one.
  (timer as { unref?(): void }).unref?.();

  function tick(): void {
    const silentMs = performance.now() - sentAt;
    if (total(latest) !== taken || (isAwaiting && silentMs >= signEveryMs)) void send();
    // Its hold has expired: a stream that its reader forgot keeps no timer.
    else if (!isSending && silentMs > ttlSeconds * 1000) clearInterval(timer);
  }

  async function send(): Promise<void> {
    if (isSending || isOver) return;
    isSending = true;
    const tokens = { ...latest };
    sent = total(tokens);
    sentAt = performance.now();
    const outcome = await hold.report({ tokens });
    isSending = false;
    if (outcome === 'taken') taken = total(tokens);
    if (outcome === 'over') stop();
  }

  function stop(): void {
    isOver = true;
    clearInterval(timer);
  }

  return {
    offer(tokens) {
      latest = tokens;
      // Counted from the last attempt: where reports fail, the next one waits for its time.
      if (total(latest) - sent >= reportEveryTokens) void send();
    },
    awaits(now) {
      isAwaiting = now;
    },
    stop,
  };
}

function total({ input, output, reasoning = 0 }: Tokens): number {
  return input + output + reasoning;
}
