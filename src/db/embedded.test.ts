import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../lib/config.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { openPool } from './pool.ts';

describe('the embedded Postgres', () => {
  let dataDir: string;
  let postgres: Embedded;
  const lines: string[] = [];
  const start = () => startEmbedded({ dataDir, log: (line) => lines.push(line) });
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tollgate-embedded-'));
    postgres = await start();
  });
  after(async () => {
    await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it('keeps its promise: what was committed is on disk', async () => {
    const { rows } = await query(postgres, 'show fsync; show synchronous_commit; show full_page_writes');
    assert.deepEqual(rows, [{ fsync: 'on' }, { synchronous_commit: 'on' }, { full_page_writes: 'on' }]);
  });

  it('listens on no network, only on a private socket', async () => {
    const { rows } = await query(postgres, 'show listen_addresses; show unix_socket_permissions');
    assert.deepEqual(rows, [{ listen_addresses: '' }, { unix_socket_permissions: '0700' }]);
  });

  it('comes back by itself at the same address, with its data, after it was killed', async () => {
    const pool = openPool(postgres.url, { max: 2, name: 'test' });
    await pool.query('create table kept as select 42 as answer');
    const killed = postgres.pid();
    process.kill(killed, 'SIGKILL');
    const { rows } = await untilItAnswers(() => pool.query('select answer from kept'));
    assert.deepEqual(rows, [{ answer: 42 }]);
    assert.notEqual(await settled(postgres, killed), killed);
    assert.ok(lines.includes('Postgres ended unexpectedly; starting it again.'));
    await pool.end();
  });

  it('is joined by another start, and stays up until the last one leaves', async () => {
    const second = await start();
    assert.equal(second.pid(), postgres.pid());
    assert.equal(second.url, postgres.url);
    const pool = openPool(postgres.url, { max: 1, name: 'test' });
    await pool.query('select');
    await second.stop();
    assert.deepEqual((await pool.query('select answer from kept')).rows, [{ answer: 42 }]);
    await pool.end();
  });

  it('keeps its data through a stop, and leaves no process and no socket behind', async () => {
    const socketDir = new URL(postgres.url).searchParams.get('host')!;
    const pid = postgres.pid();
    await postgres.stop();
    await gone(pid);
    assert.equal(existsSync(socketDir), false);
    postgres = await start();
    assert.deepEqual((await query(postgres, 'select answer from kept')).rows, [{ answer: 42 }]);
  });

  it('is not reached by the Ctrl-C of a process, and is taken over after that process was killed', async () => {
    await postgres.stop();
    const program = `import { startEmbedded } from ${JSON.stringify(import.meta.resolve('./embedded.ts'))};
      const { pid } = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)} });
      process.on('SIGINT', () => {});
      setInterval(() => {}, 1000);
      console.log(pid());`;
    // A group of its own, as a terminal makes one.
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    process.kill(-child.pid!, 'SIGINT');
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit');
    postgres = await start();
    assert.equal(postgres.pid(), pid);
    assert.deepEqual((await query(postgres, 'select answer from kept')).rows, [{ answer: 42 }]);
  });

  it('starts although its old number has become that of another process', async () => {
    await postgres.stop();
    const socketDir = join(tmpdir(), 'tollgate-gone');
    const lines = [process.pid, join(dataDir, 'postgres'), 0, 5432, socketDir, '', '1 1', 'ready   ', ''];
    await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), lines.join('\n'));
    postgres = await start();
    assert.deepEqual((await query(postgres, 'select answer from kept')).rows, [{ answer: 42 }]);
  });
});

describe('a data folder', () => {
  let parent: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'tollgate-embedded-'));
  });
  after(() => rm(parent, { recursive: true, force: true }));
  const refused = async (dataDir: string, message: RegExp) => {
    await assert.rejects(startEmbedded({ dataDir }), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  };

  it('with data of another major version of Postgres is refused in one line', async () => {
    const folder = join(parent, 'version', 'postgres');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'PG_VERSION'), '16\n');
    await refused(join(parent, 'version'), /data of Postgres 16, and this is Postgres \d+/);
  });

  it('with something else in it is refused, and left as it is', async () => {
    const folder = join(parent, 'photos', 'postgres');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'holiday.jpg'), '');
    await refused(join(parent, 'photos'), /something else than Postgres data/);
    assert.equal(await readFile(join(folder, 'holiday.jpg'), 'utf8'), '');
  });

  it('that is a file is refused', async () => {
    await writeFile(join(parent, 'file'), '');
    await refused(join(parent, 'file'), /cannot be written.*DATA_DIR/);
  });

  it('that is removed with its Postgres, by whoever ended that, takes nobody with it', async () => {
    const dataDir = join(parent, 'removed');
    const postgres = await startEmbedded({ dataDir });
    const pool = openPool(postgres.url, { max: 1, name: 'test' });
    await pool.query('select');
    await postgres.stop(); // it stays up for the other one
    process.kill(postgres.pid(), 'SIGKILL');
    rmSync(dataDir, { recursive: true });
    await gone(postgres.pid()); // that it has ended is told after it is known
    await pool.end();
  });

  it('that two processes start in at once gets one cluster', async () => {
    const dataDir = join(parent, 'twice');
    const both = await Promise.all([startEmbedded({ dataDir }), startEmbedded({ dataDir })]);
    assert.equal(both[0].url, both[1].url);
    await Promise.all(both.map((each) => each.stop()));
    assert.equal(existsSync(join(dataDir, 'postgres', 'postmaster.pid')), false);
  });
});

/** Runs statements and returns the rows of all. */
async function query(postgres: Embedded, text: string): Promise<{ rows: unknown[] }> {
  const pool = openPool(postgres.url, { max: 1, name: 'test' });
  try {
    const results = [await pool.query(text)].flat();
    return { rows: results.flatMap(({ rows }) => rows) };
  } finally {
    await pool.end();
  }
}

async function untilItAnswers<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await sleep(20);
    }
  }
}

/** A Postgres can answer an instant before its watcher knows its number. */
async function settled(postgres: Embedded, before: number): Promise<number> {
  while (postgres.pid() === before) await sleep(10);
  return postgres.pid();
}

/** Ended, and waited for by its parent. */
async function gone(pid: number): Promise<void> {
  try {
    for (;;) {
      process.kill(pid, 0);
      await sleep(10);
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}
