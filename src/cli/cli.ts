import { ConfigError, readConfig } from '../lib/config.ts';
import { Refusal } from '../lib/errors.ts';
import { runCatalog } from './catalog.ts';
import { runAudit, runKeys, runMigrate } from './commands.ts';
import { runEvents } from './events.ts';
import { runReconcile } from './reconcile.ts';
import { serve } from './serve.ts';
import { runSimulator } from './simulator.ts';

type Command = { summary: string; run(args: string[]): Promise<number> };

const COMMANDS: Record<string, Command> = {
  serve: { summary: 'start the server, as npm start does', run: () => serve(readConfig()) },
  migrate: { summary: "bring the database to today's shape", run: () => runMigrate(readConfig()) },
  audit: {
    summary: 'prove that the numbers add up; --json for machines',
    run: (args) => runAudit(readConfig(), args),
  },
  catalog: {
    summary: 'catalog push [--dry-run]: make Stripe sell what the catalog says; pull --check: compare them',
    run: (args) => runCatalog(readConfig(), args),
  },
  keys: { summary: 'keys create: make another secret key', run: (args) => runKeys(readConfig(), args) },
  events: {
    summary: "events list, show, replay: Stripe's webhooks, and what became of them",
    run: (args) => runEvents(readConfig(), args),
  },
  reconcile: {
    summary: 'reconcile [--dry-run] [--since <days>]: compare everything with Stripe, and mend what differs',
    run: (args) => runReconcile(readConfig(), args),
  },
  simulator: {
    summary: 'a stand-in for Stripe alone, for the tests of your own product; --help for its options',
    run: runSimulator,
  },
};

/** Runs a command line; resolves to the exit code. What a person can mend is said in one line. */
export async function runCommand([name = 'help', ...args]: string[]): Promise<number> {
  const command = COMMANDS[name];
  if (command === undefined) {
    const isAsked = name === 'help' || name === '--help';
    if (!isAsked) process.stderr.write(`tollgate: there is no command ${name}.\n`);
    process.stdout.write(help());
    return isAsked ? 0 : 1;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof Refusal)) throw error;
    process.stderr.write(`tollgate: ${error.message}\n`);
    return 1;
  }
}

function help(): string {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  tollgate ${name.padEnd(10)} ${summary}`,
  );
  return `usage:\n${lines.join('\n')}\n`;
}
