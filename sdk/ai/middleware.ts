import type { LanguageModelMiddleware } from 'ai';
import { askProvider, type Meter, openMeter } from './meter.ts';
import { chargedBy, type MeterSettings, outputTokensOf } from './settings.ts';
import { tokensOfPrompt } from './tokens.ts';
import { type ProviderUsage, usageOf } from './usage.ts';

type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>;
type Asked = Pick<Parameters<WrapStream>[0], 'params' | 'model'>;
type Params = Asked['params'];
type StreamResult = Awaited<ReturnType<WrapStream>>;
type Part = StreamResult['stream'] extends ReadableStream<infer P> ? P : never;
type Content = Awaited<ReturnType<NonNullable<LanguageModelMiddleware['wrapGenerate']>>>['content'];

/**
 * Middleware of the Vercel AI SDK that charges each call of a model to a workspace:
 *
 *     const model = wrapLanguageModel({ model: openai('gpt-5'), middleware: tollgate({ client, workspaceId, pageId }) });
 *
 * A call is refused with the client's Refusal before its provider hears of it. What it reads and writes is reported while it
 * streams and settled at its end, whatever that is. A call may name its own workspace and page:
 * `providerOptions: { tollgate: { workspaceId, pageId } }`.
 */
export function tollgate(settings: MeterSettings): LanguageModelMiddleware {
  return {
    specificationVersion: 'v4',

    async wrapGenerate(asked) {
      const { meter, params } = await open(settings, asked);
      const result = await askProvider(meter, params.abortSignal, () => asked.model.doGenerate(params));
      countContent(meter, result.content);
      await meter.end(usageOf(result.usage));
      return result;
    },

    async wrapStream(asked) {
      const { meter, params } = await open(settings, asked);
      const result = await askProvider(meter, params.abortSignal, () => asked.model.doStream(params));
      return { ...result, stream: metered(result.stream, meter, params.abortSignal) };
    },
  };
}

/** Takes the hold, and says what the provider is to be asked. */
async function open(
  settings: MeterSettings,
  { params, model }: Asked,
): Promise<{ meter: Meter; params: Params }> {
  const { tollgate: said, ...providerOptions } = params.providerOptions ?? {};
  const { prompt, tools, responseFormat, maxOutputTokens } = params;
  const output = maxOutputTokens ?? outputTokensOf(settings);
  const plan = {
    ...(await chargedBy(settings, said)),
    model: settings.pricedAs?.(model) ?? model.modelId,
    input: tokensOfPrompt({ prompt, tools, responseFormat }),
    output,
  };
  const meter = await openMeter(settings, plan, params.abortSignal);
  const own = { ...params, providerOptions };
  const isClamped = meter.outputTokens < output;
  return { meter, params: isClamped ? { ...own, maxOutputTokens: meter.outputTokens } : own };
}

/** The same stream, counted. It closes once what it came to is settled, so that a process may end with it. */
function metered(
  source: ReadableStream<Part>,
  meter: Meter,
  signal: AbortSignal | undefined,
): ReadableStream<Part> {
  const reader = source.getReader();
  const countPart = counterOf(meter);
  let usage: ProviderUsage | undefined;

  /** Whoever gives up has had the provider read the prompt. */
  function giveUp(): void {
    meter.begin();
    void end();
  }

  function end(): Promise<void> {
    signal?.removeEventListener('abort', giveUp);
    return meter.end(usage && usageOf(usage));
  }

  signal?.addEventListener('abort', giveUp);
  // A provider that takes no notice has begun its stream though nobody waits for it.
  if (signal?.aborted) giveUp();
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        meter.awaits(true);
        try {
          const { done, value } = await reader.read();
          meter.awaits(false);
          if (done) {
            await end();
            return controller.close();
          }
          countPart(value);
          if (value.type === 'finish') {
            usage = value.usage;
            // Some readers stop here. The others are told of the end once it is settled.
            void end();
          }
          controller.enqueue(value);
        } catch (error) {
          await end();
          controller.error(error);
        }
      },
      cancel(reason) {
        giveUp();
        return reader.cancel(reason);
      },
    },
    // Nothing is read ahead of its reader: a reader that has gone is noticed.
    { highWaterMark: 0 },
  );
}

/** Counts the parts of a stream. The input of a tool may come in pieces, or only as a whole. */
function counterOf(meter: Meter): (part: Part) => void {
  const streamedTools = new Set<string>();
  return (part) => {
    switch (part.type) {
      case 'text-delta':
        return meter.count('output', part.delta);
      case 'reasoning-delta':
        return meter.count('reasoning', part.delta);
      case 'tool-input-delta':
        streamedTools.add(part.id);
        return meter.count('output', part.delta);
      case 'tool-call':
        if (!streamedTools.has(part.toolCallId)) meter.count('output', part.input);
        return;
      // These come although no model has worked.
      case 'stream-start':
      case 'error':
      case 'raw':
      case 'ping':
      case 'finish':
        return;
      default:
        return meter.begin();
    }
  };
}

function countContent(meter: Meter, content: Content): void {
  for (const part of content) {
    if (part.type === 'text') meter.count('output', part.text);
    else if (part.type === 'reasoning') meter.count('reasoning', part.text);
    else if (part.type === 'tool-call') meter.count('output', part.input);
    else meter.begin();
  }
}
