import type { Call } from '../../examples/provider.ts';
import { assertBooksBalance } from '../../test/books.ts';
import { type Decided, type HeldStream, isEqual, judge, pointsOf, type Tokens } from './judge.ts';
import { planOf, TAG, tokensOf } from './plan.ts';
import type { Site, Worker } from './site.ts';
import type { Told } from './worker.ts';

export type Verdict = {
  streams: number;
  /** Nothing was held of them. */
  refused: number;
  /** How the holds ended: by their streams, or by themselves. */
  settled: number;
  released: number;
  expired: number;
  reports: number;
  /** Asked, and never answered. */
  unanswered: number;
  /** Tokens that streams were sent that expired, and that were charged for them. */
  sentTokens: number;
  chargedTokens: number;
  /** What workspaces have to be charged for these streams. */
  points: Map<string, number>;
  /** Promises that were broken, in words. */
  broken: string[];
};

type Held = Omit<HeldStream, 'asked'> & { id: string; tag: string; workspaceId: string };

/** A stream as everybody knows it who had to do with it. */
type Known = { tag: string; told: Told | undefined; calls: Call[]; held: Held[]; end: Decided | null };

/** Compares what Tollgate has kept of a worker's streams with what the witness, the provider and the worker saw. */
export async function checkStreams(site: Site, worker: Worker, isFinished: boolean): Promise<Verdict> {
  const verdict: Verdict = {
    ...{ streams: 0, refused: 0, settled: 0, released: 0, expired: 0, reports: 0, unanswered: 0 },
    ...{ sentTokens: 0, chargedTokens: 0, points: new Map(), broken: [] },
  };
  const held = Map.groupBy(await readHeld(site, worker), ({ tag }) => tag);
  const calls = Map.groupBy(site.provider.calls, ({ body }) => TAG.exec(JSON.stringify(body))![0]);
  const taken = site.witness.taken(worker.prefix).map(({ tag }) => tag);
  const called = [...calls.keys()].filter((tag) => tag.startsWith(worker.prefix));
  for (const tag of new Set([...worker.told.keys(), ...taken, ...called, ...held.keys()])) {
    const told = worker.told.get(tag);
    const known: Known = { tag, told, calls: calls.get(tag) ?? [], held: held.get(tag) ?? [], end: null };
    verdict.streams++;
    if (known.held.length === 0) verdict.refused++;
    for (const one of known.held) known.end = judgeHeld(site, one, verdict);
    const wrong = ofStream(known, isFinished);
    if (taken.includes(tag) && known.held.length === 0) wrong.push('its hold was answered, and is lost');
    if (known.end?.operation === 'SETTLE' && known.end.key === null) count(known, verdict);
    verdict.broken.push(...wrong.map((what) => `${tag}: ${what} (${JSON.stringify(told)})`));
  }
  await audit(site, verdict);
  return verdict;
}

function judgeHeld({ witness }: Site, held: Held, verdict: Verdict): Decided | null {
  const asked = witness.asked(held.id);
  const { end, broken } = judge({ ...held, asked });
  verdict.broken.push(...broken.map((what) => `${held.tag}: ${what}`));
  verdict.reports += asked.filter(({ verb }) => verb === 'progress').length;
  verdict.unanswered += asked.filter(({ outcome }) => outcome === 'lost').length;
  if (end === null) return null;
  verdict[end.key === null ? 'expired' : end.operation === 'SETTLE' ? 'settled' : 'released']++;
  const points = end.operation === 'SETTLE' ? end.points : 0;
  verdict.points.set(held.workspaceId, (verdict.points.get(held.workspaceId) ?? 0) + points);
  return end;
}

function count({ calls, end }: Known, verdict: Verdict): void {
  verdict.sentTokens += calls.reduce((sum, call) => sum + sentBy(call), 0);
  if (end!.points + end!.shortfall > 0) verdict.chargedTokens += end!.tokens?.output ?? 0;
}

function sentBy({ body, sent }: Call): number {
  const { provider } = planOf(TAG.exec(JSON.stringify(body))![0]);
  return tokensOf(provider.pieces!.slice(0, sent));
}

