import scalar from '@scalar/fastify-api-reference';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics/metrics.ts';

export type Operations = {
  document: Record<string, unknown>;
  metrics: Metrics;
  /** Whether the database answers. */
  isReady(): Promise<boolean>;
};

/** What operators and tools ask, without a key: is it alive, is it ready, what does it measure, what does it offer. */
export async function mountOperations(
  server: FastifyInstance,
  { document, metrics, isReady }: Operations,
): Promise<void> {
  server.get('/healthz', async () => ({ ok: true }));
  server.get('/readyz', async (_request, reply) => {
    const ok = await isReady();
    return reply.code(ok ? 200 : 503).send({ ok });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  server.get('/openapi.json', async () => document);
  await server.register(scalar, {
    routePrefix: '/docs',
    // Its script by its whole path: it is the same from /docs and from /docs/.
    configuration: { content: document, telemetry: false, cdn: '/docs/js/scalar.js' },
  });
}
