import type OpenAI from 'openai';
import type { Stream } from 'openai/streaming';
import { chat, type Form, responses } from './forms.ts';
import { meterImages } from './images.ts';
import { askProvider, type Meter, openMeter } from './meter.ts';
import { chargedBy, type MeterSettings, outputTokensOf } from './settings.ts';
import { tokensOfPrompt } from './tokens.ts';
import type { Usage } from './usage.ts';

export type { MeterFailure, MeterSettings, TextOrLookup } from './settings.ts';

/** The calls of OpenAI's client that are metered, with its own inputs and answers. */
export type MeteredOpenAI = {
  chat: {
    completions: {
      create: Create<
        OpenAI.ChatCompletionCreateParamsNonStreaming,
        OpenAI.ChatCompletionCreateParamsStreaming,
        OpenAI.ChatCompletion,
        OpenAI.ChatCompletionChunk
      >;
    };
  };
  responses: {
    create: Create<
      OpenAI.Responses.ResponseCreateParamsNonStreaming,
      OpenAI.Responses.ResponseCreateParamsStreaming,
      OpenAI.Responses.Response,
      OpenAI.Responses.ResponseStreamEvent
    >;
  };
  images: {
    generate(
      body: OpenAI.ImageGenerateParamsNonStreaming,
      options?: OpenAI.RequestOptions,
    ): Promise<OpenAI.ImagesResponse>;
  };
};

type Create<WholeBody, StreamBody, Whole, Event> = {
  (body: WholeBody, options?: OpenAI.RequestOptions): Promise<Whole>;
  (body: StreamBody, options?: OpenAI.RequestOptions): Promise<Stream<Event>>;
};

/**
 * OpenAI's client, or that of whoever speaks as OpenAI does, with each call charged to a workspace:
 *
 *     const metered = meterOpenAI(new OpenAI(), { client, workspaceId, pageId });
 *     const stream = await metered.chat.completions.create({ model, messages, stream: true });
 *
 * It opens nothing: make one for each request that names a workspace of its own.
 */
export function meterOpenAI(openai: OpenAI, settings: MeterSettings): MeteredOpenAI {
  const { completions } = openai.chat;
  return {
    chat: {
      completions: {
        create: creating(settings, chat, (body, options) => completions.create(body, options)),
      },
    },
    responses: {
      create: creating(settings, responses, (body, options) => openai.responses.create(body, options)),
    },
    images: {
      async generate(body, options) {
        const { n, size, quality, model } = body;
        const plan = {
          ...(await chargedBy(settings)),
          model: pricedAs(settings, model),
          images: { count: n ?? 1, size: named(size), quality: named(quality) },
          signal: options?.signal ?? undefined,
        };
        const make = () => openai.images.generate(body, options);
        return meterImages(settings, plan, make, ({ data }) => data?.length ?? 0);
      },
    },
  };
}

/** What the provider chooses itself is not known before. */
function named(choice: string | null | undefined): string | undefined {
  return choice === 'auto' ? undefined : (choice ?? undefined);
}

function pricedAs(settings: MeterSettings, model: string | null | undefined): string {
  if (typeof model !== 'string') throw new TypeError('model is missing: its price is what is charged.');
  return settings.pricedAs?.({ provider: 'openai', modelId: model }) ?? model;
}

type Ask<Body, Whole, Event> = (
  body: Body,
  options: OpenAI.RequestOptions | undefined,
) => Promise<Whole | Stream<Event>>;

function creating<Body extends { model?: string }, Whole extends object, Event>(
  settings: MeterSettings,
  form: Form<Body, Whole, Event>,
  ask: Ask<Body, Whole, Event>,
) {
  return async (body: Body, options?: OpenAI.RequestOptions) => {
    form.check(body);
    const output = form.outputOf(body) ?? outputTokensOf(settings);
    const plan = {
      ...(await chargedBy(settings)),
      model: pricedAs(settings, body.model),
      input: tokensOfPrompt(form.promptOf(body)),
      output,
    };
    const signal = options?.signal ?? undefined;
    const meter = await openMeter(settings, plan, signal);
    const own = meter.outputTokens < output ? form.limited(body, meter.outputTokens) : body;
    const answer = await askProvider(meter, signal, () => ask(form.counting(own), options));
    if (isStream(answer)) return metered(answer, meter, form, body);
    form.countWhole(meter, answer);
    await meter.end(form.usageOf(answer));
    // biome-ignore lint/suspicious/noExplicitAny: which of both it is follows from the body
    return answer as any;
  };
}

function isStream<Event>(answer: object | Stream<Event>): answer is Stream<Event> {
  return 'controller' in answer;
}

/** The same stream, counted. */
function metered<Body, Event>(
  source: Stream<Event>,
  meter: Meter,
  form: Form<Body, unknown, Event>,
  body: Body,
): Stream<Event> {
  const { signal } = source.controller;
  let usage: Usage | undefined;
  let isReading = false;

  function end(): Promise<void> {
    signal.removeEventListener('abort', giveUp);
    return meter.end(usage);
  }

  /** Whoever gives up has had the provider read the prompt. What is being read ends by itself, and says why. */
  function giveUp(): void {
    if (isReading) return;
    meter.begin();
    void end();
  }

  async function* counted(): AsyncGenerator<Event> {
    const events = source[Symbol.asyncIterator]();
    let isWithReader = false;
    try {
      for (;;) {
        isReading = true;
        meter.awaits(true);
        const { done, value } = await events.next();
        meter.awaits(false);
        isReading = false;
        if (done) {
          if (signal.aborted) meter.begin();
          return;
        }
        form.countEvent(meter, value);
        usage = form.usageIn(value) ?? usage;
        if (form.isOurs(value, body)) continue;
        isWithReader = true;
        yield value;
        isWithReader = false;
      }
    } finally {
      if (isWithReader) meter.begin();
      await events.return?.();
      await end();
    }
  }

  signal.addEventListener('abort', giveUp);
  const Same = source.constructor as new (
    events: () => AsyncIterator<Event>,
    of: AbortController,
  ) => Stream<Event>;
  return new Same(counted, source.controller);
}
