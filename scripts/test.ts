// npm test: formatting, types and all tests, on one Postgres of its own. Arguments choose tests: files, folders, or
// options of `node --test`; then the tests alone run.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { startTestCluster } from '../test/database.ts';

const root = dirname(import.meta.dirname);
process.chdir(root);

const FOLDERS = ['src', 'test', 'scripts', 'bin', 'bench', 'examples', 'sdk', 'dashboard'];
/** Each file is a process that loads most of the code: compiled once, it takes half of the time. */
const COMPILED = join(root, 'node_modules', '.cache', 'compiled');
/** One file runs all of them, in a process of its own. */
const TOGETHER = 'test/scenarios';
const TIMEOUT_MS = 10 * 60_000; // of a file: one that hangs fails, and says which

let running: ChildProcess | undefined;
let interrupted = false;
// The children have got Ctrl-C too and end by themselves. The cluster goes when they have.
process.on('SIGINT', () => {
  interrupted = true;
});
process.on('SIGTERM', () => {
  interrupted = true;
  running?.kill('SIGTERM');
});

const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('-'));
const paths = given.filter((argument) => !argument.startsWith('-'));
const files = findTests(paths.length > 0 ? paths : FOLDERS);
if (files.length === 0) {
  console.error(`There are no tests in ${paths.join(', ')}.`);
  process.exit(1);
}

let failed = false;
if (given.length === 0) {
  failed = !(await run('node_modules/.bin/biome', ['check', '--log-level=warn', '--error-on-warnings']));
  failed = !(await run('node_modules/.bin/tsc', ['--noEmit'])) || failed;
}
const cluster = await startTestCluster().catch((error: Error) => {
  // Ctrl-C ends what makes the cluster, too, and that is no failure to report.
  if (!interrupted) console.error(error);
  process.exit(1);
});
// Tests wait for Postgres as much as they compute: one more than there are cores leaves none of them idle.
const concurrency = availableParallelism() + 1;
const flags = ['--conditions=tollgate-source', '--test', '--test-reporter=spec'];
flags.push(`--test-concurrency=${concurrency}`, `--test-timeout=${TIMEOUT_MS}`);
const passed = await run(process.execPath, [...flags, ...options, ...files], {
  TOLLGATE_TEST_DATABASE: cluster,
  NODE_COMPILE_CACHE: COMPILED,
});
process.exit(passed && !failed ? 0 : 1);

function findTests(places: string[]): string[] {
  return places.flatMap((place) => {
    const found = statSync(place, { throwIfNoEntry: false });
    if (found?.isFile()) return [place];
    const isAsked = !join(TOGETHER, '.').startsWith(join(place, '/'));
    return globSync(join(place, '**/*.test.{ts,tsx}'), {
      exclude: (path) => path.split('/').includes('node_modules') || (!isAsked && path === TOGETHER),
    }).sort();
  });
}

async function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  if (interrupted) process.exit(1);
  running = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const [code] = (await once(running, 'exit')) as [number | null];
  return code === 0;
}
