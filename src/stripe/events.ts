import type { Reading } from './change.ts';
import { readSession } from './sessions.ts';

/** The events that we act on, and what is read when one comes. All others are stored and ignored. */
const EVENTS = new Map<string, Reading>([
  ['checkout.session.completed', readSession],
  ['checkout.session.async_payment_succeeded', readSession],
  ['checkout.session.async_payment_failed', readSession],
  ['checkout.session.expired', readSession],
]);

export function readingOf(type: string): Reading | undefined {
  return EVENTS.get(type);
}

/** Why nothing can follow from an event, under a key of this mode; null where something can. */
export function whyIgnored(
  event: { type: string; objectId: string | null; livemode: boolean },
  livemode: boolean,
): string | null {
  if (event.livemode !== livemode) {
    return `It is of ${event.livemode ? 'live' : 'test'} mode, and the key is of the other.`;
  }
  if (readingOf(event.type) === undefined) return 'Nothing follows from events of this type.';
  return event.objectId === null ? 'It names no object.' : null;
}
