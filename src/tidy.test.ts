import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';

// What would be said twice in review.

const ROOT = join(import.meta.dirname, '..');
const FOLDERS = '{src,sdk,test,scripts,bench,examples}';

type Source = { path: string; text: string; imports: string[] };

const all: Source[] = globSync(`${FOLDERS}/**/*.ts`, { cwd: ROOT })
  .sort()
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, imports: importsOf(path, text) };
  });
/** What runs: no tests, and nothing that only they import. */
const code = all.filter(({ path }) => path.startsWith('src/') && !isForTests(path));
const sdk = all.filter(({ path }) => path.startsWith('sdk/') && !isForTests(path));

const importsByPath = new Map([...code, ...sdk].map(({ path, imports }) => [path, imports]));

/** Paths from the root; names of packages as they stand. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import|import\() ?'([^']+)'/g)].map(([, name]) =>
    name!.startsWith('.') ? normalize(join(dirname(path), name!)) : name!,
  );
}

function isForTests(path: string): boolean {
  return path.endsWith('.test.ts') || path === 'src/simulator/testing.ts';
}

/** Each may import what stands above it. Those on one line know nothing of one another. */
const LAYERS = [
  ['lib'],
  ['db'],
  ['catalog'],
  ['engine'],
  ['audit', 'clock', 'entitlements', 'idempotency', 'keys', 'metrics'],
  ['ai', 'credits', 'decisions'],
  ['holds'],
  ['payments'],
  ['subscriptions', 'topups'],
  ['workspaces'],
  ['stripe'],
  ['jobs'],
  ['http', 'tollgate.ts'],
  ['cli', 'index.ts'],
  ['main.ts'],
];

describe('imports point one way', () => {
  const layerOf = (place: string) => LAYERS.findIndex((layer) => layer.includes(place));
  const placeOf = (path: string) => path.split('/')[1]!;
  const arrows = code.flatMap(({ path, imports }) =>
    imports
      .filter((to) => to.startsWith('src/') && placeOf(to) !== placeOf(path))
      .map((to) => ({ path, to, arrow: `${path} imports ${to}` })),
  );

  test('from each layer to those above it', () => {
    const wrong = arrows
      .filter(({ path, to }) => placeOf(path) !== 'simulator' && placeOf(to) !== 'simulator')
      .filter(({ path, to }) => layerOf(placeOf(to)) < 0 || layerOf(placeOf(to)) >= layerOf(placeOf(path)));
    assert.deepEqual(
      wrong.map(({ arrow }) => arrow),
      [],
    );
  });

  test('the simulator stands apart: only what starts it knows it, and it knows only lib', () => {
    const wrong = arrows.filter(
      ({ path, to }) =>
        (placeOf(to) === 'simulator' && !/^src\/cli\/simulat(ed|or)\.ts$/.test(path)) ||
        (placeOf(path) === 'simulator' && placeOf(to) !== 'lib'),
    );
    assert.deepEqual(
      wrong.map(({ arrow }) => arrow),
      [],
    );
  });

  test('what runs imports no tests, no scripts and nothing else outside src', () => {
    const wrong = code.flatMap(({ path, imports }) =>
      imports
        .filter((to) => /^(sdk|test|scripts|bench|examples)\/|\.test\.ts$|testing\.ts$/.test(to))
        .map((to) => `${path} imports ${to}`),
    );
    assert.deepEqual(wrong, []);
  });

  test('what runs beside its users knows nothing of the server, and the client nothing but itself', () => {
    const wrong = sdk.flatMap(({ path, imports }) =>
      imports
        .filter(
          (to) =>
            /^(src|test|scripts|bench|examples)\/|^sdk\/.*\.test\.ts$/.test(to) || leavesClient(path, to),
        )
        .map((to) => `${path} imports ${to}`),
    );
    assert.deepEqual(wrong, []);
  });

  function leavesClient(path: string, to: string): boolean {
    return path.startsWith('sdk/client/') && !to.startsWith('sdk/client/');
  }

  /** All that a file imports, also by way of others. */
  function reachedFrom(path: string): Set<string> {
    const reached = new Set(importsByPath.get(path));
    for (const to of reached) for (const further of importsByPath.get(to) ?? []) reached.add(further);
    return reached;
  }

  test('and nowhere in a circle', () => {
    const circular = [...importsByPath.keys()].filter((path) => reachedFrom(path).has(path));
    assert.deepEqual(circular, []);
  });

  test('decide has no I/O, not even by way of others', () => {
    const reached = reachedFrom('src/engine/decide.ts');
    const outside = [...reached].filter(
      (path) => !/^src\/(engine|catalog\/types|catalog\/ai\/(find|price)|lib)/.test(path),
    );
    assert.deepEqual(outside, []);
    assert.ok(!reached.has('src/engine/store.ts') && !reached.has('src/lib/clock.ts'));
  });
});

