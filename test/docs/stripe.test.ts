import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FOLLOWED_TYPES } from '../../src/stripe/events.ts';
import { subscriptionStatus } from '../../src/stripe/subscriptions/status.ts';
import { readPage, tableOf } from './pages.ts';

const page = readPage('docs/stripe.md');

describe('the page about Stripe', () => {
  test('names the events that something follows from, and no others', () => {
    const named = tableOf(page, 'events').flatMap(([events]) =>
      [...events!.matchAll(/`([^`]+)`/g)].map(([, type]) => type!),
    );
    assert.deepEqual(named.sort(), [...FOLLOWED_TYPES].sort());
  });

  test('says of each status what it is here', () => {
    const rows = tableOf(page, 'Stripe').filter(([theirs]) => theirs!.includes('`'));
    assert.equal(rows.flatMap(([theirs]) => theirs!.match(/`/g)).length / 2, 8);
    for (const [theirs, ours] of rows) {
      for (const [, status] of theirs!.matchAll(/`([^`]+)`/g)) {
        assert.equal(subscriptionStatus(status!) ?? 'not kept', ours);
      }
    }
  });
});
