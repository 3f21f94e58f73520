import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type pg from 'pg';
import { type TestDatabase, testDatabase } from '../../test/database.ts';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { parseCatalog } from '../catalog/parse.ts';
import { openPool } from '../db/pool.ts';
import { systemClock } from '../lib/clock.ts';
import type { Refusal } from '../lib/errors.ts';
import { type Asked, createEngine, ENGINE_CONNECTIONS_MAX, ENGINE_SETTINGS, type Engine } from './engine.ts';

const catalog = parseCatalog(sampleConfig());

/** Half a credit each, and no allowance. */
const call = (workspaceId: string, more: Partial<Asked> = {}): Asked =>
  ({
    type: 'USE',
    workspaceId,
    featureCode: 'api.calls',
    amount: 1_000_000n,
    description: null,
    ai: null,
    idempotency: null,
    ...more,
  }) as Asked;

const grant = (workspaceId: string, credits: bigint): Asked => ({
  type: 'GRANT',
  workspaceId,
  amount: credits * 1_000_000n,
  grantType: 'PROMOTION',
  priority: 50,
  expiresAt: null,
  description: 'Test',
  creditRecordId: null,
  idempotency: null,
});

suite('the engine', () => {
  let database: TestDatabase;
  let enginePool: pg.Pool;
  let engine: Engine;
  const reports: string[] = [];

  before(async () => {
    database = await testDatabase();
    enginePool = openPool(database.url, {
      max: ENGINE_CONNECTIONS_MAX,
      name: 'engine',
      settings: ENGINE_SETTINGS,
    });
    engine = createEngine({
      pool: enginePool,
      catalog,
      clock: systemClock,
      report: (message) => reports.push(message),
    });
  });

  after(async () => {
    await enginePool.end();
    await database.drop();
  });

  async function workspaceWith(id: string, credits: bigint): Promise<string> {
    await database.pool.query('insert into "Workspace" (id, name) values ($1, $1)', [id]);
    await engine.submit(grant(id, credits));
    return id;
  }

  async function balanceOf(workspaceId: string): Promise<string> {
    const { rows } = await database.pool.query('select balance from "Credit" where "workspaceId" = $1', [
      workspaceId,
    ]);
    return rows[0].balance;
  }

  test('makes the wallet of a workspace that the host has written itself', async () => {
    await database.pool.query(`insert into "Workspace" (id, name) values ('bare', 'Bare')`);
    assert.equal((await engine.state('bare')).wallet.balance, 0n);
    assert.equal(await balanceOf('bare'), '0.000000');
  });

  test('refuses a workspace that does not exist, for reading and for writing', async () => {
    await assert.rejects(engine.state('nowhere'), { code: 'workspace_not_found' });
    await assert.rejects(engine.submit(call('nowhere')), { code: 'workspace_not_found' });
  });

  test('sees at once what another engine has written', async () => {
    const id = await workspaceWith('shared', 1n);
    const other = createEngine({ pool: enginePool, catalog, clock: systemClock, report: () => {} });
    await engine.state(id);
    await other.submit(call(id));
    assert.equal((await engine.state(id)).wallet.balance, 500_000n);
    const { decision } = await engine.submit(call(id));
    assert.deepEqual([decision.code, decision.reasons.balance], [null, 0]);
  });

  test('sees at once that somebody has changed the subscription', async () => {
    const id = await workspaceWith('upgraded', 0n + 1n);
    assert.equal((await engine.submit(call(id))).decision.plan, 'FREE');
    await database.pool.query(
      `insert into "Subscription" (id, "paymentPlatform", "subscriptionId", status, "workspaceId", plan, "startDate", "endDate")
       values ('s', 'STRIPE', 'sub_1', 'ACTIVE', $1, 'ENTERPRISE', now() - interval '1 day', now() + interval '1 day')`,
      [id],
    );
    const { decision } = await engine.submit(call(id));
    assert.deepEqual([decision.plan, decision.creditCost], ['ENTERPRISE', 0n]);
  });

  test('two hundred uses through three engines spend a balance for fifty exactly', async () => {
    const id = await workspaceWith('contended', 25n);
    const engines = [
      engine,
      ...[1, 2].map(() => createEngine({ pool: enginePool, catalog, clock: systemClock, report: () => {} })),
    ];
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => engines[i % 3]!.submit(call(id))),
    );
    assert.equal(answers.filter(({ decision }) => decision.code === null).length, 50);
    assert.equal(await balanceOf(id), '0.000000');
  });

  test('a workspace that cannot be written fails alone', async () => {
    const sound = await workspaceWith('sound', 10n);
    const broken = await workspaceWith('broken', 10n);
    // The state that the engine loads is not one that the database accepts back.
    await database.pool.query('alter table "Credit" drop constraint "Credit_identity_check"');
    await database.pool.query(
      `update "Credit" set total = 11, version = version + 1 where "workspaceId" = $1`,
      [broken],
    );
    await database.pool.query(
      `alter table "Credit" add constraint "Credit_identity_check" check (balance = total - "totalUsage" - expired - "clawedBack") not valid`,
    );
    const outcomes = await Promise.allSettled(
      [broken, sound, broken, sound].map((id) => engine.submit(call(id))),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(await balanceOf(sound), '9.000000');
    assert.equal(await balanceOf(broken), '10.000000');
    assert.ok(reports.length > 0);
  });

  test('keys and descriptions of any kind, many in one batch, are kept as they are', async () => {
    const texts = [
      '"',
      '\\',
      '\\"',
      '{}',
      '{"a":"b"}',
      ',',
      'NULL',
      'null',
      ' ',
      '\n',
      "'",
      '$1',
      '%',
      'clé 語 🙂',
      '(1,2)',
    ];
    const ids = ['a"b', 'c\\d', 'e,f{g}'];
    for (const id of ids) await workspaceWith(id, 1000n);
    const asked = ids.flatMap((id) =>
      texts.map((text) =>
        call(id, { description: text, idempotency: { key: `${id} ${text}`, fingerprint: text } }),
      ),
    );
    const answers = await Promise.all(asked.map((operation) => engine.submit(operation)));
    const repeats = await Promise.all(asked.map((operation) => engine.submit(operation)));
    const ofAnswers = answers.map(({ decision }) => decision.id);
    assert.deepEqual(
      repeats.map(({ decision, replayed }) => [decision.id, replayed]),
      ofAnswers.map((id) => [id, true]),
    );
    const { rows } = await database.pool.query(
      `select d."workspaceId", d."idempotencyKey" as key, d.fingerprint, u.description
       from "Decision" d join "CreditUsage" u using (id) where id = any($1) order by array_position($1, id)`,
      [ofAnswers],
    );
    assert.deepEqual(
      rows,
      ids.flatMap((workspaceId) =>
        texts.map((text) => ({
          ...{ workspaceId, key: `${workspaceId} ${text}`, fingerprint: text, description: text },
        })),
      ),
    );
  });

  test("a host's open transaction holds up its own workspace and no other", async () => {
    const held = await workspaceWith('held', 10n);
    const free = await workspaceWith('free', 10n);
    const host = await database.pool.connect();
    await host.query('begin');
    const inside = await engine.submitIn(host, call(held));
    assert.equal(inside.decision.reasons.balance, 9.5);

    const waiting = Promise.all([1, 2, 3].map(() => engine.submit(call(held))));
    for (let i = 0; i < 5; i++) await engine.submit(call(free));
    assert.equal(await balanceOf(held), '10.000000');

    await host.query('commit');
    host.release();
    assert.deepEqual(
      (await waiting).map(({ decision }) => decision.reasons.balance),
      [9, 8.5, 8],
    );
    assert.equal(await balanceOf(free), '7.500000');
  });

  test('an operation that cannot be written fails alone, in its own workspace, too', async () => {
    const id = await workspaceWith('poisoned', 10n);
    // A time that JavaScript writes with six digits of the year, which Postgres does not read.
    const poison = { ...grant(id, 1n), expiresAt: Date.UTC(10_000, 0, 1) } as Asked;
    const outcomes = await Promise.allSettled(
      [call(id), poison, call(id), call(id)].map((asked) => engine.submit(asked)),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
    assert.equal(await balanceOf(id), '8.500000');
  });

  /** Holds rows until it is told to let go; meanwhile the others use what is free. */
  async function whileHeld(rows: string, ids: readonly string[], work: () => Promise<void>): Promise<void> {
    const host = await database.pool.connect();
    await host.query('begin');
    await host.query(`select from ${rows} = any($1) for update`, [ids]);
    try {
      await work();
    } finally {
      await host.query('rollback');
      host.release();
    }
  }

  test('more workspaces that are held than there are lanes hold up no other', async () => {
    const held = await Promise.all(Array.from({ length: 9 }, (_, i) => workspaceWith(`held_${i}`, 10n)));
    const free = await workspaceWith('free_of_many', 10n);
    let waiting: Promise<unknown> = Promise.resolve();
    let answered = 0;
    await whileHeld('"Credit" where "workspaceId"', held, async () => {
      waiting = Promise.all(held.map((id) => engine.submit(call(id)).then(() => answered++)));
      for (let i = 0; i < 10; i++) await engine.submit(call(free));
      await engine.state(free);
      assert.equal(answered, 0);
    });
    await waiting;
    for (const id of held) assert.equal(await balanceOf(id), '9.500000');
    assert.equal(await balanceOf(free), '5.000000');
  });

  test('a row that somebody holds beside the wallet holds up its own workspace and no other', async () => {
    const held = await workspaceWith('held_beside', 10n);
    const free = await workspaceWith('free_beside', 10n);
    let waiting: Promise<unknown> = Promise.resolve();
    let isAnswered = false;
    await whileHeld('"Workspace" where id', [held], async () => {
      waiting = engine.submit(call(held)).then(() => {
        isAnswered = true;
      });
      for (let i = 0; i < 10; i++) await engine.submit(call(free));
      assert.equal(isAnswered, false);
    });
    await waiting;
    assert.equal(await balanceOf(held), '9.500000');
    assert.equal(await balanceOf(free), '5.000000');
  });

  test('a workspace with too much waiting is turned away, and the others are not', async () => {
    const held = await workspaceWith('overrun', 10_000n);
    const free = await workspaceWith('free_of_it', 10n);
    const refused: unknown[] = [];
    await whileHeld('"Credit" where "workspaceId"', [held], async () => {
      const flood = Array.from({ length: 25_000 }, () =>
        engine.submit(call(held)).catch((error) => refused.push(error)),
      );
      void Promise.all(flood);
      await engine.submit(call(free));
    });
    await engine.idle();
    assert.ok(refused.length >= 15_000);
    for (const error of refused) assert.equal((error as Refusal).code, 'rate_limited');
    assert.equal(await balanceOf(held), (10_000 - (25_000 - refused.length) / 2).toFixed(6));
    assert.equal(await balanceOf(free), '9.500000');
  });

  test('what a host rolls back has not happened', async () => {
    const id = await workspaceWith('undone', 10n);
    const idempotency = { key: 'undone-1', fingerprint: 'x' };
    const host = await database.pool.connect();
    await host.query('begin');
    await engine.submitIn(host, call(id, { idempotency }));
    await host.query('rollback');
    host.release();
    const { decision, replayed } = await engine.submit(call(id, { idempotency }));
    assert.deepEqual([replayed, decision.reasons.balance], [false, 9.5]);
  });

  test("a key used inside a host's transaction is answered again outside", async () => {
    const id = await workspaceWith('repeated', 10n);
    const idempotency = { key: 'repeated-1', fingerprint: 'x' };
    const host = await database.pool.connect();
    await host.query('begin');
    const first = await engine.submitIn(host, call(id, { idempotency }));
    const again = await engine.submitIn(host, call(id, { idempotency }));
    await host.query('commit');
    host.release();
    const outside = await engine.submit(call(id, { idempotency }));
    assert.deepEqual([first.replayed, again.replayed, outside.replayed], [false, true, true]);
    assert.deepEqual(outside.decision, first.decision);
    await assert.rejects(engine.submit(call(id, { idempotency: { ...idempotency, fingerprint: 'y' } })), {
      code: 'idempotency_conflict',
    });
  });

  test('connections that are cut while it writes lose nothing and double nothing', async () => {
    const id = await workspaceWith('cut', 1_000_000n);
    let cuts = 0;
    const cutter = (async () => {
      for (; cuts < 8; cuts++) {
        // Long enough for connections to come about on a busy machine.
        await new Promise((resolve) => setTimeout(resolve, 30 + Math.random() * 60));
        await database.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and application_name = 'tollgate engine'`,
        );
      }
    })();
    let succeeded = 0;
    while (cuts < 8) {
      const answers = await Promise.all(Array.from({ length: 5 }, () => engine.submit(call(id))));
      succeeded += answers.filter(({ decision, replayed }) => decision.code === null && !replayed).length;
      assert.equal(succeeded % 5, 0);
    }
    await cutter;
    assert.equal(Number(await balanceOf(id)), 1_000_000 - succeeded / 2);
    const { rows } = await database.pool.query(
      `select count(*) from "CreditUsage" where "workspaceId" = $1`,
      [id],
    );
    assert.equal(Number(rows[0].count), succeeded);
  });

  test('a flood of repeats holds up nobody', async () => {
    const id = await workspaceWith('flooded', 100n);
    const idempotency = { key: 'flood', fingerprint: 'x' };
    await engine.submit(call(id, { idempotency }));
    let isOver = false;
    let repeats = 0;
    const flood = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!isOver) {
          assert.equal((await engine.submit(call(id, { idempotency }))).replayed, true);
          repeats++;
        }
      }),
    );
    for (let i = 0; i < 20; i++) assert.equal((await engine.submit(call(id))).replayed, false);
    isOver = true;
    await flood;
    assert.ok(repeats > 0);
    assert.equal(await balanceOf(id), '89.500000');
  });

  test("a host's transaction may be the first to use a workspace", async () => {
    await database.pool.query(`insert into "Workspace" (id, name) values ('first', 'First')`);
    const host = await database.pool.connect();
    await host.query('begin');
    await engine.submitIn(host, grant('first', 5n));
    await host.query('commit');
    host.release();
    assert.equal(await balanceOf('first'), '5.000000');
  });

  suite('a purchase that is reversed', () => {
    before(() =>
      database.pool.query(
        `insert into "PaymentUser" (id, "userId", email, "paymentPlatform") values ('pu', 'u', 'a@example.com', 'STRIPE')`,
      ),
    );

    async function purchaseOf(id: string, credits: bigint): Promise<string> {
      await workspaceWith(id, 1n);
      const creditRecordId = `crec_${id}`;
      await database.pool.query(
        `insert into "CreditRecord" (id, amount, type, "workspaceId", "paymentUserId") values ($1, $2, 'PURCHASE', $3, 'pu')`,
        [creditRecordId, String(credits), id],
      );
      await engine.submit({ ...grant(id, credits), grantType: 'PURCHASE', creditRecordId } as Asked);
      return creditRecordId;
    }

    async function clawBack(workspaceId: string, creditRecordId: string, credits: bigint, end = 'commit') {
      const client = await database.pool.connect();
      try {
        await client.query('begin');
        const asked = { workspaceId, purchaseId: creditRecordId, amount: credits * 1_000_000n };
        const decision = await engine.clawBackIn(client, asked);
        await client.query(end);
        return decision;
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    }

    test('is taken back once, however often and at once it is asked for, while others spend', async () => {
      const id = 'reversed';
      const record = await purchaseOf(id, 100n);
      const [decisions] = await Promise.all([
        Promise.all(Array.from({ length: 20 }, () => clawBack(id, record, 60n))),
        Promise.all(Array.from({ length: 40 }, () => engine.submit(call(id)))),
      ]);
      assert.equal(decisions.filter((decision) => decision !== null).length, 1);
      assert.equal(await balanceOf(id), '21.000000');
      // The older gift paid for one, the purchase for nineteen.
      assert.equal((await clawBack(id, record, 100n))?.reasons.debts?.[0]?.amount, 19);
      assert.equal(await balanceOf(id), '0.000000');
    });

    test('and rolled back, is as it was', async () => {
      const id = 'reversed-undone';
      const record = await purchaseOf(id, 10n);
      assert.notEqual(await clawBack(id, record, 10n, 'rollback'), null);
      assert.equal(await balanceOf(id), '11.000000');
      assert.notEqual(await clawBack(id, record, 10n), null);
      assert.equal(await balanceOf(id), '1.000000');
    });

    test('is one of its own workspace', async () => {
      const record = await purchaseOf('reversed-owner', 10n);
      await workspaceWith('reversed-other', 10n);
      await assert.rejects(clawBack('reversed-other', record, 10n), /is decided with the purchase/);
      assert.equal(await balanceOf('reversed-owner'), '11.000000');
    });
  });

  test('is idle when all has been answered', async () => {
    const id = await workspaceWith('idle', 1n);
    const pending = engine.submit(call(id));
    assert.equal(engine.backlog(), 1);
    const order: string[] = [];
    // Whoever was answered may go on and read, before what it reads with is closed.
    const answered = pending.then(() => order.push('answered'));
    const idle = engine.idle().then(() => order.push('idle'));
    await Promise.all([idle, answered]);
    assert.deepEqual(order, ['answered', 'idle']);
    assert.equal(engine.backlog(), 0);
  });
});
