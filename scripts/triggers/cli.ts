import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const VERSION = '1.52.0';

/** Whether the flow of an event ran to its end; if not, what Stripe, or its stand-in, said. */
export type Triggered = { passed: true } | { passed: false; why: string };

export type StripeCli = {
  /** Every event that it can play. */
  events(): Promise<string[]>;
  trigger(event: string, apiBase: string): Promise<Triggered>;
};

/** Stripe's own command line, which nothing else here needs: the first time, npm brings it into a temporary folder. */
export async function openStripeCli(): Promise<StripeCli> {
  const folder = join(tmpdir(), `tollgate-stripe-cli-${VERSION}`);
  const command = join(folder, 'node_modules', '@stripe', 'cli', 'bin', 'shim.js');
  if (!existsSync(command)) {
    mkdirSync(folder, { recursive: true });
    const packageName = `@stripe/cli@${VERSION}`;
    await run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      packageName,
    ]);
  }
  // Of the machine it gets what it needs to run, and a home without keys or settings.
  const env = { PATH: process.env.PATH, HOME: folder, STRIPE_CLI_TELEMETRY_OPTOUT: '1' };
  return {
    async events() {
      const { stdout } = await run(process.execPath, [command, 'trigger', '--help'], { env });
      return [...stdout.matchAll(/^ {2}(\w+(?:\.\w+)+)$/gm)].map(([, event]) => event!);
    },
    async trigger(event, apiBase) {
      const args = [command, 'trigger', event, '--api-key', 'sk_test_12345', '--api-base', apiBase];
      const { stdout, stderr } = await run(process.execPath, args, { env, timeout: TIMEOUT_MS }).catch(
        (error: { stdout: string; stderr: string }) => error,
      );
      const said = `${stdout}${stderr}`;
      return said.includes('Trigger succeeded') ? { passed: true } : { passed: false, why: whyOf(said) };
    },
  };
}

const TIMEOUT_MS = 30_000;

/** The message of the refusal; else the last line. */
function whyOf(said: string): string {
  const message = /"message": "((?:[^"\\]|\\.)*)"/.exec(said)?.[1];
  return message ?? said.trim().split('\n').at(-1) ?? 'it said nothing';
}
