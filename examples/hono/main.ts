/** A chat page that shows what is left while the answer streams, by Hono: `npm run example hono`. */
import { join } from 'node:path';
import { openai } from '@ai-sdk/openai';
import { serve } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import {
  convertToModelMessages,
  createUIMessageStream,
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
  wrapLanguageModel,
} from 'ai';
import { Hono } from 'hono';
import { tollgate } from 'tollgate/ai';
import { createClient, isRefusal } from 'tollgate/client';

const client = createClient({
  url: process.env.TOLLGATE_URL!,
  secretKey: process.env.TOLLGATE_SECRET_KEY!,
});
// Whoever is signed in: your product knows.
const { id: workspaceId } = await client.workspaces.put({ id: 'acme', name: 'Acme' });

/** Points that can be spent now: free ones, and what credits pay for. What a call holds is not among them. */
async function pointsLeft(): Promise<number> {
  return (await client.check({ workspaceId, featureCode: 'ai.points' })).affordable;
}

const app = new Hono();

app.post('/chat', async (c) => {
  const { messages } = await c.req.json();
  const atFirst = await pointsLeft();
  const stream = createUIMessageStream({
    async execute({ writer }) {
      const show = (left: number) => writer.write({ type: 'data-points', data: left, transient: true });
      const middleware = tollgate({
        client,
        workspaceId,
        pageId: 'chat',
        onHold: ({ settledAmount, progressAmount }) => show(atFirst - (settledAmount ?? progressAmount)),
      });
      const answer = streamText({
        model: wrapLanguageModel({ model: openai('gpt-5'), middleware }),
        messages: await convertToModelMessages(messages),
        maxOutputTokens: 2000,
        // A reader who stops ends the call, and pays for what was written.
        abortSignal: c.req.raw.signal,
        onError: ({ error }) => isRefusal(error) || console.error(error),
      });
      const parts = toUIMessageStream({ stream: answer.stream, onError: inWords });
      for await (const part of parts) writer.write(part);
      show(await pointsLeft());
    },
  });
  return createUIMessageStreamResponse({ stream });
});

/** Why there is no answer, and what it takes. */
function inWords(error: unknown): string {
  if (isRefusal(error, 'insufficient_credits')) {
    const { required, available } = error.details;
    return `That takes more points than are left: up to ${required} credits beside the free ones, and you have ${available}.`;
  }
  return isRefusal(error, 'limit_reached')
    ? error.message
    : 'The answer broke off. Only what came is charged.';
}

/** Once nothing is held, what is left is the balance: who has stopped an answer asks until then. */
app.get('/points', async (c) => {
  const { data: open } = await client.holds.list({ workspaceId, status: 'HELD', limit: 1 }).page();
  return c.json({ left: await pointsLeft(), isSettled: open.length === 0 });
});

app.get('*', serveStatic({ root: join(import.meta.dirname, 'page') }));

const [hostname, port] = ['127.0.0.1', Number(process.env.PORT ?? 8080)];
serve({ fetch: app.fetch, hostname, port }, ({ address, port }) => {
  console.log(`The chat is at http://${address}:${port}`);
});
