import Stripe from 'stripe';
import { Refusal } from '../lib/errors.ts';
import { customerIdOf, objectIdOf, whyIgnored } from './events.ts';
import { openKeeper } from './keeper.ts';
import type { StripeServices } from './services.ts';
import type { KeptEvent } from './store.ts';

export type Inbox = {
  /** Resolves once the event is on disk. Throws a Refusal: 400 for what is not from Stripe, 503 if it cannot be kept. */
  receive(delivery: { rawBody: Buffer; signature: string | undefined }): Promise<void>;
};

/** Stripe's own: https://docs.stripe.com/webhooks. Older deliveries may be replays. */
const TOLERANCE_SECONDS = 300;

/** Opens the inbox. `secrets`: one, or several while one is being replaced by another. */
export function openInbox(
  services: Pick<StripeServices, 'pool' | 'clock' | 'livemode' | 'report'>,
  secrets: readonly string[],
): Inbox {
  const { pool, clock, livemode, report } = services;
  const keep = openKeeper({ pool, report });
  return {
    async receive({ rawBody, signature }) {
      const now = clock.now();
      verify(rawBody, signature, { secrets, now, report });
      const event = readEvent(rawBody, { livemode, report });
      try {
        await keep(event, now);
      } catch (error) {
        report(`event ${event.id} could not be kept; Stripe will send it again`, error);
        throw new Refusal('unavailable', 'The event could not be kept: send it again.');
      }
    },
  };
}

/** Compares in constant time, on the bytes as they came. */
function verify(
  rawBody: Buffer,
  signature: string | undefined,
  { secrets, now, report }: { secrets: readonly string[]; now: Date; report: StripeServices['report'] },
): void {
  const failures: unknown[] = [];
  for (const secret of secrets) {
    try {
      const at = now.getTime();
      Stripe.webhooks.signature!.verifyHeader(
        rawBody,
        signature ?? '',
        secret,
        TOLERANCE_SECONDS,
        undefined,
        at,
      );
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  const tooOld = failures.find((error) => /tolerance/i.test((error as Error).message));
  if (tooOld !== undefined)
    report('a webhook was signed too long ago: is the clock of this machine right?', tooOld);
  throw new Refusal('invalid_request', 'The signature does not fit.', { param: 'Stripe-Signature' });
}

/** What is signed and no event to us is a setting at Stripe that somebody has to mend: it would be sent for days. */
function readEvent(
  rawBody: Buffer,
  { livemode, report }: Pick<StripeServices, 'livemode' | 'report'>,
): KeptEvent {
  try {
    return eventOf(rawBody, livemode);
  } catch (error) {
    report('a webhook was refused, though its signature is right', error);
    throw error;
  }
}

function eventOf(rawBody: Buffer, livemode: boolean): KeptEvent {
  const text = rawBody.toString();
  const event = parseEvent(text);
  return keptOf(event, livemode, NOT_KEEPABLE.test(text) ? keepable(event) : text);
}

/** An event as it is kept, however it came. */
export function keptOf(event: Stripe.Event, livemode: boolean, payload = keepable(event)): KeptEvent {
  const { id, type, livemode: isLive } = event;
  const objectId = objectIdOf(event);
  const ours = { id, type, objectId, customerId: customerIdOf(event), livemode: isLive };
  const reason = whyIgnored(event, livemode);
  return reason === null
    ? { ...ours, payload, status: 'RECEIVED', error: null }
    : { ...ours, payload, status: 'IGNORED', error: reason };
}

function parseEvent(text: string): Stripe.Event {
  let event: Stripe.Event | { object: 'v2.core.event' } | null;
  try {
    event = JSON.parse(text);
  } catch {
    throw notAnEvent('is not JSON');
  }
  if (event?.object === 'v2.core.event') {
    throw notAnEvent('is a thin event: choose the payload style "snapshot" for this endpoint');
  }
  const isEvent =
    event?.object === 'event' &&
    typeof event.id === 'string' &&
    typeof event.type === 'string' &&
    typeof event.livemode === 'boolean' &&
    typeof event.data?.object === 'object';
  if (!isEvent) throw notAnEvent('is not an event');
  return event as Stripe.Event;
}

function notAnEvent(what: string): Refusal {
  return new Refusal('invalid_request', `The body ${what}.`, { param: 'body' });
}

/** What may be one of them, as JSON writes it. */
const NOT_KEEPABLE = /\\u(0000|d[89a-f])/i;

/** Postgres keeps no NUL characters and no half surrogate pairs. */
function keepable(event: Stripe.Event): string {
  return JSON.stringify(event, (_key, value) =>
    typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value,
  );
}
