import type { Asking } from './asking.ts';
import type { Site } from './site.ts';

/** Moves time forward for all: the servers, the simulator, and who looks on. */
export async function moveTime(
  { clock, simulator }: Pick<Site, 'clock' | 'simulator'>,
  asking: Asking,
  ms: number,
): Promise<void> {
  clock.offsetMs += ms;
  const now = clock.now().toISOString();
  await asking.ask('POST', '/v1/test/clock', { now });
  const { status } = await fetch(`${simulator.url}/_simulator/clock`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ now }),
  });
  if (status !== 200) throw new Error(`the simulator's time did not move: ${status}`);
}
