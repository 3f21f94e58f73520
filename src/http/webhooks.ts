import type { FastifyPluginAsync } from 'fastify';
import type { Inbox } from '../stripe/inbox.ts';

/** Events are some kilobytes; the largest that Stripe sends stay far below. */
const EVENT_BYTES_MAX = 1024 * 1024;

/** POST /webhooks/stripe: outside /v1 and without a key, its signature is the proof. The body is kept as it came. */
export function webhookRoutes(inbox: Inbox): FastifyPluginAsync {
  return async (server) => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: EVENT_BYTES_MAX },
      async (_request: unknown, body: Buffer) => body,
    );
    server.post('/webhooks/stripe', async ({ body, headers }) => {
      const signature = headers['stripe-signature'];
      await inbox.receive({
        rawBody: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
        signature: Array.isArray(signature) ? signature.join(',') : signature,
      });
      return { received: true };
    });
  };
}
