import { z } from 'zod';
import { makeRandom, type Random } from '../lib/random.ts';
import { parse } from '../lib/schemas.ts';
import { keyInUse, StripeError, withDocUrl } from './api/errors.ts';

const probability = () => {
  const message = 'must be a probability, from 0 to 1';
  return z.number(message).min(0, message).max(1, message).optional();
};

/** What cannot be answered before it happens: these may come after the effect, whose answer is then lost. */
const LATE = ['server_error', 'cut', 'timeout'] as const;
const EARLY = ['rate_limit', 'lock_timeout', 'conflict'] as const;

const nextFields = {
  /** Any, if nothing is said. */
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  /** Such as `/v1/customers`; `*` stands for any part of it. */
  path: z.string().min(1),
  /** How many requests meet it; one if nothing is said. */
  times: z.int().min(1).optional(),
};

const apiRates = z.strictObject({
  rate429: probability(),
  rate409: probability(),
  rate5xx: probability(),
  rateCut: probability(),
  rateTimeout: probability(),
});
const webhookRates = z.strictObject({
  duplicate: probability(),
  delay: probability(),
  delayMaxMs: z.int().min(1).max(86_400_000).optional(),
  reorder: probability(),
  drop: probability(),
});

/** What can be set of each side, by name. */
export const FAULT_NAMES = { api: Object.keys(apiRates.shape), webhooks: Object.keys(webhookRates.shape) };

const faultsSchema = z.strictObject({
  /** The same seed and the same order of requests give the same faults. */
  seed: z.union([z.string(), z.number()], 'must be a text or a number').optional(),
  api: apiRates.optional(),
  webhooks: webhookRates.optional(),
  /** What the next requests meet that match, whatever the seed says; the first that matches counts. */
  next: z
    .array(
      z.union(
        [
          z.strictObject({ ...nextFields, fault: z.enum(EARLY) }),
          /** `before` anything is done, if nothing is said. */
          z.strictObject({
            ...nextFields,
            fault: z.enum(LATE),
            when: z.enum(['before', 'after']).optional(),
          }),
        ],
        `must be {path, fault, method?, times?}, and when? for ${LATE.join(', ')}; others are ${EARLY.join(', ')}`,
      ),
    )
    .optional(),
});

/** What goes wrong, and how often. Nothing, if nothing is said. */
export type FaultPlan = z.input<typeof faultsSchema>;

export type ApiFault = {
  kind: (typeof EARLY)[number] | (typeof LATE)[number];
  when: 'before' | 'after';
};
/** `copies` is how often it is sent besides; `isHeld` lets the next one overtake it. */
export type DeliveryFault = { isDropped: boolean; copies: number; delayMs: number; isHeld: boolean };

const DELAY_MAX_MS = 2_000;
const COPIES_MAX = 3;

/** Decides what goes wrong. Requests and deliveries follow from the seed each for themselves. */
export class Faults {
  #plan: z.output<typeof faultsSchema> = {};
  #next: { matches: RegExp; left: number; asked: NonNullable<FaultPlan['next']>[number] }[] = [];
  #requests!: Random;
  #deliveries!: Random;

  constructor(plan: FaultPlan = {}) {
    this.set(plan);
  }

  /** Replaces all that was set, and begins the seed anew. Throws a Refusal that names what cannot be. */
  set(plan: unknown): void {
    const { next = [], ...rest } = parse(faultsSchema, plan);
    this.#plan = rest;
    this.#next = next.map((asked) => ({ asked, matches: patternOf(asked.path), left: asked.times ?? 1 }));
    this.#requests = makeRandom(`${rest.seed ?? 0} requests`);
    this.#deliveries = makeRandom(`${rest.seed ?? 0} deliveries`);
  }

  /** What is set, and what is left of `next`. */
  plan(): FaultPlan {
    const next = this.#next.map(({ asked, left }) => ({ ...asked, times: left }));
    return { ...this.#plan, ...(next.length === 0 ? {} : { next }) };
  }

  /** What the next request meets. It takes as many numbers from the seed whatever it is: no request shifts another. */
  ofRequest(method: string, path: string): ApiFault | null {
    const random = this.#requests;
    const { rate429, rate409, rate5xx, rateCut, rateTimeout } = this.#plan.api ?? {};
    const [late, isLock] = [random.chance(0.5) ? 'after' : 'before', random.chance(0.5)] as const;
    const drawn: [ApiFault, number | undefined][] = [
      [{ kind: isLock ? 'lock_timeout' : 'rate_limit', when: 'before' }, rate429],
      [{ kind: 'conflict', when: 'before' }, rate409],
      [{ kind: 'server_error', when: late }, rate5xx],
      [{ kind: 'cut', when: late }, rateCut],
      [{ kind: 'timeout', when: late }, rateTimeout],
    ];
    const met = drawn.filter(([, rate]) => random.chance(rate ?? 0)).map(([fault]) => fault);
    return this.#takeNext(method, path) ?? met[0] ?? null;
  }

  #takeNext(method: string, path: string): ApiFault | null {
    const found = this.#next.find(
      ({ asked, matches }) => (asked.method ?? method) === method && matches.test(path),
    );
    if (found === undefined) return null;
    found.left--;
    if (found.left === 0) this.#next.splice(this.#next.indexOf(found), 1);
    const { asked } = found;
    return { kind: asked.fault, when: ('when' in asked ? asked.when : undefined) ?? 'before' };
  }

  /** What the next delivery meets. */
  ofDelivery(): DeliveryFault {
    const random = this.#deliveries;
    const {
      duplicate = 0,
      delay = 0,
      delayMaxMs = DELAY_MAX_MS,
      reorder = 0,
      drop = 0,
    } = this.#plan.webhooks ?? {};
    const [copies, delayMs] = [1 + random.below(COPIES_MAX), 1 + random.below(delayMaxMs)];
    return {
      copies: random.chance(duplicate) ? copies : 0,
      delayMs: random.chance(delay) ? delayMs : 0,
      isHeld: random.chance(reorder),
      isDropped: random.chance(drop),
    };
  }
}

function patternOf(path: string): RegExp {
  const parts = path.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

/** A fault in Stripe's words. Of those whose answer never arrives, nobody reads it. */
export function refusalBy({ kind, when }: ApiFault, idempotencyKey: string | null): StripeError {
  switch (kind) {
    case 'rate_limit':
      return tooMany(
        'rate_limit',
        'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
        { 'Stripe-Rate-Limited-Reason': 'global-rate' },
      );
    case 'lock_timeout':
      return tooMany(
        'lock_timeout',
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request.',
        { 'Stripe-Should-Retry': 'true' },
      );
    case 'conflict':
      return idempotencyKey === null
        ? new StripeError(409, {
            type: 'invalid_request_error',
            message: 'The request conflicts with another one that is in progress. Please try again later.',
          })
        : keyInUse(idempotencyKey);
    default:
      return serverError(when);
  }
}

/** Says that asking again brings the same answer. */
export const IN_VAIN = { 'Stripe-Should-Retry': 'false' };

/** Begun, it is kept for its idempotency key, and asking again is in vain; else nothing was done. */
function serverError(when: ApiFault['when']): StripeError {
  const message = 'An unknown error occurred.';
  return when === 'after'
    ? new StripeError(500, { type: 'api_error', message }, { headers: IN_VAIN })
    : new StripeError(503, { type: 'api_error', message });
}

function tooMany(code: string, message: string, headers: Record<string, string>): StripeError {
  return new StripeError(
    429,
    { type: 'invalid_request_error', message, ...withDocUrl({ code }) },
    { headers },
  );
}
