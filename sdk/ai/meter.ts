import { type Hold, openHold, TTL_SECONDS } from './hold.ts';
import { openReports } from './reports.ts';
import type { Charged, MeterSettings } from './settings.ts';
import { bytesOf, reserved, tokensOfBytes } from './tokens.ts';
import type { Tokens, Usage } from './usage.ts';

/** Counts what one call reads and writes on its hold, and ends the hold. */
export type Meter = {
  /** Tokens of output that are held: fewer than were asked for where they were clamped. */
  readonly outputTokens: number;
  /** The provider works on it: from now on, its input counts. */
  begin(): void;
  /** Counts text that was written. */
  count(pool: 'output' | 'reasoning', text: string): void;
  /** Whether it is the provider that is waited for: then a silent call is kept alive. */
  awaits(isAwaiting: boolean): void;
  /**
   * Charges what the provider says, and where it says nothing, what was counted; nothing, if it never began. Only the first
   * end counts. Resolves once that is settled, or goes on without whoever waits.
   */
  end(usage?: Usage): Promise<void>;
};

/** What a call is about to do: tokens that its prompt comes to, and that it may write. */
export type Plan = Charged & { model: string; input: number; output: number };

/** Takes a hold for a call and counts on it. Throws the refusal: the provider is not to be called. */
export async function openMeter(
  settings: MeterSettings,
  { workspaceId, pageId, model, input, output }: Plan,
  signal?: AbortSignal,
): Promise<Meter> {
  const work = { tokens: { input: reserved(input), output } };
  const asked = { workspaceId, pageId, type: 'TEXT_CHAT', model, work } as const;
  return meterOn(await openHold(settings, asked, signal), input, settings);
}

type TokensHold = Hold<{ tokens: Tokens }>;

function meterOn(hold: TokensHold, input: number, settings: MeterSettings): Meter {
  const bytes = { output: 0, reasoning: 0 };
  // One object for all pieces: they are many, and reports are few.
  const counted: Tokens = { input, output: 0 };
  const { ttlSeconds = TTL_SECONDS } = settings;
  const reports = openReports(hold, { ...settings, ttlSeconds });
  let hasBegun = false;
  let ending: Promise<void> | undefined;

  async function settle(usage: Usage | undefined): Promise<void> {
    const { input: read, ...written } = counted;
    const tokens = { ...(usage?.read ?? { input: read }), ...(usage?.written ?? written) };
    const isNothing = Object.values(tokens).every((count) => count === 0);
    const isKnown = usage?.read !== undefined || usage?.written !== undefined;
    await (isNothing || !(hasBegun || isKnown) ? hold.release() : hold.settle({ tokens }));
  }

  return {
    outputTokens: hold.work.tokens.output,
    begin() {
      if (hasBegun || ending !== undefined) return;
      hasBegun = true;
      reports.offer(counted);
    },
    count(pool, text) {
      if (ending !== undefined) return;
      hasBegun = true;
      bytes[pool] += bytesOf(text);
      if (bytes[pool] > 0) counted[pool] = tokensOfBytes(bytes[pool]);
      reports.offer(counted);
    },
    awaits: reports.awaits,
    end(usage) {
      reports.stop();
      ending ??= settle(usage);
      return ending;
    },
  };
}

/** Asks the provider. Where it refuses, the hold is given back; where the caller gave up, it may have read the prompt. */
export async function askProvider<T>(
  meter: Meter,
  signal: AbortSignal | undefined,
  ask: () => PromiseLike<T>,
): Promise<T> {
  meter.awaits(true);
  try {
    return await ask();
  } catch (error) {
    if (signal?.aborted) meter.begin();
    await meter.end();
    throw error;
  } finally {
    meter.awaits(false);
  }
}
