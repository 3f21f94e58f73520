import { randomFillSync } from 'node:crypto';

/**
 * Makes ids such as `op_0k3v…`: a prefix that says what it names, then 26 characters that rise with time, so that
 * the newest rows lie together at the end of every index. 50 bits of milliseconds, 80 bits of randomness.
 */
export function newId(prefix: string): string {
  const now = Date.now();
  if (now <= lastMs) increment(random);
  else {
    lastMs = now;
    fillRandom();
  }
  return `${prefix}_${encodeTime(lastMs)}${encodeRandom(random)}`;
}

// Crockford's base 32, in lower case: sorts as it counts, and has no letters that look like digits.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;

let lastMs = 0;
// Five bits each; within one millisecond the next id is this one plus one, so ids of a process never fall.
const random = new Uint8Array(RANDOM_LENGTH);
const pool = new Uint8Array(RANDOM_LENGTH * 256);
let poolUsed = pool.length;

function fillRandom(): void {
  if (poolUsed === pool.length) {
    randomFillSync(pool);
    poolUsed = 0;
  }
  for (let i = 0; i < RANDOM_LENGTH; i++) random[i] = pool[poolUsed++]! & 31;
  // The highest bit stays free, so that counting up within a millisecond cannot overflow.
  random[0]! &= 15;
}

function increment(digits: Uint8Array): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    if (digits[i]! < 31) {
      digits[i]!++;
      return;
    }
    digits[i] = 0;
  }
}

let encodedMs = -1;
let encodedTime = '';

function encodeTime(ms: number): string {
  if (ms === encodedMs) return encodedTime;
  let text = '';
  for (let rest = ms, i = 0; i < TIME_LENGTH; i++) {
    text = ALPHABET[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  encodedMs = ms;
  encodedTime = text;
  return text;
}

function encodeRandom(digits: Uint8Array): string {
  let text = '';
  for (let i = 0; i < digits.length; i++) text += ALPHABET[digits[i]!]!;
  return text;
}