/** What was charged is what the stream was, as its reader and its provider know. */
function ofStream({ tag, told, calls, held, end }: Known, isFinished: boolean): string[] {
  const { provider, leave } = planOf(tag);
  const broken: string[] = [];
  if (held.length > 1) broken.push(`${held.length} holds were taken for it`);
  if (calls.length > 1) broken.push(`its provider was asked ${calls.length} times`);
  if (calls.length > held.length) broken.push('its provider worked, and nothing was held');
  const isSettled = end?.operation === 'SETTLE' && end.key !== null;
  const points = end?.operation === 'SETTLE' ? end.points + end.shortfall : 0;
  if (told?.end === 'refused' && (points > 0 || calls.length > 0)) broken.push(`it was refused, and worked`);
  if (provider.status !== undefined && points > 0) broken.push(`its provider refused, and it is charged`);
  if (told?.end === 'whole' && isSettled) {
    const wanted = wholeOf(provider, end.tokens);
    if (!isEqual(wanted, end.tokens))
      broken.push(`it came to ${JSON.stringify(wanted)}, and is charged otherwise`);
  }
  const sent = calls.reduce((sum, call) => sum + sentBy(call), 0);
  const isCounted = points > 0 && !isEqual(wholeOf(provider, end!.tokens), end!.tokens);
  if (isCounted && (end!.tokens?.output ?? 0) > sent) {
    broken.push(`it is charged for ${end!.tokens?.output} tokens, and ${sent} were sent`);
  }
  const refusals = told?.failures.filter((failure) => /^\w+: \w+$/.test(failure)) ?? [];
  if (isSettled && refusals.length > 0)
    broken.push(`it was settled, and its worker was told ${refusals.join(', ')}`);
  if (!isFinished) return broken;
  const isForgotten = leave?.by === 'silence';
  if (end !== null && end.key === null && points > 0 && !isForgotten)
    broken.push('it expired while its worker lived');
  if (told?.end === 'whole' && !isSettled && pointsOf(wholeOf(provider, { input: 1 })) > 0) {
    broken.push('it came to its end, and was not settled');
  }
  return broken;
}

/** What a whole answer comes to: as its provider says, or, where that says nothing, as it was counted. */
function wholeOf({ usage, pieces }: ReturnType<typeof planOf>['provider'], counted: Tokens | null): Tokens {
  if (usage == null) return { input: counted?.input ?? 0, output: tokensOf(pieces!) };
  const { input: read, cachedInput = 0, output, reasoning = 0 } = usage;
  return { input: read - cachedInput, cachedInput, output: output - reasoning, reasoning };
}

/** Once all is over, every workspace has paid for its streams and for nothing else, and nothing is held of it. */
export async function checkWallets({ pool }: Site, points: Map<string, number>): Promise<string[]> {
  const { rows } = await pool.query<Wallet>(
    `select
      w.id,
      coalesce((select sum(used) from "FeatureUsage" where "workspaceId" = w.id), 0)::float as free,
      coalesce(c.total, 0)::float as total,
      coalesce(c.balance, 0)::float as balance,
      coalesce(c.held, 0)::float as held,
      (select count(*) from "Hold" where "workspaceId" = w.id and status = 'HELD')::int4 as open
    from "Workspace" w
    left join "Credit" c on c."workspaceId" = w.id`,
  );
  return rows.flatMap(({ id, free, total, balance, held, open }) => {
    const paid = (points.get(id) ?? 0) - free;
    const isRight = paid >= 0 && balance === total - paid * CREDITS_PER_POINT && held === 0 && open === 0;
    const found = `${free} free points, ${balance} of ${total} credits left, ${held} held by ${open} holds`;
    return isRight ? [] : [`${id} was charged ${points.get(id) ?? 0} points: ${found}`];
  });
}

type Wallet = { id: string; free: number; total: number; balance: number; held: number; open: number };

/** Of the tests' catalog. */
const CREDITS_PER_POINT = 0.5;

async function readHeld({ pool }: Site, { prefix, workspaces }: Worker): Promise<Held[]> {
  const { rows } = await pool.query<Held>(
    `select
      h.id, h."pageId" as tag, h."workspaceId", h.status, h."endedBy", h."settledAmount"::float,
      coalesce((
        select json_agg(json_build_object(
          'id', d.id, 'operation', d.operation, 'key', d."idempotencyKey",
          'points', d.amount, 'shortfall', coalesce((d.reasons ->> 'shortfall')::numeric, 0),
          'tokens', d.reasons #> '{ai,work,tokens}'
        ) order by (d.reasons ->> 'at') nulls first, d.id)
        from "Decision" d
        where d."workspaceId" = h."workspaceId" and d.reasons #>> '{hold,id}' = h.id and d.operation <> 'HOLD'
      ), '[]') as decided,
      coalesce((
        select json_agg(json_build_object('id', a.id, 'points', a.points))
        from "AIUsage" a
        where a."workspaceId" = h."workspaceId" and a."pageId" = h."pageId"
      ), '[]') as usages
    from "Hold" h
    where h."workspaceId" = any($1) and starts_with(h."pageId", $2)`,
    [workspaces, prefix],
  );
  return rows;
}

async function audit({ server, pool }: Site, { broken }: Verdict): Promise<void> {
  const { body } = await server!.get('/v1/audit');
  if (!body.ok) {
    broken.push(
      `the audit is not clean: ${JSON.stringify(body.checks.filter(({ ok }: { ok: boolean }) => !ok))}`,
    );
  }
  await assertBooksBalance(pool).catch((error: Error) => broken.push(error.message));
}
