import type { Plan, Usage } from '../../examples/provider.ts';
import { makeRandom, type Random } from '../../src/lib/random.ts';

const VIAS = ['AI SDK chat', 'AI SDK responses', 'OpenAI chat', 'OpenAI responses'] as const;

/** What becomes of a stream that nobody kills: worker, provider and judge each know it from its tag alone. */
export type StreamPlan = {
  via: (typeof VIAS)[number];
  /** Which of the workspaces pays. */
  workspace: number;
  reportEveryMs: number;
  reportEveryTokens: number;
  maxOutputTokens: number;
  clamp: boolean;
  /** The provider's part. */
  provider: Plan;
  /** Its reader gives up once nothing comes for so long. */
  patienceMs: number;
  /** After so many pieces its reader gives up: by a signal, or by reading no further. Null: it reads to the end. */
  leave: { after: number; by: 'signal' | 'silence' } | null;
};

/** Longer than Tollgate takes to start again. */
const PATIENCE_MS = 10_000;
const LITTLE_PATIENCE_MS = 300;

/** The first of the workspaces is poor: some of its streams are refused, clamped or cannot be paid in full. */
export const WORKSPACES = 3;

const PIECES_MAX = 40;
const PIECE_LENGTH_MAX = 1_200;
const EVERY_MS_MAX = 50;

export function planOf(tag: string): StreamPlan {
  const random = makeRandom(tag);
  const pieces = Array.from({ length: 1 + random.below(PIECES_MAX) }, () => pieceOf(random));
  const provider: Plan = { pieces, everyMs: 1 + random.below(EVERY_MS_MAX), usage: usageOf(random) };
  const after = random.below(pieces.length + 1);
  let patienceMs = PATIENCE_MS;
  switch (random.below(12)) {
    case 0:
      Object.assign(provider, { piecesMax: after, ending: 'cut' });
      break;
    case 1:
      Object.assign(provider, { piecesMax: after, ending: 'hang' });
      patienceMs = LITTLE_PATIENCE_MS;
      break;
    case 2:
      Object.assign(provider, { status: random.pick([400, 429, 500]) });
  }
  return {
    via: random.pick(VIAS),
    workspace: random.below(WORKSPACES),
    reportEveryMs: random.pick([20, 100, 300]),
    reportEveryTokens: random.pick([100, 500, 2_000]),
    maxOutputTokens: random.pick([500, 4_000, 20_000]),
    clamp: random.chance(0.5),
    ...{ provider, patienceMs },
    leave: random.chance(0.2) ? { after, by: random.pick(['signal', 'silence']) } : null,
  };
}

/** A word of a few letters, or a page; in some, letters have several bytes. */
function pieceOf(random: Random): string {
  return random.pick(['x', 'x', 'ж', '字']).repeat(1 + random.below(random.pick([8, PIECE_LENGTH_MAX])));
}

function usageOf(random: Random): Usage | null {
  if (random.chance(0.2)) return null;
  const output = random.below(12_000);
  return {
    input: 1_000 + random.below(20_000),
    cachedInput: random.below(1_000),
    output,
    reasoning: random.below(output + 1),
  };
}

/** Tokens that a text is where nobody has counted them: one for every four bytes. */
export function tokensOf(pieces: readonly string[]): number {
  return Math.ceil(pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0) / 4);
}

/** Finds the tag in whatever it is part of. */
export const TAG = /stream:\d+\.\d+:\d+/;

export const tagOf = (seed: number, worker: number, count: number) => `stream:${seed}.${worker}:${count}`;
