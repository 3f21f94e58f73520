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
