import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { makeDataDir, startServer, type TestServer } from '../../test/server.ts';
import { until } from '../../test/shop.ts';

/** Servers on one database, without a Stripe key; each names the folder that it has. */
async function useServers(t: TestContext) {
  const database = await testDatabase();
  t.after(() => database.drop());
  const folders = new Map<string, ReturnType<typeof makeDataDir>>();
  t.after(() => {
    for (const folder of folders.values()) folder.remove();
  });
  const start = async (name: string): Promise<TestServer> => {
    if (!folders.has(name)) folders.set(name, makeDataDir());
    const server = await startServer({ databaseUrl: database.url, dataDir: folders.get(name)!.path });
    t.after(() => server.stop());
    return server;
  };
  return { database, start, journals: (name: string) => readdirSync(folders.get(name)!.path) };
}

type Bought = { workspaceId: string; url: string };

async function buy(server: TestServer, workspaceId?: string): Promise<Bought> {
  const id = workspaceId ?? (await server.workspace());
  const answer = await server.post('/v1/checkout/credits', {
    workspaceId: id,
    user: { userId: id, email: `${randomUUID()}@example.com` },
    pack: 'small',
    successUrl: 'https://shop.test/thanks',
    cancelUrl: 'https://shop.test/cart',
  });
  assert.equal(answer.status, 201, answer.text);
  return { workspaceId: id, url: answer.body.url };
}

async function pay({ url }: Bought): Promise<number> {
  const body = new URLSearchParams({ pay_with: '4242424242424242' });
  return (await fetch(url, { method: 'POST', body, redirect: 'manual' })).status;
}

async function assertGranted(server: TestServer, { workspaceId }: Bought): Promise<void> {
  const balance = async () => (await server.get(`/v1/workspaces/${workspaceId}`)).body.credit.balance;
  await until(async () => (await balance()) > 0);
  assert.equal(await balance(), 1000);
  const { body } = await server.get(`/v1/credits/grants?workspaceId=${workspaceId}`);
  assert.equal(body.data.length, 1);
}

const simulatorOf = (server: TestServer) => /simulated at (http:\S+);/.exec(server.output())?.[1];

/** Whether nobody listens there. */
async function isGone(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

test('three processes that start at once share one simulator, and each sells', async (t) => {
  const { start, journals } = await useServers(t);
  const servers = await Promise.all([start('one'), start('one'), start('other')]);
  assert.equal(new Set(servers.map(simulatorOf)).size, 1);
  assert.equal(journals('one').length + journals('other').length, 1);
  const bought = await Promise.all(servers.map((server) => buy(server)));
  for (const [i, each] of bought.entries()) {
    assert.equal(await pay(each), 303);
    await assertGranted(servers[(i + 1) % servers.length]!, each);
  }
  for (const server of servers) assert.equal((await server.get('/v1/audit')).body.ok, true);
});

test('whoever runs it is killed: another goes on, with the pages that were open', async (t) => {
  const { start } = await useServers(t);
  const owner = await start('one');
  const heir = await start('one');
  const bystander = await start('one');
  const url = simulatorOf(owner)!;
  const [open, paid] = [await buy(bystander), await buy(heir)];
  assert.equal(await pay(paid), 303);
  owner.stop('SIGKILL');
  await owner.ended;
  await until(async () => !(await isGone(url)));
  assert.equal(await pay(open), 303);
  await assertGranted(heir, open);
  await assertGranted(bystander, paid);
  const again = await buy(bystander);
  assert.equal(await pay(again), 303);
  await assertGranted(heir, again);

  const back = await start('one');
  assert.equal(simulatorOf(back), url);
  const last = await buy(back);
  assert.equal(await pay(last), 303);
  await assertGranted(bystander, last);
});

test('whoever runs it stops, and the other has another folder: it begins anew, and sells', async (t) => {
  const { start, journals } = await useServers(t);
  const owner = await start('one');
  const heir = await start('other');
  const lost = await buy(heir);
  assert.equal(await owner.stop(), 0);
  await until(() => journals('other').length === 1);
  assert.equal(await pay(lost), 404);
  // The payer's customer is not known to this simulator either.
  const again = await buy(heir, lost.workspaceId);
  assert.equal(await pay(again), 303);
  await assertGranted(heir, again);
  assert.equal(heir.errors(), '');
});

test('it is found at the same address after all have stopped, and its open pages with it', async (t) => {
  const { start } = await useServers(t);
  const first = await start('one');
  const open = await buy(first);
  assert.equal(await first.stop(), 0);
  assert.equal(await isGone(open.url), true);
  const second = await start('one');
  assert.equal(await pay(open), 303);
  await assertGranted(second, open);
});

test('its lock is lost with a connection: it stays where it is, and is still the only one', async (t) => {
  const { database, start, journals } = await useServers(t);
  const [owner, other] = [await start('one'), await start('other')];
  const seats = async () => {
    const { rows } = await database.pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and application_name = 'tollgate simulator'`,
    );
    return rows.map(({ pid }) => pid);
  };
  const before = await seats();
  await database.pool.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [before]);
  await until(async () => (await seats()).filter((pid) => !before.includes(pid)).length === 2);
  for (const server of [owner, other]) {
    const bought = await buy(server);
    assert.equal(await pay(bought), 303);
    await assertGranted(other, bought);
  }
  assert.deepEqual(
    journals('other').filter((name) => name.startsWith('stripe-')),
    [],
  );
  assert.equal(owner.errors() + other.errors(), '');
});

test('its port was taken by something else meanwhile: it begins at another one', async (t) => {
  const { start } = await useServers(t);
  const first = await start('one');
  const open = await buy(first);
  assert.equal(await first.stop(), 0);
  const squatter = createServer().listen(Number(new URL(simulatorOf(first)!).port), '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const second = await start('one');
  assert.notEqual(simulatorOf(second), simulatorOf(first));
  const moved = { ...open, url: open.url.replace(simulatorOf(first)!, simulatorOf(second)!) };
  assert.equal(await pay(moved), 303);
  await assertGranted(second, moved);
});
