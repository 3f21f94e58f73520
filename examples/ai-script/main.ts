/** A metered chat in ten lines. `npm run example ai-script` runs it; examples/README.md says what it needs. */
import { openai } from '@ai-sdk/openai';
import { streamText, wrapLanguageModel } from 'ai';
import { tollgate } from 'tollgate/ai';
import { createClient } from 'tollgate/client';

const client = createClient({
  url: process.env.TOLLGATE_URL!,
  secretKey: process.env.TOLLGATE_SECRET_KEY!,
});
await client.workspaces.put({ id: 'acme', name: 'Acme' });
const middleware = tollgate({ client, workspaceId: 'acme', pageId: 'script' });
const model = wrapLanguageModel({ model: openai('gpt-5'), middleware });
const { textStream } = streamText({ model, prompt: 'What is a fair price?', maxOutputTokens: 2000 });
for await (const text of textStream) process.stdout.write(text);

const [usage] = (await client.aiUsages.list({ workspaceId: 'acme', limit: 1 }).page()).data;
console.log(`\n${usage!.points} of 200 points for ${JSON.stringify(usage!.work!.tokens)}`);
