/**
 * Runs the client where there is nothing but what the web has, as at the edge: `node --experimental-vm-modules` with this
 * file, an address and a key. Prints what a use was answered. A module that asks for anything but its neighbours ends it.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { createContext, type Module, SourceTextModule } from 'node:vm';

const [url, secretKey, workspaceId] = process.argv.slice(2);

const WEB = {
  ...{ fetch, Headers, Request, Response, URL, URLSearchParams, AbortController, AbortSignal },
  ...{ setTimeout, clearTimeout, crypto, performance, console, TextEncoder, TextDecoder },
  ...{ url, secretKey, workspaceId },
};
const context = createContext(WEB);
const modules = new Map<string, Module>();

const INDEX = join(import.meta.dirname, '..', '..', 'sdk', 'client', 'index.ts');
const main = new SourceTextModule(
  `import { createClient, isRefusal } from 'tollgate/client';
   const tollgate = createClient({ url, secretKey });
   const { used } = await tollgate.use({ workspaceId, featureCode: 'blocked', amount: 3 });
   const error = await tollgate.use({ workspaceId, featureCode: 'blocked', amount: 98 }).catch((error) => error);
   const amounts = [];
   for await (const { amount } of tollgate.decisions.list({ workspaceId, limit: 1 })) amounts.push(amount);
   console.log(JSON.stringify({ used, left: isRefusal(error, 'limit_reached') && error.details.affordable, amounts }));`,
  { context, identifier: 'main' },
);
await main.link((name) => moduleAt(INDEX, name === 'tollgate/client' ? './index.ts' : name));
await main.evaluate();

async function moduleAt(from: string, name: string): Promise<Module> {
  if (!/^\.\/[\w-]+\.ts$/.test(name)) throw new Error(`${from} imports ${name}`);
  const path = join(dirname(from), name);
  const source = stripTypeScriptTypes(readFileSync(path, 'utf8'));
  const module = modules.get(path) ?? new SourceTextModule(source, { context, identifier: path });
  modules.set(path, module);
  if (module.status === 'unlinked') await module.link((next) => moduleAt(path, next));
  return module;
}
