import { z } from 'zod';
import type { Db } from '../db/pool.ts';
import { type Clock, MovableClock } from '../lib/clock.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { Refusal } from '../lib/errors.ts';
import { timeSchema } from '../lib/schemas.ts';
import { moveClock } from './testclock.ts';

const SECONDS_MAX = 10 * 366 * 86_400; // ten years at a time
const SECONDS_MESSAGE = `must be a whole number from 1 to ${SECONDS_MAX}`;

const moveSchema = z
  .strictObject({
    now: timeSchema.optional(),
    advanceSeconds: z
      .int(SECONDS_MESSAGE)
      .min(1, SECONDS_MESSAGE)
      .max(SECONDS_MAX, SECONDS_MESSAGE)
      .optional(),
  })
  .refine(({ now, advanceSeconds }) => (now === undefined) !== (advanceSeconds === undefined), {
    message: 'send either now or advanceSeconds',
    path: ['now'],
  });

/** `onMove`: whatever follows from a new time at once, such as the simulator's expiries. */
export function clockRoutes(services: { db: Db; clock: Clock; onMove(): void }): Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/v1/test/clock',
      tag: 'Operations',
      summary: "Move Tollgate's and the simulator's time forward (test mode only)",
      body: moveSchema,
      answers: { 200: z.object({ now: z.iso.datetime() }) },
      refusals: ['forbidden', 'idempotency_conflict'],
      repeats: 'request',
      handle: async ({ body }) => {
        const { clock } = services;
        if (!(clock instanceof MovableClock)) {
          throw new Refusal(
            'forbidden',
            'The clock can only be moved when Tollgate was started with TOLLGATE_TEST_CLOCK=1.',
          );
        }
        const now = await moveClock(services.db, clock, body);
        services.onMove();
        return { body: { now: now.toISOString() } };
      },
    }),
  ];
}
