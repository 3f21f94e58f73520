import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../src/lib/random.ts';
import type { Wire } from '../../test/wire.ts';

/** When a process is killed: at any moment, or while the answer to one of these is on its way. */
export const MOMENTS = {
  'at any moment': null,
  'at the answer to a hold': /^POST \/v1\/holds$/,
  'at the answer to a report': /\/progress$/,
  'at the answer to a settlement': /\/settle$/,
} as const;

export type Moment = keyof typeof MOMENTS;

/** Of moments that are any: short enough for many rounds, long enough for streams to come in all their states. */
const ANY_MS_MAX = 500;

/**
 * Kills at a moment; resolves once it is done. Tollgate has done then what it was asked, and whoever asked is killed before
 * they know, or gets no answer.
 */
export async function killAt(
  moment: Moment,
  { wire, random, kill }: { wire: Wire; random: Random; kill(): Promise<void> },
): Promise<void> {
  const call = MOMENTS[moment];
  if (call === null) {
    await sleep(random.below(ANY_MS_MAX));
    return kill();
  }
  const killed = Promise.withResolvers<void>();
  wire.fail(call, {
    async change() {
      await kill().then(killed.resolve, killed.reject);
      throw new Error('nobody gets this answer');
    },
  });
  await killed.promise;
}
