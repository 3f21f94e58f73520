/**
 * A product's process that uses features while Tollgate may be away, until it is killed: with an address, a key, a workspace,
 * the folder of its journal and a name. Prints the key of each use once that is allowed.
 */
import { createClient } from 'tollgate/client';
import { openFileJournal } from 'tollgate/client/journal-file';

const [url, secretKey, workspaceId, folder, name] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const journal = await openFileJournal(folder);
const tollgate = createClient({ url, secretKey, journal, whenUnreachable: 'open', attemptsMax: 1 });

async function work(lane: number): Promise<never> {
  for (let turn = 0; ; turn++) {
    const idempotencyKey = `${name}.${lane}.${turn}`;
    await tollgate.use({ workspaceId, featureCode: 'unlimited' }, { idempotencyKey });
    process.stdout.write(`${idempotencyKey}\n`);
  }
}

const LANES = 4;
await Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
