// Plays many random histories and, where one fails, says which, and how to play it again.
import fc from 'fast-check';
import type { History } from './histories.ts';

export type Kind = 'decide' | 'engine';

export type Wanted = {
  kind: Kind;
  histories: fc.Arbitrary<History>;
  /** Resolves to how many operations the history had; throws where engine and model differ. */
  play(history: History): number | Promise<number>;
  runs: number;
  seed: number;
  /** Of a failure, to play that one again. */
  path?: string;
};

export type Played = { histories: number; operations: number };

export async function checkHistories({ kind, histories, play, runs, seed, path }: Wanted): Promise<Played> {
  const played = { histories: 0, operations: 0 };
  const property = fc.asyncProperty(histories, async (history) => {
    played.operations += await play(history);
    played.histories++;
  });
  const outcome = await fc.check(property, {
    ...{ numRuns: runs, seed, endOnFailure: false },
    ...(path === undefined ? {} : { path }),
  });
  if (outcome.failed) throw new Difference(kind, outcome);
  return played;
}

/** A shortened history on which engine and model differ. */
export class Difference extends Error {
  constructor(
    kind: Kind,
    { seed, counterexample, counterexamplePath, errorInstance }: fc.RunDetails<[History]>,
  ) {
    const again = `npm run model -- --only ${kind} --seed ${seed} --path ${counterexamplePath}`;
    super(
      [
        `the engine and the naive model differ; play it again with: ${again}`,
        JSON.stringify(counterexample?.[0], null, 1),
        errorInstance instanceof Error ? errorInstance.message : String(errorInstance),
      ].join('\n\n'),
      { cause: errorInstance },
    );
    this.name = 'Difference';
  }
}
