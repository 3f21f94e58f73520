import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ForeignAnswer, Refusal, TimedOut, Unreachable } from './errors.ts';
import { isWorthRetrying, readRetryAfter, waitAfter } from './retries.ts';
import type { Code } from './types.ts';

const refusal = (status: number, code: Code) =>
  new Refusal(status, { type: 'refusal', code, message: 'No.', requestId: 'req_1' });

describe('it is tried again', () => {
  for (const [error, again] of [
    [new Unreachable('No.'), true],
    [new TimedOut('No.'), true],
    [refusal(429, 'rate_limited'), true],
    [refusal(500, 'internal_error'), true],
    [refusal(503, 'unavailable'), true],
    [refusal(503, 'provider_unavailable'), true],
    [refusal(502, 'provider_error'), false],
    [refusal(400, 'invalid_request'), false],
    [refusal(402, 'insufficient_credits'), false],
    [refusal(409, 'idempotency_conflict'), false],
    [new ForeignAnswer('No.', 404), false],
    [new TypeError('No.'), false],
  ] as const) {
    const name = error instanceof Refusal ? error.code : error.name;
    test(`${name}: ${again ? 'yes' : 'no'}`, () => assert.equal(isWorthRetrying(error), again));
  }
});

describe('waits', () => {
  for (const [attempts, retryAfterMs, random, waitMs] of [
    [1, 0, 0, 50],
    [1, 0, 1, 100],
    [3, 0, 0.5, 300],
    [1, 2000, 0, 2050],
    [50, 0, 1, 5000],
  ] as const) {
    test(`after ${attempts} attempts, asked for ${retryAfterMs} ms, by chance ${random}: ${waitMs} ms`, () => {
      assert.equal(waitAfter(attempts, retryAfterMs, random), waitMs);
    });
  }

  const now = Date.parse('2026-01-01T00:00:00Z');
  for (const [header, ms] of [
    [null, 0],
    ['2', 2000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:03 GMT', 3000],
    ['Thu, 01 Jan 2025 00:00:00 GMT', 0],
    ['soon', 0],
  ] as const) {
    test(`Retry-After: ${header} asks for ${ms} ms`, () => assert.equal(readRetryAfter(header, now), ms));
  }
});
