// What a command of a history means when its turn comes, in relation to what the model says is there.
import type { Asked } from '../../src/engine/engine.ts';
import type { ClawBackOperation } from '../../src/engine/operations.ts';
import type { Subscription } from '../../src/engine/state.ts';
import { newId } from '../../src/lib/ids.ts';
import { affordable, allowance } from './allowances.ts';
import {
  allGrants,
  type Book,
  balance,
  endOfHold,
  grants,
  holdOf,
  holds,
  openHolds,
  progressOf,
  spendable,
  uses,
} from './book.ts';
import type { Command, Expiry, Part, Size, SubscriptionCommand, Wait } from './histories.ts';

export type ClawBackAsked = Omit<ClawBackOperation, 'id'>;

/** What a command asks for, as things stand. */
export function askedBy(
  command: Command,
  book: Book,
  known: readonly string[],
  now: number,
): Asked | ClawBackAsked | 'expire' {
  const common = { workspaceId: book.workspaceId, idempotency: null };
  switch (command.type) {
    case 'use': {
      const { feature, size, ai } = command;
      const whole =
        book.catalog.features.get(feature)!.whole || book.catalog.features.get(feature)!.type === 'switch';
      const amount = amountOf(size, whole, book, feature, now);
      return {
        ...{ ...common, type: 'USE', featureCode: feature, amount, description: null },
        ai: ai && feature === 'ai.points' ? { type: 'TEXT_CHAT', pageId: 'page_1' } : null,
      };
    }
    case 'hold': {
      const { feature, size, ai, ttlMs, onExpire } = command;
      const { whole, type } = book.catalog.features.get(feature)!;
      const amount = amountOf(size, whole || type === 'switch', book, feature, now);
      return {
        ...{ ...common, type: 'HOLD', featureCode: feature, amount, ttlMs, onExpire },
        ai: ai && feature === 'ai.points' ? { type: 'TEXT_CHAT', pageId: 'page_1' } : null,
      };
    }
    case 'progress': {
      const holdId = heldBy(book, command.which);
      const { ttlMs } = command;
      return { ...common, type: 'PROGRESS', holdId, amount: partOf(command.part, holdId, book, now), ttlMs };
    }
    case 'settle': {
      const holdId = heldBy(book, command.which);
      return { ...common, type: 'SETTLE', holdId, amount: partOf(command.part, holdId, book, now) };
    }
    case 'release':
      return { ...common, type: 'RELEASE', holdId: heldBy(book, command.which) };
    case 'grant': {
      const amount = amountOf(command.size, false, book, 'ai.points', now);
      return {
        ...{
          ...common,
          type: 'GRANT',
          amount,
          grantType: command.bought ? 'PURCHASE' : 'PROMOTION',
          description: 'given',
          creditRecordId: command.bought ? newId('crec') : null,
        },
        priority: command.priority,
        expiresAt: expiryOf(command.expiry, book, now),
      };
    }
    case 'refund': {
      const paid = uses(book).filter((used) => command.of === 'used' || used.cost > 0n);
      const ids = command.of === 'any' ? known : paid.map((used) => used.id);
      // The last ones first; what is beyond the first one there never was.
      const useId = ids.at(-1 - command.which) ?? 'op_none';
      return { ...common, type: 'REFUND', useId, reason: null };
    }
    case 'clawBack': {
      const bought = grants(book).filter((grant) => grant.creditRecordId !== null);
      const purchase = bought.at(-1 - command.which);
      if (purchase === undefined) return 'expire';
      const part = (purchase.amount * BigInt(command.sixths)) / 6n + BigInt(command.plus);
      const amount = part < 0n ? 0n : part > purchase.amount ? purchase.amount : part;
      return { ...common, type: 'CLAW_BACK', purchaseId: purchase.creditRecordId!, amount };
    }
    case 'expire':
      return 'expire';
  }
}

/** One of the open holds, the latest first; behind them, those that have ended. */
function heldBy(book: Book, which: number): string {
  const ended = holds(book).filter(({ id }) => endOfHold(book, id) !== undefined);
  return [...ended, ...openHolds(book)].at(-1 - which)?.id ?? 'op_none';
}

function partOf({ sixths, plus }: Part, holdId: string, book: Book, now: number): bigint {
  const hold = holdOf(book, holdId);
  if (hold === undefined) return 1_000_000n;
  const { whole, type } = book.catalog.features.get(hold.featureCode)!;
  const step = whole || type === 'switch' ? 1_000_000n : 1n;
  const wanted =
    sixths === 'affordable'
      ? hold.amount + affordable(book, hold.featureCode, now)
      : (hold.amount * BigInt(sixths)) / 6n;
  const amount = (wanted / step) * step + BigInt(plus) * step;
  if (amount > LARGEST) return LARGEST;
  return amount < 0n ? 0n : amount;
}

const LARGEST = 1_000_000_000_000_000n; // an amount of one request

function amountOf(size: Size, whole: boolean, book: Book, feature: string, now: number): bigint {
  const step = whole ? 1_000_000n : 1n;
  const wanted = () => {
    switch (size.of) {
      case 'fixed':
        return (BigInt(size.micros) / step) * step;
      case 'allowance':
        return (allowance(book, feature, now)?.remaining ?? 0n) + BigInt(size.plus) * step;
      case 'affordable':
        return affordable(book, feature, now) + BigInt(size.plus) * step;
      case 'balance':
        return (balance(book, now) / step) * step + BigInt(size.plus) * step;
    }
  };
  const amount = wanted();
  if (amount > LARGEST) return LARGEST;
  return amount < step ? step : amount;
}

function expiryOf(expiry: Expiry, book: Book, now: number): number | null {
  if ('in' in expiry) return expiry.in === null ? null : now + expiry.in;
  // The same instant as another grant's: then the older one goes first.
  const others = allGrants(book, now);
  return others.length === 0 ? null : others[expiry.like % others.length]!.expiresAt;
}

/** When a wait is over: never before now. */
export function waitedUntil(wait: Wait, books: readonly Book[], now: number): number {
  if ('for' in wait) return now + wait.for;
  const book = books[wait.workspace]!;
  const moment = () => {
    switch (wait.until) {
      case 'reset':
        return allowance(book, wait.feature, now)?.resetsAt;
      case 'expiry':
        return spendable(book, now).find((grant) => grant.expiresAt !== null)?.expiresAt;
      case 'hold': {
        const hold = openHolds(book).at(-1);
        return hold && progressOf(book, hold).expiresAt;
      }
      case 'end': {
        const last = book.facts.findLast((fact) => fact.type === 'subscribed');
        return last?.type === 'subscribed' ? last.subscription?.endDate : null;
      }
    }
  };
  return Math.max(now, (moment() ?? now) + wait.plus);
}

export function subscriptionOf(command: SubscriptionCommand, book: Book, now: number): Subscription {
  const last = book.facts.findLast((fact) => fact.type === 'subscribed');
  const before = last?.type === 'subscribed' ? last.subscription : null;
  const { plan, status, startedBefore, endsAfter } = command;
  const startDate = startedBefore === null ? (before?.startDate ?? now) : now - startedBefore;
  const endDate = Math.max(startDate, now + endsAfter);
  return { plan, status, startDate, endDate, allowanceAnchor: null, graceUntil: null, cancelAt: null };
}
