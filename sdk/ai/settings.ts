import type { JournalingClient, WhenUnreachable } from '../client/journaling.ts';
import type { HoldAnswer, SettledHold } from '../client/types.ts';
import type { Client } from '../client/verbs.ts';

/** A client of `tollgate/client`, with or without a journal. */
export type MeteringClient = Client | JournalingClient;

/** Text, or what gives it for a call, such as a lookup of the request that is served. */
export type TextOrLookup = string | (() => string | Promise<string>);

export type MeterSettings = {
  client: MeteringClient;
  /** Who is charged, unless the call says so. */
  workspaceId?: TextOrLookup | undefined;
  /** Where in the product the work is done, unless the call says so. */
  pageId?: TextOrLookup | undefined;
  /** The name by which the catalog prices the model, where that is another than its own. */
  pricedAs?: ((model: { provider: string; modelId: string }) => string) | undefined;
  /** Tokens of output that are held where a call has no limit of its own. */
  outputTokens?: number | undefined;
  /** Whether an answer is made shorter that cannot be paid in full. Else it is refused. */
  clamp?: boolean | undefined;
  /** How long a hold outlives the last sign of its process. Then it is charged with what was reported. */
  ttlSeconds?: number | undefined;
  /** What was written is reported after so long, … */
  reportEveryMs?: number | undefined;
  /** … or as soon as it is so many tokens more. */
  reportEveryTokens?: number | undefined;
  /** Whether calls go on while Tollgate is unreachable; as the client does it with AI points, unless given. */
  whenUnreachable?: WhenUnreachable | undefined;
  /** Told of each state of a hold: as it is taken, reported to, settled, released. */
  onHold?: ((hold: HoldAnswer | SettledHold) => void) | undefined;
  /** Told what could not be reported or settled. The answer streams on. */
  onFailure?: ((failure: MeterFailure) => void) | undefined;
  /** Keeps a serverless process alive until what it is given has settled. */
  waitUntil?: ((settling: Promise<void>) => void) | undefined;
};

export type MeterFailure = {
  /** What failed; `onHold`, `waitUntil`: your own function of that name. */
  step: 'report' | 'settle' | 'release' | 'onHold' | 'waitUntil';
  /** Of the hold; null: none was taken, because Tollgate was unreachable. */
  holdId: string | null;
  error: unknown;
};

/** Who is charged, and for what. */
export type Charged = { workspaceId: string; pageId: string };

/** Who a call charges: what it says itself, else what the settings say. Throws where nothing does. */
export async function chargedBy(
  settings: MeterSettings,
  said: { workspaceId?: unknown; pageId?: unknown } = {},
): Promise<Charged> {
  const textOf = async (name: 'workspaceId' | 'pageId'): Promise<string> => {
    const { [name]: setting } = settings;
    const value = said[name] ?? (typeof setting === 'function' ? await setting() : setting);
    if (typeof value === 'string' && value !== '') return value;
    throw new TypeError(`${name} is missing: name it in the settings of tollgate, or with the call.`);
  };
  return { workspaceId: await textOf('workspaceId'), pageId: await textOf('pageId') };
}

/** A long answer of a chat. What is written beyond it is charged at the end, as far as it can be paid. */
const OUTPUT_TOKENS = 4_096;

/** Tokens that are held for an answer without a limit of its own. */
export function outputTokensOf({ outputTokens = OUTPUT_TOKENS }: MeterSettings): number {
  return outputTokens;
}