describe('each thing has its place', () => {
  test('the package "stripe" is known to src/stripe and the simulator', () => {
    const knowing = code.filter(({ imports }) => imports.includes('stripe')).map(({ path }) => path);
    assert.deepEqual(outside(knowing, /^src\/(stripe|simulator)\//), []);
  });

  test('SQL stands in stores, the engine, the database and the audit', () => {
    const sql =
      /\bsql(<[^`]*>)?`|\b(selectFrom|insertInto|updateTable|deleteFrom)\(|['"`]\s*(select|insert into|update|delete from|with) ["\w$]/;
    const having = code.filter(({ text }) => sql.test(text)).map(({ path }) => path);
    assert.deepEqual(outside(having, /(^|\/)store\.ts$|^src\/(engine|db|audit)\//), []);
  });

  test('the environment is read by the configuration', () => {
    const reading = code.filter(({ text }) => text.includes('process.env')).map(({ path }) => path);
    // It does not read settings: it says what the programs of Postgres get to see.
    assert.deepEqual(outside(reading, /^src\/lib\/config\.ts$|^src\/db\/cluster\.ts$/), []);
  });

  test('what the machine says of the time is asked at the edge', () => {
    const asking = code.filter(({ text }) => /\bnew Date\(\)/.test(text)).map(({ path }) => path);
    assert.deepEqual(outside(asking, /^src\/lib\/clock\.ts$|^src\/cli\//), []);
  });

  test('every folder of src says what it is for, in less than 60 lines', () => {
    const folders = [...new Set(code.map(({ path }) => path.split('/')[1]!))].filter(
      (name) => !name.endsWith('.ts'),
    );
    const wrong = folders.filter((folder) => {
      const readme = join(ROOT, 'src', folder, 'README.md');
      return !existsSync(readme) || readFileSync(readme, 'utf8').split('\n').length > README_LINES_MAX;
    });
    assert.deepEqual(wrong, []);
  });
});

const README_LINES_MAX = 60;

/** What a reader keeps in mind. Tables of cases in tests may be longer. */
const LINES_MAX = 400;

describe('every file', () => {
  test('fits into a head', () => {
    const made = ['src/db/types.ts', 'sdk/client/types.ts'];
    const long = [...code, ...sdk]
      .filter(({ path, text }) => !made.includes(path) && text.split('\n').length > LINES_MAX)
      .map(({ path }) => path);
    assert.deepEqual(long, []);
  });

  test('is finished, and no test is left out', () => {
    const marks = new RegExp(
      `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b|\\.(only|skip|todo)\\(`,
    );
    assert.deepEqual(
      all.filter(({ text }) => marks.test(text)).map(({ path }) => path),
      [],
    );
  });

  test('knows nothing of the machine that it was written on', () => {
    const pages = globSync(
      ['*.md', '*.json', '*.ts', 'docs/**/*.md', '{src,sdk}/**/*.md', 'prisma/**/*.{prisma,sql}'],
      { cwd: ROOT },
    );
    const texts = [...all, ...pages.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))];
    const place = /(?<![\w.~$}])\/(home|Users|work|root|mnt)\/[\w.]/;
    assert.deepEqual(
      texts.filter(({ text }) => place.test(text)).map(({ path }) => path),
      [],
    );
  });
});

function outside(paths: readonly string[], place: RegExp): string[] {
  return paths.filter((path) => !place.test(path));
}
