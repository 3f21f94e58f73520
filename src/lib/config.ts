import { resolve } from 'node:path';

/** What the environment says, checked. The only place that reads environment variables. */
export type Config = {
  port: number;
  host: string;
  /** A Postgres to use; without it, an embedded one with its data in `dataDir`. */
  databaseUrl: string | undefined;
  dataDir: string;
  /** A secret API key to accept from the start. */
  secretKey: string | undefined;
  catalogPath: string;
  stripe: {
    /** Without it, the simulator stands in for Stripe. */
    secretKey: string | undefined;
    webhookSecrets: string[];
    apiBase: string | undefined;
  };
  testClock: boolean;
};

/** A setting that cannot be used: its message is one line that says what to change. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Reads the environment. Throws ConfigError naming the first variable that cannot be used. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const stripeKey = text(env, 'STRIPE_SECRET_KEY');
  const testClock = flag(env, 'TOLLGATE_TEST_CLOCK');
  if (stripeKey !== undefined && !/^[rs]k_\w+$/.test(stripeKey)) {
    throw new ConfigError('STRIPE_SECRET_KEY must be a secret key (sk_… or rk_…) of your account.');
  }
  if (testClock && stripeKey !== undefined && /^[rs]k_live_/.test(stripeKey)) {
    throw new ConfigError(
      'TOLLGATE_TEST_CLOCK=1 is refused together with a live STRIPE_SECRET_KEY: unset one of them.',
    );
  }
  const webhookSecrets = list(env, 'STRIPE_WEBHOOK_SECRET');
  if (stripeKey !== undefined && webhookSecrets.length === 0) {
    throw new ConfigError(
      'STRIPE_SECRET_KEY is set but STRIPE_WEBHOOK_SECRET is not: copy the signing secret (whsec_…) of your webhook endpoint.',
    );
  }
  const apiBase = url(env, 'STRIPE_API_BASE', ['http:', 'https:']);
  if (apiBase !== undefined && stripeKey === undefined) {
    throw new ConfigError('STRIPE_API_BASE is set but STRIPE_SECRET_KEY is not: set both, or neither.');
  }
  return {
    port: port(env),
    host: text(env, 'HOST') ?? '127.0.0.1',
    databaseUrl: databaseUrl(env),
    dataDir: resolve(text(env, 'DATA_DIR') ?? './data'),
    secretKey: secretKey(env),
    catalogPath: resolve(text(env, 'TOLLGATE_CONFIG') ?? 'tollgate.config.ts'),
    stripe: {
      secretKey: stripeKey,
      webhookSecrets,
      apiBase,
    },
    testClock,
  };
}

const SECRET_KEY_LENGTH_MIN = 16; // shorter keys can be guessed

function secretKey(env: NodeJS.ProcessEnv): string | undefined {
  const value = text(env, 'TOLLGATE_SECRET_KEY');
  if (value !== undefined && (value.length < SECRET_KEY_LENGTH_MIN || /[^\x21-\x7e]/.test(value))) {
    throw new ConfigError(
      `TOLLGATE_SECRET_KEY must be at least ${SECRET_KEY_LENGTH_MIN} visible ASCII characters without spaces.`,
    );
  }
  return value;
}

function port(env: NodeJS.ProcessEnv): number {
  const value = text(env, 'PORT') ?? '3000';
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > 65535) {
    throw new ConfigError(`PORT must be a number from 0 to 65535, not "${value}".`);
  }
  return number;
}

function databaseUrl(env: NodeJS.ProcessEnv): string | undefined {
  // libpq takes an account without a host, before the folder of a socket; URLs do not.
  const value = env.DATABASE_URL?.replace(/^(postgres(?:ql)?:\/\/[^/?#]*)@\//, '$1@localhost/');
  return url({ DATABASE_URL: value }, 'DATABASE_URL', ['postgres:', 'postgresql:']);
}

function url(env: NodeJS.ProcessEnv, name: string, protocols: string[]): string | undefined {
  const value = text(env, name);
  if (value === undefined) return undefined;
  if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
    // The value is not repeated: it may hold a password.
    throw new ConfigError(
      `${name} must be an address that starts with ${protocols.map((p) => `${p}//`).join(' or ')}.`,
    );
  }
  return value;
}

function list(env: NodeJS.ProcessEnv, name: string): string[] {
  const value = env[name];
  if (value === undefined) return [];
  const items = value.split(',').map((item) => item.trim());
  if (items.some((item) => item === '')) {
    throw new ConfigError(
      `${name} is set but ${items.length > 1 ? 'one of its parts is' : ''} empty: give it a value or unset it.`.replace(
        '  ',
        ' ',
      ),
    );
  }
  return items;
}

function flag(env: NodeJS.ProcessEnv, name: string): boolean {
  const value = text(env, name);
  if (value !== undefined && value !== '0' && value !== '1')
    throw new ConfigError(`${name} must be 0 or 1, not "${value}".`);
  return value === '1';
}

function text(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name];
  if (value === undefined) return undefined;
  if (value.trim() === '') throw new ConfigError(`${name} is set but empty: give it a value or unset it.`);
  return value;
}
