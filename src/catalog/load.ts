import { access } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../lib/config.ts';
import { parseCatalog } from './parse.ts';
import type { Catalog } from './types.ts';

/** Reads and checks the catalog in a .ts, .js, .mjs or .json file. Throws ConfigError naming the file and the reason. */
export async function loadCatalog(path: string): Promise<Catalog> {
  const file = resolve(path);
  const config = await importDefault(file);
  try {
    return parseCatalog(config);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${file}: ${error.message}`) : error;
  }
}

async function importDefault(path: string): Promise<unknown> {
  try {
    await access(path);
  } catch {
    throw new ConfigError(
      `${path}: the catalog cannot be read. Create it, or name another with TOLLGATE_CONFIG.`,
    );
  }
  let module: { default?: unknown };
  try {
    const options = extname(path) === '.json' ? { with: { type: 'json' } } : {};
    module = await import(pathToFileURL(path).href, options);
  } catch (error) {
    throw new ConfigError(describeFailure(path, error), { cause: error });
  }
  if (!('default' in module)) {
    throw new ConfigError(
      `${path}: there is no default export. Write export default { … } satisfies CatalogConfig.`,
    );
  }
  return module.default;
}

/** One line, with the line of the file where Node knows it. */
function describeFailure(path: string, error: unknown): string {
  const [stack, message] = error instanceof Error ? [error.stack ?? '', error.message] : ['', String(error)];
  const after = stack.indexOf(`${path}:`) + path.length;
  const line = stack.includes(`${path}:`) ? /^:\d+/.exec(stack.slice(after))?.[0] : undefined;
  const reason = message.replace(`${path}: `, '').split('\n')[0];
  return `${path}${line ?? ''}: ${reason}`;
}
