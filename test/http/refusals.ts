import assert from 'node:assert/strict';
import { CODES, type Code } from '../../src/lib/errors.ts';
import type { Answer } from '../client.ts';

/** That an answer is this refusal, in the shape of all refusals, and names the field. */
export function assertRefused(answer: Answer, code: Code, param?: string): void {
  const { error } = answer.body;
  assert.ok(error !== undefined, `no refusal: ${answer.status} ${answer.text.slice(0, 300)}`);
  assert.equal(error.code, code, answer.text.slice(0, 500));
  assert.equal(answer.status, CODES[code].status);
  assert.ok(typeof error.type === 'string' && typeof error.message === 'string' && error.message.length > 0);
  assert.deepEqual(
    Object.keys(error).filter((key) => !FIELDS.includes(key)),
    [],
  );
  assert.match(error.requestId, /^req_\w{26}$/);
  assert.equal(answer.headers.get('request-id'), error.requestId);
  if (param !== undefined) assert.equal(error.param, param, answer.text.slice(0, 500));
}

const FIELDS = ['type', 'code', 'message', 'param', 'details', 'requestId'];
