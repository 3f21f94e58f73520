import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { ConfigError } from '../lib/config.ts';
import {
  FAULT_NAMES,
  type FaultPlan,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../simulator/simulator.ts';
import { listen } from './listen.ts';
import { say } from './say.ts';
import { untilAskedToStop } from './signals.ts';

const USAGE =
  'Usage: tollgate simulator [--port 12111] [--host 127.0.0.1] [--data stripe.jsonl] [--webhook http://…]… ' +
  '[--webhook-secret whsec_…]… [--seed 1] [--faults rate429=0.05,drop=0.01]';

const OPTIONS = {
  port: { type: 'string', default: '12111' },
  host: { type: 'string', default: '127.0.0.1' },
  data: { type: 'string' },
  webhook: { type: 'string', multiple: true, default: [] as string[] },
  'webhook-secret': { type: 'string', multiple: true },
  seed: { type: 'string' },
  faults: { type: 'string' },
} as const;

/** Runs the stand-in for Stripe alone, for any product, until SIGINT or SIGTERM. */
export async function runSimulator(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    say(USAGE);
    return 0;
  }
  const options = optionsOf(args);
  const stopped = untilAskedToStop();
  const names = { port: '--port', host: '--host' };
  const simulator = await listen(options, names, () => start(options));
  say(`Stripe is simulated at ${simulator.url}. Set, where it is used:`);
  say(`  STRIPE_API_BASE=${simulator.url} STRIPE_SECRET_KEY=sk_test_simulator`);
  say(`  STRIPE_WEBHOOK_SECRET=${options.secrets.join(',')}`);
  await stopped;
  await simulator.stop();
  return 0;
}

async function start(options: SimulatorOptions): Promise<Simulator> {
  try {
    return await startSimulator(options);
  } catch (error) {
    const { syscall = 'listen', message } = error as NodeJS.ErrnoException;
    if (['listen', 'getaddrinfo'].includes(syscall)) throw error;
    throw new ConfigError(`--data cannot be used (${message}): choose another file.`);
  }
}

function optionsOf(args: string[]): SimulatorOptions & { host: string; port: number; secrets: string[] } {
  const values = read(args);
  const secrets = values['webhook-secret'] ?? [`whsec_${randomBytes(24).toString('base64url')}`];
  if (secrets.some((secret) => secret.trim() === '')) throw new ConfigError('--webhook-secret is empty.');
  return {
    host: values.host,
    port: portOf(values.port),
    secrets,
    webhooks: values.webhook.map((url) => ({ url: checkedUrl(url), secrets })),
    faults: faultsOf(values.faults, values.seed),
    ...(values.data === undefined ? {} : { dataFile: values.data }),
  };
}

function read(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}. ${USAGE}`);
  }
}

function portOf(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new ConfigError(`--port must be a number from 0 to 65535, not "${value}".`);
}

function checkedUrl(value: string): string {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new ConfigError(`--webhook must be an address that starts with http:// or https://, not "${value}".`);
}

/** `rate429=0.05,drop=0.01`: each name is one of the API's faults, or of the webhooks'. */
function faultsOf(value: string | undefined, seed: string | undefined): FaultPlan {
  const plan = { api: {} as Record<string, number>, webhooks: {} as Record<string, number> };
  for (const part of value?.split(',') ?? []) {
    const [, name = '', rate] = /^(\w+)=([\d.]+)$/.exec(part.trim()) ?? [];
    if (FAULT_NAMES.api.includes(name)) plan.api[name] = Number(rate);
    else if (FAULT_NAMES.webhooks.includes(name)) plan.webhooks[name] = Number(rate);
    else {
      const names = Object.values(FAULT_NAMES).flat().join(', ');
      throw new ConfigError(
        `--faults must be like rate429=0.05,drop=0.01, not "${part}"; there are ${names}.`,
      );
    }
  }
  return { ...plan, ...(seed === undefined ? {} : { seed }) };
}
