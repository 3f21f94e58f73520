import type pg from 'pg';
import { assertBooksBalance } from '../../test/books.ts';
import type { Client } from '../../test/client.ts';
import { type Operation, type Workload, withoutRequestId } from './workload.ts';

export type Verdict = {
  acknowledged: number;
  retried: number;
  /** Asked without a key and never answered, and how many of those were done. */
  unknown: number;
  kept: number;
  lost: number;
  doubled: number;
  /** Promises that were broken, in words. */
  broken: string[];
};

type Kept = { id: string; tag: string; key: string | null };

/** Compares what was asked and answered in a round with what the database holds. */
export async function checkRound(workload: Workload, client: Client, pool: pg.Pool): Promise<Verdict> {
  const operations = workload.asked.flatMap((asked) => asked.operations);
  // A hold has no description; its page is its tag, or its key tells.
  const { rows } = await pool.query<Kept>(
    `select d.id, tag, "idempotencyKey" as key
    from unnest($1::text[], $2::text[]) as asked(tag, asked_key)
    join "Decision" d
      on reasons ->> 'description' = tag or operation = 'HOLD' and reasons #>> '{ai,pageId}' = tag
        or operation in ('SETTLE', 'RELEASE') and "idempotencyKey" = asked_key`,
    [operations.map(({ tag }) => tag), operations.map(({ key }) => key)],
  );
  const kept = Map.groupBy(rows, ({ tag }) => tag);
  const unknown = operations.filter(({ outcome }) => outcome.type === 'unknown');
  const verdict: Verdict = {
    acknowledged: operations.filter(({ outcome }) => outcome.type === 'acknowledged').length,
    retried: workload.retried,
    unknown: unknown.length,
    kept: unknown.filter(({ tag }) => kept.has(tag)).length,
    ...{ lost: 0, doubled: 0, broken: [] },
  };
  for (const operation of operations) judge(operation, kept.get(operation.tag) ?? [], verdict);
  await askAgain(workload, client, verdict);
  await audit(client, pool, verdict);
  return verdict;
}

function judge({ tag, key, outcome }: Operation, kept: Kept[], verdict: Verdict): void {
  if (outcome.type === 'unexpected') verdict.broken.push(`${tag}: ${outcome.what}`);
  if (outcome.type === 'open') verdict.broken.push(`${tag} came to no end`);
  if (kept.length > 1) {
    verdict.doubled++;
    verdict.broken.push(`${tag} was done ${kept.length} times`);
  }
  if (outcome.type !== 'acknowledged') return;
  if (kept.length === 0) {
    verdict.lost++;
    verdict.broken.push(`${tag} was acknowledged and is lost`);
  } else if (kept[0]!.key !== key || (outcome.id !== null && kept[0]!.id !== outcome.id)) {
    verdict.broken.push(`${tag} was answered as ${outcome.id} and kept as ${kept[0]!.id}`);
  }
}

/** A repeat gets the first answer, before the kill or after it, and is not done again. */
async function askAgain({ asked }: Workload, client: Client, verdict: Verdict): Promise<void> {
  const before = await client.get('/v1/audit');
  const withKeys = asked.filter(({ key, answer }) => key !== null && answer !== null).slice(-REPEATS_MAX);
  await Promise.all(
    withKeys.map(async ({ path, body, key, answer }) => {
      const again = await client.post(path, body, key!);
      if (withoutRequestId(again.text) !== answer || again.headers.get('idempotency-replayed') !== 'true') {
        verdict.broken.push(`${key}: answered ${answer} first, and ${again.text} again`);
      }
    }),
  );
  const after = await client.get('/v1/audit');
  if (JSON.stringify(counts(before.body)) !== JSON.stringify(counts(after.body))) {
    verdict.broken.push('repeats have changed something');
  }
}

/** The last ones of a round, which are those around the kill and after it. */
const REPEATS_MAX = 300;

function counts({ checks }: { checks: { name: string; checked: number }[] }): [string, number][] {
  return checks.map(({ name, checked }) => [name, checked]);
}

async function audit(client: Client, pool: pg.Pool, verdict: Verdict): Promise<void> {
  const { body } = await client.get('/v1/audit');
  if (!body.ok) {
    const failed = body.checks.filter(({ ok }: { ok: boolean }) => !ok);
    verdict.broken.push(`the audit is not clean: ${JSON.stringify(failed)}`);
  }
  await assertBooksBalance(pool).catch((error: Error) => verdict.broken.push(error.message));
}
