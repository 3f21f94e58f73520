import type { LanguageModelMiddleware } from 'ai';

type GenerateResult = Awaited<ReturnType<NonNullable<LanguageModelMiddleware['wrapGenerate']>>>;
/** What a provider says of a call, as the AI SDK hands it on. */
export type ProviderUsage = GenerateResult['usage'];

/** Tokens by pool: each is in one of them only. */
export type Tokens = {
  input: number;
  output: number;
  cachedInput?: number;
  cacheWrite?: number;
  cacheWrite1h?: number;
  audioInput?: number;
  reasoning?: number;
  audioOutput?: number;
};

/** What a provider said of one side of a call; undefined: nothing. */
export type Usage = {
  read: Omit<Tokens, 'output' | 'reasoning' | 'audioOutput'> | undefined;
  written: Pick<Tokens, 'output' | 'reasoning' | 'audioOutput'> | undefined;
};

/**
 * Puts what a provider counted into pools that do not contain one another. Where its figures contradict each other,
 * their total counts: nothing is charged twice.
 */
export function usageOf({ inputTokens, outputTokens, raw }: ProviderUsage): Usage {
  const { total: read, noCache, cacheRead: cachedInput = 0, cacheWrite = 0 } = inputTokens;
  const { total: written, text, reasoning = 0 } = outputTokens;
  const input = rest(read, noCache, cachedInput + cacheWrite);
  const output = rest(written, text, reasoning);
  const cacheWrite1h = Math.min(oneHourOf(raw), cacheWrite);
  return {
    read:
      input === undefined
        ? undefined
        : { input, ...given({ cachedInput, cacheWrite: cacheWrite - cacheWrite1h, cacheWrite1h }) },
    written: output === undefined ? undefined : { output, ...given({ reasoning }) },
  };
}

/** What is left of a total beside the other pools, or as it was said itself if that is less. */
function rest(total: number | undefined, said: number | undefined, others: number): number | undefined {
  if (total === undefined) return said;
  return Math.max(0, Math.min(said ?? total, total - others));
}

/** Pools with something in them. */
export function given<T extends Record<string, number>>(pools: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(pools).filter(([, tokens]) => tokens > 0)) as Partial<T>;
}

/** What Anthropic wrote to a cache that lasts an hour, which costs more. */
function oneHourOf(raw: ProviderUsage['raw']): number {
  const creation = raw?.cache_creation as { ephemeral_1h_input_tokens?: unknown } | null | undefined;
  const tokens = creation?.ephemeral_1h_input_tokens;
  return typeof tokens === 'number' ? tokens : 0;
}
