// Plays a history to two engines on one Postgres and to the naive model. Requests of one step are asked at once; then
// the model is asked the same in the order in which Postgres says that they were decided, and must come to the same
// answers and the same rows.
import assert from 'node:assert/strict';
import type { Asked, Engine } from '../../src/engine/engine.ts';
import type { Decision } from '../../src/engine/operations.ts';
import { Refusal } from '../../src/lib/errors.ts';
import { type Book, fallsDue } from './book.ts';
import { catalogOf } from './catalogs.ts';
import type { Command, History, Route } from './histories.ts';
import { withEnds } from './holds.ts';
import { ask } from './naive.ts';
import { compareRows } from './rows.ts';
import {
  type Request as Asking,
  makeWorkspaces,
  openEngines,
  readDecided,
  type Stage,
  submit,
  subscribe,
  type Told,
} from './stage.ts';
import { compareAnswer, compareCredits, compareEnds, compareExpiry } from './told.ts';
import { askedBy, subscriptionOf, waitedUntil } from './turns.ts';

const WORKSPACES = 3;

type Table = {
  stage: Stage;
  engines: [Engine, Engine];
  books: Book[];
  now: number;
  step: number;
  /** The number of the last decision that the model has seen. */
  seen: number;
  /** All decisions that were kept, in the order they were made in, without expiries. */
  decisions: Decision[];
  /** What has been asked with a key, oldest first. */
  keyed: { request: Asked; route: Route; step: number }[];
};

type Request = { command: Command; asked: Asking; told: Told };

let stories = 0;

/** Plays a history; resolves to how many operations it had. */
export async function playDurable({ config, createdAt, steps }: History, stage: Stage): Promise<number> {
  const catalog = catalogOf(config);
  const story = ++stories;
  const ids = Array.from({ length: WORKSPACES }, (_, number) => `ws_${story}_${number}`);
  await makeWorkspaces(stage, ids, createdAt);
  const books = ids.map((workspaceId): Book => ({ workspaceId, createdAt, catalog, facts: [] }));
  const table: Table = {
    ...{ stage, engines: openEngines(stage, catalog, () => table.now), books, now: createdAt },
    ...{ step: 0, seen: 0, decisions: [], keyed: [] },
  };
  let operations = 0;
  for (const step of steps) {
    table.step++;
    switch (step.type) {
      case 'wait':
        table.now = waitedUntil(step.wait, books, table.now);
        break;
      case 'subscribe': {
        const book = books[step.workspace]!;
        const subscription = step.subscription && subscriptionOf(step.subscription, book, table.now);
        book.facts.push({ type: 'subscribed', at: table.now, subscription });
        await subscribe(stage, book.workspaceId, subscription);
        break;
      }
      case 'ask':
        operations += step.commands.length;
        await playAtOnce(step.commands, table);
    }
    await compareStates(table);
  }
  for (const book of books) await compareRows(stage.pool, book);
  return operations;
}

async function playAtOnce(commands: readonly Command[], table: Table): Promise<void> {
  const { stage, engines, books, now } = table;
  const earlier = new Map(table.decisions.flatMap((decision) => keyOf(decision, decision)));
  const expiring = books.map((book) => {
    const { book: ended, ends } = withEnds(book, 'later', now);
    return ends.length > 0 || fallsDue(book, ended, now).length > 0;
  });
  const asking = commands.map((command) => ({ command, asked: requestOf(command, table) }));
  const requests: Request[] = await Promise.all(
    asking.map(async ({ command, asked }) => ({
      ...{ command, asked, told: await submit(stage, engines, command.route, asked) },
    })),
  );
  const decided = await readDecided(
    stage,
    books.map((book) => book.workspaceId),
    table.seen,
  );
  replayToModel(
    decided.map(({ decision }) => decision),
    requests,
    table,
  );
  table.seen = Math.max(table.seen, ...decided.map(({ number }) => number));
  for (const request of requests) compareTold(request, earlier, table);
  const [only] = requests;
  if (requests.length === 1 && only !== undefined && 'expired' in only.told) {
    assert.equal(only.told.expired, expiring[only.command.workspace], 'whether anything had expired');
  }
}

/** What a command asks for, with its key: a new one, or an earlier one for the same request or for another. */
function requestOf(command: Command, { books, decisions, keyed, now, step }: Table): Asking {
  const book = books[command.workspace]!;
  const known = decisions.filter(({ workspaceId }) => workspaceId === book.workspaceId);
  const asked = askedBy(
    command,
    withEnds(book, 'later', now).book,
    known.map(({ id }) => id),
    now,
  );
  if (asked === 'expire') return { expire: book.workspaceId };
  if (asked.type === 'CLAW_BACK') return asked;
  const { key } = command;
  if (key.type === 'none') return asked;
  const earlier = 'which' in key ? keyed.at(-1 - key.which) : undefined;
  if (earlier !== undefined && key.type === 'repeat') return earlier.request;
  // Processes agree on a key under the lock of its workspace: at the same moment, only one of them can tell that it is
  // also used for another workspace.
  const isTellable =
    earlier?.step !== step ||
    earlier.request.workspaceId === book.workspaceId ||
    (earlier.route === 'first' && command.route === 'first');
  const name = (isTellable && earlier?.request.idempotency?.key) || `${book.workspaceId} ${keyed.length}`;
  const request = { ...asked, idempotency: { key: name, fingerprint: `fingerprint ${keyed.length}` } };
  keyed.push({ request, route: command.route, step });
  return request;
}

