import { loadCatalog } from '../catalog/load.ts';
import { type Config, ConfigError } from '../lib/config.ts';
import { findDrift, pushCatalog } from '../stripe/catalog/push.ts';
import { createStripe } from '../stripe/client.ts';
import { say } from './say.ts';

/** Compares Stripe with the catalog, and makes it the same where that is asked for. */
export async function runCatalog({ catalogPath, stripe }: Config, args: string[]): Promise<number> {
  const command = args.join(' ');
  if (!['push', 'push --dry-run', 'pull --check'].includes(command)) {
    throw new ConfigError(
      'Say what to do: tollgate catalog push, tollgate catalog push --dry-run, or tollgate catalog pull --check.',
    );
  }
  const { secretKey, apiBase } = stripe;
  if (secretKey === undefined) {
    throw new ConfigError(
      'Set STRIPE_SECRET_KEY: without a key there is no account of Stripe to compare with, only the simulator.',
    );
  }
  const catalog = await loadCatalog(catalogPath);
  const client = createStripe({ secretKey, apiBase });
  if (command === 'pull --check') {
    const drift = await findDrift(client, catalog);
    for (const line of drift.length === 0 ? ['Nothing differs.'] : drift) say(line);
    return drift.length === 0 ? 0 : 1;
  }
  await pushCatalog(client, catalog, { dryRun: command === 'push --dry-run', say });
  return 0;
}
