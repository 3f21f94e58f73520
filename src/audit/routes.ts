import { z } from 'zod';
import type { Db } from '../db/pool.ts';
import type { Clock } from '../lib/clock.ts';
import { type Endpoint, endpoint } from '../lib/endpoint.ts';
import { audit, type Report } from './audit.ts';

const reportSchema = z
  .object({
    ok: z.boolean().meta({ description: 'Every invariant holds for every row.' }),
    checkedAt: z.iso.datetime(),
    checks: z.array(
      z.object({
        name: z.string().meta({ description: 'What holds.' }),
        ok: z.boolean(),
        checked: z.int().meta({ description: 'Rows that it looked at.' }),
        failures: z
          .array(z.record(z.string(), z.unknown()))
          .meta({ description: 'The first 100 rows that break it, with the numbers that disagree.' }),
      }),
    ),
  })
  .meta({ id: 'AuditReport' });

export function auditRoutes({ db, clock }: { db: Db; clock: Clock }): Endpoint[] {
  const ask = oneAtATime(() => audit(db, { now: clock.now() }));
  return [
    endpoint({
      method: 'GET',
      path: '/v1/audit',
      tag: 'Reading',
      summary: 'Every invariant, over all data',
      answers: { 200: reportSchema },
      refusals: [],
      handle: async () => ({ body: await ask() }),
    }),
  ];
}

/** An audit reads everything: who asks while one runs gets the next, together with all others who wait. */
function oneAtATime(run: () => Promise<Report>): () => Promise<Report> {
  let running: Promise<Report> | undefined;
  let next: Promise<Report> | undefined;
  function start(): Promise<Report> {
    next = undefined;
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  }
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
