/** As `app/api/chat/route.ts` of a Next.js app: it answers `useChat` of the AI SDK, and each answer is charged. */
import { openai } from '@ai-sdk/openai';
import {
  convertToModelMessages,
  createUIMessageStreamResponse,
  streamText,
  toUIMessageStream,
  type UIMessage,
  wrapLanguageModel,
} from 'ai';
import { tollgate } from 'tollgate/ai';
import { createClient, isRefusal } from 'tollgate/client';

const client = createClient({
  url: process.env.TOLLGATE_URL!,
  secretKey: process.env.TOLLGATE_SECRET_KEY!,
});

// On a platform that stops a function once it has answered, hand it `waitUntil: after` of `next/server`, too.
const middleware = tollgate({ client, workspaceId: signedIn, pageId: 'chat' });
const model = wrapLanguageModel({ model: openai('gpt-5'), middleware });

export async function POST(request: Request): Promise<Response> {
  const { messages } = (await request.json()) as { messages: UIMessage[] };
  const { stream } = streamText({
    model,
    messages: await convertToModelMessages(messages),
    maxOutputTokens: 2000,
    // A reader who leaves ends the call, and pays for what was written.
    abortSignal: request.signal,
    onError: ({ error }) => isRefusal(error) || console.error(error),
  });
  return createUIMessageStreamResponse({ stream: toUIMessageStream({ stream, onError: inWords }) });
}

/** Whoever is signed in: your product looks it up, by `cookies()` or what you use. */
function signedIn(): string {
  return 'acme';
}

/** What `useChat` has as its `error`. */
function inWords(error: unknown): string {
  if (isRefusal(error, 'insufficient_credits', 'limit_reached')) return error.message;
  return 'The answer could not be written.';
}
