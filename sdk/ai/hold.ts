import { isRefusal } from '../client/errors.ts';
import { type HeldWork, heldWork } from '../client/held.ts';
import { AI_POINTS } from '../client/journaling.ts';
import type { HoldAnswer } from '../client/types.ts';
import type { Charged, MeterFailure, MeteringClient, MeterSettings } from './settings.ts';
import type { Tokens } from './usage.ts';

export type Images = { count: number; size?: string | undefined; quality?: string | undefined };

/** What a model is to do, or did: tokens or images. */
export type Work = { tokens: Tokens } | { images: Images };

/** What is held of the work of one call, from before it to its end. Nothing of it throws. */
export type Hold<W extends Work = Work> = {
  /** Less than was asked for where it was clamped. */
  readonly work: W;
  /** Says what was done so far. Over: the hold is not open any more. */
  report(done: W): Promise<'taken' | 'failed' | 'over'>;
  /** Charges what was done. Resolves once that is settled, or goes on without whoever waits. */
  settle(done: W): Promise<void>;
  /** Nothing was done; as for `settle`. */
  release(): Promise<void>;
};

/** Soon enough for a balance, and long enough for a pause of the network. */
export const TTL_SECONDS = 120;

/** The next report says all that a lost one did. */
const REPORT_LIMITS = { attemptsMax: 1 };
/** It outlasts a restart of Tollgate. */
const END_LIMITS = { attemptsMax: 12, deadlineMs: 60_000 };
/** Whoever has their answer waits no longer for its end. */
const END_WAIT_MS = 2_000;

type Asked<W extends Work> = Charged & { type: 'TEXT_CHAT' | 'IMAGE_GENERATION'; model: string; work: W };

/** Others may spend what was affordable a moment ago. */
const CLAMPS_MAX = 3;
/** A shorter answer helps nobody, and there are providers that take no lower limit. */
const OUTPUT_TOKENS_MIN = 16;

/** Takes a hold for a call. Throws the refusal, or that Tollgate is unreachable where the work may not go on then. */
export async function openHold<W extends Work>(
  settings: MeterSettings,
  asked: Asked<W>,
  signal?: AbortSignal,
): Promise<Hold<W>> {
  let { work } = asked;
  for (let clamps = 0; ; clamps++) {
    try {
      return holdOn(await begin(settings, { ...asked, work }, signal), work, settings);
    } catch (error) {
      const isTooMuch = isRefusal(error, 'insufficient_credits', 'limit_reached');
      if (!settings.clamp || !isTooMuch || !('tokens' in work) || clamps >= CLAMPS_MAX) throw error;
      const output = await affordable(settings.client, asked, work.tokens, signal);
      if (output < OUTPUT_TOKENS_MIN) throw error;
      work = { ...work, tokens: { ...work.tokens, output: Math.min(output, work.tokens.output) } };
    }
  }
}

async function begin(
  { client, whenUnreachable, ttlSeconds = TTL_SECONDS }: MeterSettings,
  { workspaceId, pageId, type, model, work }: Asked<Work>,
  signal: AbortSignal | undefined,
): Promise<HeldWork> {
  const ai = { type, pageId, model, ...work };
  const input = { workspaceId, featureCode: AI_POINTS, ttlSeconds, onExpire: 'settle', ai } as const;
  if ('isOpen' in client) return client.holds.begin(input, { signal, whenUnreachable });
  if (whenUnreachable === 'open') {
    throw new TypeError('whenUnreachable can be open for a client with a journal: give it one.');
  }
  return heldWork({ client, input, hold: await client.holds.create(input, { signal }), write: undefined });
}

/** How many tokens of output the workspace can pay for beside the input. */
async function affordable(
  client: MeteringClient,
  { workspaceId, model }: Asked<Work>,
  tokens: Tokens,
  signal: AbortSignal | undefined,
): Promise<number> {
  const answer = await client.check({ workspaceId, featureCode: AI_POINTS, model, tokens }, { signal });
  return ('affordableOutputTokens' in answer ? answer.affordableOutputTokens : null) ?? 0;
}

function holdOn<W extends Work>(held: HeldWork, work: W, settings: MeterSettings): Hold<W> {
  const { onHold, onFailure, waitUntil } = settings;
  let isEnding = false;

  function failed(step: MeterFailure['step'], error: unknown): void {
    try {
      onFailure?.({ step, holdId: held.hold?.id ?? null, error });
    } catch {
      // Nobody is left to tell, and a call does not break because of it.
    }
  }

  function told(answer: HoldAnswer): void {
    try {
      onHold?.(answer);
    } catch (error) {
      failed('onHold', error);
    }
  }

  /** What fails for good is told. What was reported last is charged when the hold expires. */
  async function ask(step: 'settle' | 'release', asking: () => Promise<object>): Promise<void> {
    try {
      const answer = await asking();
      if (isHold(answer)) told(answer);
    } catch (error) {
      failed(step, error);
    }
  }

  function end(step: 'settle' | 'release', asking: () => Promise<object>): Promise<void> {
    isEnding = true;
    const ending = ask(step, asking);
    try {
      waitUntil?.(ending);
    } catch (error) {
      failed('waitUntil', error);
    }
    return within(ending, END_WAIT_MS);
  }

  if (held.hold !== null) told(held.hold);
  return {
    work,
    async report(done) {
      if (held.hold === null) return 'over';
      try {
        const answer = await held.progress(done, REPORT_LIMITS);
        if (!isHold(answer)) return 'failed';
        if (!isEnding) told(answer);
        return 'taken';
      } catch (error) {
        // The end says all that a report does, and may overtake it.
        if (!isEnding) failed('report', error);
        return isRefusal(error, 'hold_not_open', 'not_found') ? 'over' : 'failed';
      }
    },
    settle: (done) => end('settle', () => settle(held, done)),
    release: () => end('release', () => held.release(END_LIMITS)),
  };
}

/** Whether it is Tollgate's answer: work that goes on without one has another. */
function isHold(answer: object): answer is HoldAnswer {
  return 'progressAmount' in answer;
}

/** What a provider counted may be in pools that the price says nothing of: then it is priced as plain input and output. */
async function settle(held: HeldWork, done: Work): Promise<object> {
  try {
    return await held.settle(done, END_LIMITS);
  } catch (error) {
    if (!isRefusal(error, 'invalid_request') || !('tokens' in done)) throw error;
    return held.settle({ tokens: plain(done.tokens) }, END_LIMITS);
  }
}

function plain({ output, reasoning = 0, audioOutput = 0, ...read }: Tokens): Tokens {
  const input = Object.values(read).reduce((sum, tokens) => sum + tokens, 0);
  return { input, output: output + reasoning + audioOutput };
}

/** Resolves with the promise, or after so long without it. */
async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, waited]);
  clearTimeout(timer);
}
