import assert from 'node:assert/strict';
import { DefaultChatTransport } from 'ai';
import { openWorld, type World } from '../ai/world.ts';
import { launchProgram, SECRET_KEY } from '../server.ts';
import { until } from '../shop.ts';

/** The workspace that all examples charge. */
export const WORKSPACE = 'acme';

/** An example that serves, beside a Tollgate with the catalog as it comes and a provider. */
export type Example = World & {
  url: string;
  /** What can be spent once no answer is being written any more. */
  balance(): Promise<number>;
};

export async function startExample(name: string): Promise<Example> {
  const world = await openWorld({ TOLLGATE_CONFIG: undefined });
  const { server, provider } = world;
  const env = {
    ...{ PORT: '0', TOLLGATE_URL: server.url, TOLLGATE_SECRET_KEY: SECRET_KEY },
    ...{ OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'sk-of-the-test' },
  };
  const flags = ['--conditions=tollgate-source'];
  const { child, output, errors, ended } = launchProgram(`examples/${name}/main.ts`, [], env, flags);
  const address = () => /http:\/\/[\d.]+:\d+/.exec(output())?.[0];
  await until(() => {
    assert.equal(child.exitCode, null, errors());
    return address() !== undefined;
  });
  return {
    ...world,
    url: address()!,
    async balance() {
      await world.endedHoldsOf(WORKSPACE);
      return (await world.client.check({ workspaceId: WORKSPACE, featureCode: 'ai.points' })).affordable;
    },
    async close() {
      child.kill();
      await ended;
      await world.close();
      assert.equal(errors(), '');
    },
  };
}

/** What came of a question. */
export type Heard = {
  text: string;
  /** Why there is no answer, or no more of it, in words for a person. */
  error: string | undefined;
  /** Points left, each time that they were told. */
  points: number[];
};

/** Asks a server of an example. `onPart` is called whenever more was heard. */
export type Ask = (
  url: string,
  prompt: string,
  more?: { signal?: AbortSignal; onPart?: (heard: Heard) => void },
) => Promise<Heard>;

/** As `curl` does, where the answer is text. */
export const askForText: Ask = async (url, prompt, { signal, onPart } = {}) => {
  const heard = nothing();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ prompt }),
    signal: signal ?? null,
  });
  if (!response.ok) return { ...heard, error: JSON.parse(await response.text()).error.message };
  const decoder = new TextDecoder();
  return hear(signal, heard, async () => {
    for await (const bytes of response.body!) {
      heard.text += decoder.decode(bytes, { stream: true });
      onPart?.(heard);
    }
  });
};

/** As `useChat` of the AI SDK does. */
export const askAsChat: Ask = async (url, prompt, { signal, onPart } = {}) => {
  const heard = nothing();
  const parts = await new DefaultChatTransport({ api: url }).sendMessages({
    ...{ trigger: 'submit-message', chatId: 'chat', messageId: undefined, abortSignal: signal },
    messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: prompt }] }],
  });
  return hear(signal, heard, async () => {
    for await (const part of parts) {
      if (part.type === 'text-delta') heard.text += part.delta;
      if (part.type === 'error') heard.error = part.errorText;
      if (part.type === 'data-points') heard.points.push(Number(part.data));
      onPart?.(heard);
    }
  });
};

const nothing = (): Heard => ({ text: '', error: undefined, points: [] });

/** Whoever has left has heard what came until then. */
async function hear(
  signal: AbortSignal | undefined,
  heard: Heard,
  read: () => Promise<void>,
): Promise<Heard> {
  try {
    await read();
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
  return heard;
}
