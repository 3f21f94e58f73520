import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadCatalog } from '../../src/catalog/load.ts';
import { readConfig } from '../../src/lib/config.ts';
import { CODES, type Code } from '../../src/lib/errors.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { type DataDir, makeDataDir, SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { until } from '../shop.ts';
import { startSimulatorCommand, type TestSimulator } from '../simulator.ts';
import { assertAsShown, type Learnt, withLearnt } from './answers.ts';
import { type Block, blocksOf, codeOf, readPage, tableOf } from './pages.ts';
import { openShell, type Shell } from './shell.ts';

const english = readPage('README.md');
const chinese = readPage('README.zh.md');
const blocks = blocksOf(english);

describe('the commands of the README', () => {
  let database: TestDatabase;
  let dataDir: DataDir;
  let server: TestServer;
  let simulator: TestSimulator;
  let shell: Shell;
  before(async () => {
    database = await testDatabase();
    dataDir = makeDataDir();
    // The README says of one command that it needs the test clock; the others do not know of it.
    const env = { TOLLGATE_CONFIG: undefined, TOLLGATE_TEST_CLOCK: '1' };
    server = await startServer({ databaseUrl: database.url, dataDir: dataDir.path, env });
    simulator = await startSimulatorCommand();
    shell = openShell();
  });
  after(async () => {
    shell?.close();
    await simulator?.stop();
    await server?.stop();
    dataDir?.remove();
    await database?.drop();
  });

  test('answer what it shows, from the first line to the last', async () => {
    const learnt: Learnt = new Map([
      ['http://127.0.0.1:3000', server.url],
      ['http://127.0.0.1:12111', simulator.url],
      [/tg_sk_[\w-]{32}/.exec(english)![0], SECRET_KEY],
    ]);
    const commands = blocks.flatMap((block, index) =>
      isCommand(block) ? [{ block, next: blocks[index + 1] }] : [],
    );
    assert.ok(commands.length > 10, 'the README has commands');
    let paid = 0;
    for (const { block, next } of commands) {
      const { status, body } = await shell.run(withLearnt(block.text, learnt));
      if (next?.language === 'json') {
        const shown = JSON.parse(next.text);
        const expected = shown.error === undefined ? [200, 201] : [CODES[shown.error.code as Code].status];
        assert.ok(expected.includes(status), `${status} ${body} to ${block.text}`);
        assertAsShown(shown, JSON.parse(body), learnt);
      } else if (block.text.includes('/c/pay/')) {
        assert.equal(status, 303, 'the page leads back to the shop');
        paid++;
        // First credits are bought, then a plan.
        await until(async () => {
          const { credit, plan } = (await server.get('/v1/workspaces/acme')).body;
          return credit.balance > 0 && (paid < 2 || plan !== 'FREE');
        });
      }
    }
  });
});

/** Getting Tollgate and starting it are tried by other tests, and by the one who reads. */
function isCommand({ language, text }: Block): boolean {
  return language === 'sh' && !/npm start|tollgate simulator/.test(text);
}

describe('the READMEs', () => {
  test('show the same commands, answers and code in both languages', () => {
    assert.deepEqual(blocksOf(chinese), blocks);
  });

  test('name the same variables, codes and files in both languages', () => {
    const named = (page: string) => [...new Set(codeOf(page))].sort();
    assert.deepEqual(named(chinese), named(english));
  });

  test('show code of an example that is run', () => {
    const library = blocks.find(({ language, text }) => language === 'ts' && text.includes('tollgate.use('))!;
    assert.ok(
      readPage('examples/host-transaction/main.ts').includes(library.text),
      'it is part of the example',
    );
  });

  test('show a catalog that works', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-docs-'));
    try {
      const catalog = blocks.find(({ text }) => text.includes('satisfies CatalogConfig'))!;
      writeFileSync(join(folder, 'catalog.ts'), catalog.text);
      const { plans, packs } = await loadCatalog(join(folder, 'catalog.ts'));
      assert.deepEqual([...plans.keys(), ...packs.keys()], ['FREE', 'PRO', 'credits_10']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const [page, header] of [
    [english, 'variable'],
    [chinese, '变量'],
  ] as const) {
    test(`list the variables that are read, with their defaults: ${header}`, () => {
      const rows = tableOf(page, header).map(([variable, , otherwise]) => [
        variable!.replaceAll('`', ''),
        otherwise!,
      ]);
      assert.deepEqual(rows.map(([variable]) => variable).sort(), variablesRead().sort());
      const byName = Object.fromEntries(rows);
      const { port, host, dataDir, catalogPath } = readConfig({});
      assert.equal(Number(byName.PORT), port);
      assert.equal(byName.HOST, host);
      assert.equal(resolve(byName.DATA_DIR!.replaceAll('`', '')), dataDir);
      assert.equal(resolve(byName.TOLLGATE_CONFIG!.replaceAll('`', '')), catalogPath);
    });
  }

  for (const [page, header] of [
    [english, 'code'],
    [chinese, '代码'],
  ] as const) {
    test(`list codes with their statuses: ${header}`, () => {
      for (const [codes, statuses] of tableOf(page, header)) {
        const shown = codeOf(codes!).map((code) => CODES[code as Code].status);
        assert.equal(shown.join(', '), statuses, codes);
      }
    });
  }
});

function variablesRead(): string[] {
  const read = new Set<string>();
  readConfig(
    new Proxy({} as NodeJS.ProcessEnv, {
      get(_target, name) {
        read.add(String(name));
        return undefined;
      },
    }),
  );
  return [...read];
}
