import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { MeterFailure, MeterSettings } from 'tollgate/ai';
import { type AIUsage, type Client, createClient, type Hold } from 'tollgate/client';
import { type Provider, startProvider } from '../../examples/provider.ts';
import { type TestDatabase, testDatabase } from '../database.ts';
import { SECRET_KEY, startServer, type TestServer } from '../server.ts';
import { until } from '../shop.ts';
import { openWire, type Wire } from '../wire.ts';

/** Tokens of `writer` are cheap: a point pays for 1,000 that it reads, 10,000 from a cache, or 500 that it writes. */
export const MODEL = 'writer';

/** What each workspace has in free points. */
export const POINTS = 200;

/** A real Tollgate behind a line on which things go wrong, and a provider that streams. */
export type World = {
  server: TestServer;
  wire: Wire;
  provider: Provider;
  client: Client;
  /** A new workspace with its free points. */
  workspace(): Promise<string>;
  /** Settings that charge a workspace; what fails is kept. */
  charging(workspaceId: string, more?: Partial<MeterSettings>): MeterSettings & { failures: MeterFailure[] };
  usedBy(workspaceId: string): Promise<number>;
  /** Its AI usages, the oldest first. */
  usagesOf(workspaceId: string): Promise<AIUsage[]>;
  /** Its holds, the oldest first. */
  holdsOf(workspaceId: string): Promise<Hold[]>;
  /** The same, once none is open. */
  endedHoldsOf(workspaceId: string): Promise<Hold[]>;
  advance(seconds: number): Promise<void>;
  /** Whatever the test did, the books must add up at its end. */
  close(): Promise<void>;
};

/** `env`: variables of the server, such as another catalog. */
export async function openWorld(env: Record<string, string | undefined> = {}): Promise<World> {
  const database: TestDatabase = await testDatabase();
  const server = await startServer({ databaseUrl: database.url, env: { TOLLGATE_TEST_CLOCK: '1', ...env } });
  const wire = await openWire(server.url);
  const provider = await startProvider();
  const client = createClient({ url: wire.url, secretKey: SECRET_KEY });
  const direct = createClient({ url: server.url, secretKey: SECRET_KEY });

  const holdsOf = async (workspaceId: string) =>
    (await Array.fromAsync(direct.holds.list({ workspaceId, limit: 100 }))).reverse();

  return {
    ...{ server, wire, provider, client, holdsOf },
    async workspace() {
      const { id } = await direct.workspaces.put({ id: `ws-${randomUUID()}`, name: 'For a test' });
      return id;
    },
    charging(workspaceId, more = {}) {
      const failures: MeterFailure[] = [];
      const onFailure = (failure: MeterFailure) => void failures.push(failure);
      return { client, workspaceId, pageId: 'page', onFailure, failures, ...more };
    },
    usedBy: async (workspaceId) => (await direct.check({ workspaceId, featureCode: 'ai.points' })).used,
    usagesOf: async (workspaceId) =>
      (await Array.fromAsync(direct.aiUsages.list({ workspaceId, limit: 100 }))).reverse(),
    async endedHoldsOf(workspaceId) {
      let holds: Hold[] = [];
      await until(async () => {
        holds = await holdsOf(workspaceId);
        return holds.every(({ status }) => status !== 'HELD');
      });
      return holds;
    },
    async advance(seconds) {
      await direct.testClock.move({ advanceSeconds: seconds });
    },
    async close() {
      try {
        assert.deepEqual(
          (await direct.audit()).checks.filter(({ ok }) => !ok),
          [],
        );
        assert.equal(server.errors(), '');
      } finally {
        await provider.stop();
        await wire.stop();
        await server.stop();
        await database.drop();
      }
    },
  };
}
