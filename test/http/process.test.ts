import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { openPool } from '../../src/db/pool.ts';
import { createClient } from '../client.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import {
  type DataDir,
  isAlive,
  makeDataDir,
  runServer,
  SECRET_KEY,
  startServer,
  type TestServer,
} from '../server.ts';

let dataDir: DataDir;
let folder: string;

before(() => {
  dataDir = makeDataDir();
  folder = mkdtempSync(join(tmpdir(), 'tollgate-process-'));
});

after(() => {
  dataDir.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that does not outlive its test. */
async function start(t: TestContext, env: Record<string, string | undefined> = {}): Promise<TestServer> {
  const server = await startServer({ dataDir: dataDir.path, env });
  t.after(() => server.stop());
  return server;
}

test('the first start shows a key once, and three lines that work when pasted', async (t) => {
  const server = await start(t, { TOLLGATE_SECRET_KEY: undefined, TOLLGATE_CONFIG: undefined });
  const output = server.output();
  const key = / (tg_sk_\S+)$/m.exec(output)?.[1];
  assert.ok(key !== undefined, output);
  assert.ok(output.includes(server.url));

  const lines = output.split('\n').filter((line) => line.trimStart().startsWith('curl '));
  assert.equal(lines.length, 3);
  const answers = [];
  for (const line of lines)
    answers.push(JSON.parse((await promisify(execFile)('bash', ['-c', line])).stdout));
  const [created, used, seen] = answers;
  assert.equal(created.id, seen.id);
  assert.equal(used.status, 'SUCCEEDED');
  const feature = seen.features.find(
    (each: { featureCode: string }) => each.featureCode === used.featureCode,
  );
  assert.equal(feature.used, used.amount);
  assert.equal(feature.remaining, used.remaining);

  assert.equal(await server.stop('SIGINT'), 0);
  assert.equal(server.errors(), '');
  assertNothingRuns();

  const again = await start(t, { TOLLGATE_SECRET_KEY: undefined, TOLLGATE_CONFIG: undefined });
  const client = createClient(again.url, key);
  assert.deepEqual(
    (await client.get(`/v1/workspaces/${seen.id}`)).body,
    seen,
    'a second start keeps the data',
  );
  assert.doesNotMatch(again.output(), /tg_sk_/);
  assert.equal(await again.stop(), 0);
  const stored = readFileSync(join(dataDir.path, 'postgres.log'), 'utf8') + again.errors();
  assert.ok(!stored.includes(key), 'the key is kept nowhere');
});

function assertNothingRuns(): void {
  const pid = dataDir.postgresPid();
  assert.ok(pid === undefined || !isAlive(pid), `Postgres runs as ${pid}`);
}

describe('asked to stop under load, it finishes what it has accepted and ends with 0', () => {
  const asks: [name: string, signals: NodeJS.Signals[]][] = [
    ['SIGTERM', ['SIGTERM']],
    ['Ctrl-C under npm, which arrives twice', ['SIGINT', 'SIGINT']],
  ];
  for (const [name, signals] of asks) {
    test(name, async (t) => {
      const server = await start(t);
      const workspaces = await Promise.all(Array.from({ length: 8 }, () => server.workspace()));
      const acknowledged: string[] = [];
      let refused = 0;
      const workers = workspaces.map(async (id, i) => {
        for (;;) {
          const answer = await server
            .use(id, 'unlimited', 1, `${name} ${i} ${acknowledged.length}`)
            .catch(() => null);
          if (answer === null) return; // nobody listens any more
          if (answer.status === 200) acknowledged.push(answer.body.id);
          else refused++;
          if (acknowledged.length === 200) for (const signal of signals) process.kill(server.pid, signal);
        }
      });
      assert.equal(await server.ended, 0);
      await Promise.all(workers);
      assert.equal(refused, 0, 'every request was either accepted, or not heard');
      assert.equal(server.errors(), '');
      assertNothingRuns();
      assert.ok(acknowledged.length >= 200);

      const next = await start(t);
      const pool = openPool(dataDir.databaseUrl(), { max: 1, name: 'test' });
      const { rows } = await pool.query('select id from "Decision" where id = any($1)', [acknowledged]);
      await pool.end();
      assert.equal(rows.length, acknowledged.length, 'everything that was answered is there');
      assert.equal((await next.get('/v1/audit')).body.ok, true);
      assert.equal(await next.stop(), 0);
    });
  }

  test('a client that has sent half a request holds nothing up', async (t) => {
    const server = await start(t);
    const socket = await openSocket(server.url);
    socket.write(
      `POST /v1/usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SECRET_KEY}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    );
    await server.get('/healthz');
    assert.equal(await server.stop(), 0);
    socket.destroy();
    assertNothingRuns();
  });
});

async function openSocket(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

describe('what a person can mend is one line on stderr and exit code 1', { concurrency: 2 }, () => {
  let database: TestDatabase;
  let taken: Server;
  let takenPort: number;

  before(async () => {
    database = await testDatabase();
    taken = createServer((socket) => socket.end('this is no Postgres\n')).listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    takenPort = (taken.address() as { port: number }).port;
  });

  after(async () => {
    taken.close();
    await database.drop();
  });

  /** Each spoils one thing, and names what the line must say. */
  const cases: [name: string, env: () => Record<string, string | undefined>, says: RegExp][] = [
    ['a port in use', () => ({ PORT: String(takenPort) }), /PORT|[Pp]ort/],
    ['a host that is not ours', () => ({ HOST: '192.0.2.1' }), /HOST/],
    ['a DATABASE_URL that is no address', () => ({ DATABASE_URL: 'localhost' }), /DATABASE_URL/],
    ['a DATABASE_URL of another kind', () => ({ DATABASE_URL: 'mysql://localhost/x' }), /DATABASE_URL/],
    [
      'a DATABASE_URL where nobody listens',
      () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/x' }),
      /No database/,
    ],
    [
      'a DATABASE_URL with an unknown host',
      () => ({ DATABASE_URL: 'postgres://nowhere.invalid/x' }),
      /nowhere\.invalid/,
    ],
    [
      'a database that is not there',
      () => {
        const url = new URL(database.url);
        url.pathname = '/no_such_database';
        return { DATABASE_URL: url.href };
      },
      /no_such_database/,
    ],
    [
      'a user that is not there',
      () => {
        const url = new URL(database.url);
        url.searchParams.set('user', 'nobody_here');
        return { DATABASE_URL: url.href };
      },
      /nobody_here/,
    ],
    [
      'something else than Postgres',
      () => ({ DATABASE_URL: `postgres://127.0.0.1:${takenPort}/x` }),
      /database/i,
    ],
    ['a short TOLLGATE_SECRET_KEY', () => ({ TOLLGATE_SECRET_KEY: 'short' }), /TOLLGATE_SECRET_KEY/],
    [
      'a Stripe key without a webhook secret',
      () => ({ STRIPE_SECRET_KEY: 'sk_test_1' }),
      /STRIPE_WEBHOOK_SECRET/,
    ],
    [
      'a live Stripe key with the test clock',
      () => ({ STRIPE_SECRET_KEY: 'sk_live_1', STRIPE_WEBHOOK_SECRET: 'whsec_1', TOLLGATE_TEST_CLOCK: '1' }),
      /TOLLGATE_TEST_CLOCK/,
    ],
    ['no catalog', () => ({ TOLLGATE_CONFIG: join(folder, 'none.ts') }), /none\.ts/],
    ['a catalog that is no code', () => catalog('broken.ts', 'export default {'), /broken\.ts/],
    ['a catalog that throws', () => catalog('throws.ts', 'throw new Error("oh no")'), /throws\.ts.*oh no/],
    [
      'a catalog with a wrong price',
      () => changedCatalog('price.ts', 'creditsPerUnit: 0.333333', 'creditsPerUnit: -1'),
      /plans\.FREE\.features\.odd/,
    ],
    [
      'a catalog with an unknown feature',
      () => changedCatalog('feature.ts', 'paid: { allowance: 0', 'payed: { allowance: 0'),
      /plans\.FREE\.features\.payed/,
    ],
    [
      'a catalog with an unknown field',
      () => changedCatalog('field.ts', "currency: 'usd',", "currency: 'usd', curency: 'eur',"),
      /curency/,
    ],
  ];
  for (const [name, env, says] of cases) {
    test(name, async () => {
      const { code, output, errors } = await runServer({ databaseUrl: database.url, env: env() });
      assert.match(errors, /^tollgate: [^\n]+\n$/, 'one line');
      assert.match(errors, says);
      assert.equal(code, 1);
      assert.doesNotMatch(output, /ready/);
    });
  }

  test('a data folder of another version, of something else, or that cannot be made', async () => {
    const old = join(folder, 'old');
    mkdirSync(join(old, 'postgres'), { recursive: true });
    writeFileSync(join(old, 'postgres', 'PG_VERSION'), '14\n');
    const other = join(folder, 'other');
    mkdirSync(join(other, 'postgres'), { recursive: true });
    writeFileSync(join(other, 'postgres', 'diary.txt'), 'dear diary');
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const [path, says] of [
      [old, /Postgres 14/],
      [other, /something else/],
      [file, /data folder/],
      [join(file, 'below'), /data folder/],
    ] as const) {
      const { code, errors } = await runServer({ dataDir: path });
      assert.match(errors, /^tollgate: [^\n]+\n$/);
      assert.match(errors, says);
      assert.equal(code, 1);
    }
    assert.deepEqual(readdirSync(join(other, 'postgres')), ['diary.txt']);
  });

  test('a port in use leaves no Postgres running', async () => {
    const { code, errors } = await runServer({ dataDir: dataDir.path, env: { PORT: String(takenPort) } });
    assert.match(errors, /^tollgate: [^\n]+\n$/);
    assert.equal(code, 1);
    assertNothingRuns();
  });

  function catalog(name: string, content: string): Record<string, string> {
    const path = join(folder, name);
    writeFileSync(path, content);
    return { TOLLGATE_CONFIG: path };
  }

  function changedCatalog(name: string, from: string, to: string): Record<string, string> {
    const content = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'http.config.ts'), 'utf8');
    assert.ok(content.includes(from));
    return catalog(
      name,
      content
        .replace(/^import .*$/m, '')
        .replace(' satisfies CatalogConfig', '')
        .replace(from, to),
    );
  }
});
