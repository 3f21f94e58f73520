// npm run example <name>: runs an example on a Tollgate and a provider of its own, unless the environment names others. Both
// are gone afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Plan, startProvider } from '../examples/provider.ts';
import { makeDataDir, SECRET_KEY, startServer } from '../test/server.ts';

const examples = join(import.meta.dirname, '..', 'examples');

/** Long enough to be watched, and to be stopped. */
const LONG_ANSWER = `I am a stand-in for a model, and say the same whatever I am asked: something about tolls.

A toll gate does three things. It looks at what wants to pass and says what that will take, before it opens. It counts \
what does pass. And it keeps a book that anybody can add up later.

A model that writes is harder to charge for than a cart. Nobody knows beforehand how long its answer will be, so the \
most that it may come to is held. While it is being written, what has come is reported, and the points at the top of \
this page fall. At the end the provider says what it has counted; that is charged, and the rest of what was held is \
given back.

If you stop me now, you pay for the words that you see. If this page is closed, the same happens. If the server dies \
in the middle of a word, what it reported last is charged, and nothing is held for ever. And if there are too few points \
for an answer, the model is never asked at all.`;
/** As a model of today writes. */
const LONG_EVERY_MS = 50;

const [name = ''] = process.argv.slice(2);
if (!existsSync(join(examples, name, 'main.ts'))) {
  const names = globSync('*/main.ts', { cwd: examples }).map(dirname).sort();
  console.error(`npm run example <name>, which is one of ${names.join(', ')}.`);
  process.exit(1);
}

const child = spawn(process.execPath, ['--conditions=tollgate-source', join(examples, name, 'main.ts')], {
  env: { ...(await tollgate()), ...(await provider()), ...process.env },
  stdio: 'inherit',
});
process.once('exit', () => child.kill());
const [code] = await once(child, 'exit');
process.exit(code ?? 1);

async function tollgate(): Promise<NodeJS.ProcessEnv> {
  if (process.env.TOLLGATE_URL !== undefined) return {};
  const data = makeDataDir();
  const { url } = await startServer({ dataDir: data.path, env: { TOLLGATE_CONFIG: undefined } });
  return { TOLLGATE_URL: url, TOLLGATE_SECRET_KEY: SECRET_KEY, DATABASE_URL: data.databaseUrl() };
}

async function provider(): Promise<NodeJS.ProcessEnv> {
  if (process.env.OPENAI_API_KEY !== undefined) return {};
  const isRead = existsSync(join(examples, name, 'output.txt'));
  const { url } = await startProvider(0, isRead ? {} : longPlan());
  return { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'sk-of-nobody' };
}

function longPlan(): Plan {
  const output = Math.ceil(LONG_ANSWER.length / 4);
  return { pieces: LONG_ANSWER.split(/(?= )/), everyMs: LONG_EVERY_MS, usage: { input: 20, output } };
}
