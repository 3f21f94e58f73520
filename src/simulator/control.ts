import { z } from 'zod';
import { Refusal } from '../lib/errors.ts';
import { parse, timeSchema } from '../lib/schemas.ts';
import type { Faults } from './faults.ts';
import type { OwnClock } from './own-clock.ts';

/** What steers a simulator while it runs. */
export type Control = {
  faults: Faults;
  /** Null where the time is somebody else's. */
  clock: OwnClock | null;
  now(): Date;
  tick(): void;
};

type Sent = { method: string; path: string; type: string; body: string };
type Answer = { status: number; body: object };

const ADVANCE_SECONDS_MAX = 100 * 366 * 24 * 60 * 60; // a hundred years at a time

const clockSchema = z.union(
  [
    z.strictObject({ advanceSeconds: z.number().positive().max(ADVANCE_SECONDS_MAX) }),
    z.strictObject({ now: timeSchema }),
  ],
  'must be {"advanceSeconds": a number above 0}, or {"now": an ISO 8601 time with its zone}',
);

/** `/_simulator/health`, `/_simulator/faults` and `/_simulator/clock`, in JSON. */
export function answerControl(control: Control, sent: Sent): Answer {
  const verb = VERBS[`${sent.method} ${sent.path}`];
  if (verb === undefined)
    return refused(404, `There is no ${sent.method} ${sent.path}: see the simulator's README.`);
  try {
    return { status: 200, body: verb(control, sent.method === 'POST' ? readJson(sent) : null) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return refused(400, error.message);
  }
}

const VERBS: Record<string, (control: Control, body: unknown) => object> = {
  'GET /_simulator/health': ({ now }) => ({ status: 'ok', now: now() }),
  'GET /_simulator/faults': ({ faults }) => faults.plan(),
  'POST /_simulator/faults': ({ faults }, plan) => {
    faults.set(plan);
    return faults.plan();
  },
  'DELETE /_simulator/faults': ({ faults }) => {
    faults.set({});
    return faults.plan();
  },
  'GET /_simulator/clock': ({ now }) => ({ now: now() }),
  'POST /_simulator/clock': ({ clock, now, tick }, body) => {
    if (clock === null)
      throw new Refusal('invalid_request', 'This time is moved where the simulator was started.');
    const asked = parse(clockSchema, body);
    clock.moveTo('now' in asked ? asked.now : now().getTime() + asked.advanceSeconds * 1000);
    tick();
    return { now: now() };
  },
};

/** A page of another site can send a form here, but no JSON. */
function readJson({ type, body }: Sent): unknown {
  if (!type.startsWith('application/json')) {
    throw new Refusal('invalid_request', 'The body must be JSON, with Content-Type: application/json.');
  }
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new Refusal('invalid_request', `The body is not JSON: ${(error as Error).message}.`);
  }
}

function refused(status: number, message: string): Answer {
  return { status, body: { error: { message } } };
}
