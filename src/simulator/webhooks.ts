import { createHmac } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { Faults } from './faults.ts';
import type { Change, Delivery, Store } from './store.ts';

/** One attempt to deliver an event, as it went. */
export type DeliveryAttempt = {
  event: string;
  type: string;
  url: string;
  /** 1 for the first. */
  attempt: number;
  at: Date;
  /** The HTTP status, or null when there was no answer; `error` says why. */
  status: number | null;
  error: string | null;
};

export type WebhookOptions = {
  /** The waits before the second, third, … attempt; when they are used up, the event stays undelivered. */
  retryDelaysMs?: number[];
  timeoutMs?: number;
};

// A sandbox of Stripe tries three times over hours. Here somebody is waiting, and their server may just be restarting.
const RETRY_DELAYS_MS = [500, 2_000, 10_000, 60_000, 600_000, 3_600_000];
const TIMEOUT_MS = 10_000; // about what Stripe waits
const CONCURRENCY_MAX = 16; // deliveries under way at once: a burst arrives in no particular order, as Stripe's does
const HELD_MAX_MS = 1_000; // where no other event comes that could overtake it
const LOG_MAX = 10_000; // attempts that are remembered

/** `Stripe-Signature` for these exact bytes: one v1 for each secret that is in use. */
export function sign(payload: string, secrets: string[], atSeconds: number): string {
  const signatures = secrets.map((secret) =>
    createHmac('sha256', secret).update(`${atSeconds}.${payload}`).digest('hex'),
  );
  return [`t=${atSeconds}`, ...signatures.map((signature) => `v1=${signature}`)].join(',');
}

/** Carries committed events to their endpoints, until each is accepted or given up. */
export class Courier {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #retryDelaysMs: number[];
  readonly #timeoutMs: number;
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Deliveries that wait until another has overtaken them. */
  readonly #held: string[] = [];
  readonly #stopped = new AbortController();
  readonly #log: DeliveryAttempt[] = [];
  #underWay = 0;
  #waiters: (() => void)[] = [];

  constructor(store: Store, options: WebhookOptions & { clock: Clock; faults: Faults }) {
    this.#store = store;
    this.#clock = options.clock;
    this.#faults = options.faults;
    this.#retryDelaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS;
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Takes up what an earlier run left undelivered, and from now on everything that is committed. */
  start(): void {
    for (const { id } of this.#store.all('delivery')) this.#enqueue(() => this.#deliver(id));
    this.#store.onCommit = (changes: Change[]) => {
      for (const change of changes) {
        if (change[0] === 'put' && change[1] === 'delivery' && isNew(change[2])) {
          this.#begin(change[2]);
        }
      }
    };
  }

  /** Sends an event again to every endpoint, as often as asked, all at once; nothing is retried. */
  async redeliver(eventId: string, times = 1): Promise<DeliveryAttempt[]> {
    const endpoints = [...this.#store.all('endpoint')];
    const sends = endpoints.flatMap(({ id }) =>
      Array.from({ length: times }, () => this.#send(eventId, id, 1)),
    );
    return (await Promise.all(sends)).filter((attempt) => attempt !== undefined);
  }

  deliveries(): DeliveryAttempt[] {
    return [...this.#log];
  }

  /** Resolves when nothing is under way and nothing waits for another attempt. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#store.onCommit = () => {};
    this.#queue.length = 0;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#rest();
    await this.idle();
  }

  /** The first attempt of a new delivery, or what goes wrong with it. */
  #begin({ id, event, endpoint }: Delivery): void {
    const { isDropped, copies, delayMs, isHeld } = this.#faults.ofDelivery();
    if (isDropped) {
      this.#store.drop('delivery', id); // for ever: its event stays undelivered
      return;
    }
    for (let i = 0; i < copies; i++) this.#enqueue(async () => void (await this.#send(event, endpoint, 1)));
    if (isHeld) {
      this.#held.push(id);
      this.#later(id, delayMs + HELD_MAX_MS);
      return;
    }
    const overtaken = this.#held.splice(0);
    const work = async () => {
      await this.#deliver(id);
      for (const held of overtaken) this.#release(held);
    };
    if (delayMs > 0) this.#later(id, delayMs, work);
    else this.#enqueue(work);
  }

  #later(id: string, delayMs: number, work = () => this.#deliver(id)): void {
    const timer = setTimeout(() => {
      this.#timers.delete(id);
      this.#enqueue(work);
    }, delayMs);
    timer.unref();
    this.#timers.set(id, timer);
  }

  #release(id: string): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return; // nobody came in time: it is sent already
    clearTimeout(timer);
    this.#timers.delete(id);
    this.#enqueue(() => this.#deliver(id));
  }

  #isIdle(): boolean {
    return this.#underWay === 0 && this.#queue.length === 0 && this.#timers.size === 0;
  }

  #rest(): void {
    if (!this.#isIdle()) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue.push(work);
    if (this.#underWay < CONCURRENCY_MAX) void this.#work();
  }

  async #work(): Promise<void> {
    this.#underWay++;
    // Not in the same turn as the commit: an API call is answered before its events arrive.
    await new Promise((resolve) => setImmediate(resolve));
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) await next();
    this.#underWay--;
    this.#rest();
  }

  async #deliver(id: string): Promise<void> {
    const delivery = this.#store.get('delivery', id);
    if (delivery === undefined) return;
    const attempts = delivery.attempts + 1;
    const attempt = await this.#send(delivery.event, delivery.endpoint, attempts);
    if (this.#stopped.signal.aborted) return;
    if (attempt === undefined) this.#store.drop('delivery', id);
    else if (isAccepted(attempt)) this.#accept(delivery);
    else this.#retry({ ...delivery, attempts });
  }

  #accept({ id, event: eventId }: Delivery): void {
    this.#store.write(() => {
      this.#store.drop('delivery', id);
      const event = this.#store.get('event', eventId);
      if (event !== undefined)
        this.#store.put('event', { ...event, pending_webhooks: event.pending_webhooks - 1 });
    });
  }

  #retry(delivery: Delivery): void {
    const delayMs = this.#retryDelaysMs[delivery.attempts - 1];
    if (delayMs === undefined) {
      this.#store.drop('delivery', delivery.id);
      return;
    }
    this.#store.put('delivery', delivery);
    this.#later(delivery.id, delayMs);
  }

  /** One POST. Undefined when the event or its endpoint is gone. */
  async #send(eventId: string, endpointId: string, number: number): Promise<DeliveryAttempt | undefined> {
    const event = this.#store.get('event', eventId);
    const row = this.#store.get('endpoint', endpointId);
    if (event === undefined || row === undefined) return undefined;
    const { url } = row.endpoint;
    const at = this.#clock.now();
    const payload = JSON.stringify(event, null, 2); // indented, as Stripe's are: only the raw bytes verify
    const attempt: DeliveryAttempt = {
      event: eventId,
      type: event.type,
      url,
      attempt: number,
      at,
      status: null,
      error: null,
    };
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: payload,
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'Stripe-Signature': sign(payload, row.secrets, Math.floor(at.getTime() / 1000)),
          'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        },
        redirect: 'manual',
        signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(this.#timeoutMs)]),
      });
      attempt.status = response.status;
      await response.body?.cancel();
    } catch (error) {
      attempt.error = reasonOf(error);
    }
    this.#log.push(attempt);
    if (this.#log.length > LOG_MAX) this.#log.shift();
    return attempt;
  }
}

function isNew(row: object): row is Delivery {
  return 'attempts' in row && row.attempts === 0;
}

function isAccepted({ status }: DeliveryAttempt): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** `fetch` says only that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