/** Asks the model what the engines have decided, in their order, and compares the answers. */
function replayToModel(decided: readonly Decision[], requests: readonly Request[], table: Table): void {
  const { books, now } = table;
  const answered = new Map<string, { request: Request; decision: Decision }>();
  for (const request of requests) {
    const { told } = request;
    if (!('decision' in told) || told.replayed || request.command.route === 'rollback') continue;
    answered.set(told.decision.id, { request, decision: told.decision });
  }
  for (const { id, all } of byOperation(decided)) {
    const { workspaceId } = all[0]!;
    const book = books.find((book) => book.workspaceId === workspaceId)!;
    const own = all.find((decision) => decision.id === id);
    const found = {
      ends: all.filter(({ reasons }) => reasons.at !== undefined),
      expiry: all.find((decision) => decision !== own && decision.operation === 'EXPIRE'),
    };
    if (own === undefined) {
      // What changes nothing by itself books only what had expired; so does a repeat that finds its hold so.
      const isAsked = requests.some(({ asked }) =>
        'expire' in asked
          ? asked.expire === workspaceId
          : asked.workspaceId === workspaceId && BOOKS_ALONE.includes(asked.type),
      );
      assert.ok(isAsked, 'somebody asked for what has expired');
      const answer = ask(book, { type: 'EXPIRE', id, workspaceId, idempotency: null }, now);
      compareEnds(found.ends, answer.ends);
      compareExpiry(found.expiry, answer.expired);
      continue;
    }
    const { request, decision: told } = answered.get(id) ?? assert.fail('a decision that nobody was told');
    assert.deepEqual(own, told, 'what is kept is what was answered');
    answered.delete(id);
    const answer = ask(book, { ...(request.asked as Exclude<Asking, { expire: string }>), id }, now);
    assert.equal(answer.kept, true);
    compareEnds(found.ends, answer.ends);
    compareExpiry(found.expiry, answer.expired);
    compareAnswer(own, answer);
    table.decisions.push(own);
  }
  assert.deepEqual([...answered.keys()], [], 'every answer was kept');
}

/** Decisions by the operation that they were made for, or that found them due, in their order. */
function byOperation(decided: readonly Decision[]): { id: string; all: Decision[] }[] {
  const groups = Map.groupBy(decided, ({ id }) => id.replace(/_(expiry|hold\d+)$/, ''));
  return [...groups].map(([id, all]) => ({ id, all }));
}

const BOOKS_ALONE = ['CLAW_BACK', 'PROGRESS', 'SETTLE', 'RELEASE'];

/** Compares what a request was told beside its own decision: refusals that leave no trace, and repeats. */
function compareTold({ asked, told }: Request, earlier: ReadonlyMap<string, Decision>, table: Table): void {
  if ('expire' in asked || 'expired' in told || 'nothing' in told || asked.type === 'CLAW_BACK') {
    if ('error' in told) throw told.error;
    return;
  }
  const key = asked.idempotency?.key;
  const kept = table.decisions.find((decision) => key !== undefined && decision.idempotency?.key === key);
  const isSame = kept?.idempotency?.fingerprint === asked.idempotency?.fingerprint;
  if ('decision' in told) {
    if (told.replayed)
      assert.deepEqual({ isSame, decision: told.decision }, { isSame: true, decision: kept });
    else assert.ok(key === undefined || !earlier.has(key), 'a key is used once');
    return;
  }
  if (!(told.error instanceof Refusal)) throw told.error;
  const { code } = told.error;
  if (code === 'idempotency_conflict') {
    assert.equal(kept !== undefined && !isSame, true, 'the key was used for another request');
    return;
  }
  assert.ok(key === undefined || !earlier.has(key), 'an earlier answer is given again');
  // What is refused without a trace stays refused: a refund that was made, a use that was none, an instant gone by.
  const book = table.books.find((book) => book.workspaceId === asked.workspaceId)!;
  const answer = ask({ ...book, facts: [...book.facts] }, { ...asked, id: 'op_again' }, table.now);
  // A hold may have been ended after somebody was told that a report is wrong.
  if (code === 'invalid_request' && answer.code === 'hold_not_open') return;
  assert.deepEqual({ code, kept: false }, { code: answer.code, kept: answer.kept });
}

async function compareStates({ engines, books, now }: Table): Promise<void> {
  for (const book of books) {
    for (const engine of engines)
      compareCredits(await engine.state(book.workspaceId), withEnds(book, 'later', now).book, now);
  }
}

function keyOf<T>(decision: Decision, value: T): [string, T][] {
  return decision.idempotency === null ? [] : [[decision.idempotency.key, value]];
}
