/**
 * Answers in plain text, by Express: a refusal is a 402 that says why. `npm run example express`, and then
 *
 *     curl -N http://127.0.0.1:8080/chat -H 'Content-Type: application/json' -d '{"prompt": "What is a fair price?"}'
 */
import type { AddressInfo } from 'node:net';
import { openai } from '@ai-sdk/openai';
import { streamText, wrapLanguageModel } from 'ai';
import express, { type ErrorRequestHandler } from 'express';
import { tollgate } from 'tollgate/ai';
import { createClient, isRefusal } from 'tollgate/client';

const client = createClient({
  url: process.env.TOLLGATE_URL!,
  secretKey: process.env.TOLLGATE_SECRET_KEY!,
});
await client.workspaces.put({ id: 'acme', name: 'Acme' });
const model = wrapLanguageModel({ model: openai('gpt-5'), middleware: tollgate({ client, pageId: 'chat' }) });

const app = express();

app.post('/chat', express.json(), async (req, res) => {
  const prompt = req.body?.prompt;
  if (typeof prompt !== 'string') return void res.status(400).send('Send {"prompt": "…"} as JSON.');
  // A reader who leaves ends the call, and pays for what was written.
  const left = new AbortController();
  res.on('close', () => left.abort());
  const { stream } = streamText({
    model,
    prompt,
    maxOutputTokens: 2000,
    // Whoever is signed in: your product knows.
    providerOptions: { tollgate: { workspaceId: 'acme' } },
    abortSignal: left.signal,
    onError() {}, // it is thrown below
  });
  res.type('text/plain');
  for await (const part of stream) {
    if (part.type === 'error') throw part.error;
    if (part.type === 'text-delta') res.write(part.text);
  }
  res.end();
});

/** It comes before the first word, so that nothing was sent yet. */
const sayRefusal: ErrorRequestHandler = (error, _req, res, next) => {
  if (!isRefusal(error, 'insufficient_credits', 'limit_reached')) return next(error);
  const { status, code, message, details } = error;
  res.status(status).type('json').send({ error: { code, message, details } });
};
app.use(sayRefusal);

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', (error) => {
  if (error) throw error;
  const { port } = server.address() as AddressInfo;
  console.log(`The chat answers at http://127.0.0.1:${port}/chat`);
});
