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
  `import { createClient, isJournaled, isRefusal, memoryJournal } from 'tollgate/client';
   const tollgate = createClient({ url, secretKey });
   const { used } = await tollgate.use({ workspaceId, featureCode: 'blocked', amount: 3 });
   const error = await tollgate.use({ workspaceId, featureCode: 'blocked', amount: 98 }).catch((error) => error);
   const amounts = [];
   for await (const { amount } of tollgate.decisions.list({ workspaceId, limit: 1 })) amounts.push(amount);
   const nowhere = { url: 'http://127.0.0.1:9', secretKey, journal: memoryJournal(), whenUnreachable: 'open' };
   const journaled = isJournaled(await createClient(nowhere).use({ workspaceId, featureCode: 'blocked' }));
   console.log(JSON.stringify({ journaled, used, left: isRefusal(error, 'limit_reached') && error.details.affordable, amounts }));`,
  { context, identifier: 'main' },
);
await main.link((name, { identifier }) =>
  name === 'tollgate/client' ? moduleAt(INDEX) : moduleAt(neighbourOf(identifier, name)),
);
await main.evaluate();

function moduleAt(path: string): Module {
  const source = stripTypeScriptTypes(readFileSync(path, 'utf8'));
  const module = modules.get(path) ?? new SourceTextModule(source, { context, identifier: path });
  modules.set(path, module);
  return module;
}

function neighbourOf(path: string, name: string): string {
  if (!/^\.\/[\w-]+\.ts$/.test(name)) throw new Error(`${path} imports ${name}`);
  return join(dirname(path), name);
}
