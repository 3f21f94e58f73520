import type OpenAI from 'openai';
import type { Meter } from './meter.ts';
import { given, type Usage } from './usage.ts';

/** How one of OpenAI's endpoints says what is to be done, and what was. */
export type Form<Body, Whole, Event> = {
  /** Throws for what cannot be metered. */
  check(body: Body): void;
  promptOf(body: Body): unknown;
  /** Tokens that may be written; undefined: it does not say. */
  outputOf(body: Body): number | undefined;
  /** The same, with fewer tokens that may be written. */
  limited(body: Body, output: number): Body;
  /** The same, asking for its usage where it would not be said. */
  counting(body: Body): Body;
  usageOf(whole: Whole): Usage | undefined;
  countWhole(meter: Meter, whole: Whole): void;
  /** Counts what came. */
  countEvent(meter: Meter, event: Event): void;
  usageIn(event: Event): Usage | undefined;
  /** Whether it came only because we asked for the usage. */
  isOurs(event: Event, body: Body): boolean;
};

type ChatBody = OpenAI.ChatCompletionCreateParams;

export const chat: Form<ChatBody, OpenAI.ChatCompletion, OpenAI.ChatCompletionChunk> = {
  check() {},
  promptOf: ({ messages, tools, functions, response_format }) => ({
    messages,
    tools,
    functions,
    response_format,
  }),
  outputOf({ max_completion_tokens, max_tokens, n }) {
    const each = max_completion_tokens ?? max_tokens ?? undefined;
    return each === undefined ? undefined : each * (n ?? 1);
  },
  limited(body, output) {
    const each = Math.max(1, Math.floor(output / (body.n ?? 1)));
    // Some who speak as OpenAI does know only the older name.
    return typeof body.max_tokens === 'number'
      ? { ...body, max_tokens: each }
      : { ...body, max_completion_tokens: each };
  },
  counting: (body) =>
    body.stream && body.stream_options?.include_usage === undefined
      ? { ...body, stream_options: { ...body.stream_options, include_usage: true } }
      : body,
  usageOf: ({ usage }) => chatUsageOf(usage),
  countWhole(meter, { choices }) {
    for (const { message } of choices) countMessage(meter, message);
  },
  countEvent(meter, { choices }) {
    // Where Azure filters beside the stream, what it found comes without a delta.
    for (const { delta } of choices) countMessage(meter, delta ?? {});
  },
  usageIn: ({ usage }) => chatUsageOf(usage),
  isOurs: ({ choices, usage }, { stream_options }) =>
    choices.length === 0 && usage != null && stream_options?.include_usage === undefined,
};

type Message = {
  content?: string | null;
  refusal?: string | null;
  tool_calls?: { function?: { name?: string; arguments?: string }; custom?: { input?: string } }[];
};

function countMessage(meter: Meter, message: Message): void {
  meter.begin();
  // Several who speak as OpenAI does stream what a model thinks under this name.
  const { reasoning_content: reasoning } = message as { reasoning_content?: string | null };
  if (reasoning) meter.count('reasoning', reasoning);
  if (message.content) meter.count('output', message.content);
  if (message.refusal) meter.count('output', message.refusal);
  for (const { function: called, custom } of message.tool_calls ?? []) {
    meter.count('output', (called?.name ?? '') + (called?.arguments ?? '') + (custom?.input ?? ''));
  }
}

function chatUsageOf(usage: OpenAI.CompletionUsage | null | undefined): Usage | undefined {
  if (usage == null) return undefined;
  const { prompt_tokens_details: read, completion_tokens_details: written } = usage;
  return pools(usage.prompt_tokens, usage.completion_tokens, {
    cachedInput: read?.cached_tokens ?? 0,
    cacheWrite: read?.cache_write_tokens ?? 0,
    audioInput: read?.audio_tokens ?? 0,
    reasoning: written?.reasoning_tokens ?? 0,
    audioOutput: written?.audio_tokens ?? 0,
  });
}

type ResponseBody = OpenAI.Responses.ResponseCreateParams;

export const responses: Form<ResponseBody, OpenAI.Responses.Response, OpenAI.Responses.ResponseStreamEvent> =
  {
    check({ background }) {
      if (background)
        throw new TypeError('background: what is done later and elsewhere cannot be metered here.');
    },
    promptOf: ({ input, instructions, tools, text, prompt }) => ({
      input,
      instructions,
      tools,
      text,
      prompt,
    }),
    outputOf: ({ max_output_tokens }) => max_output_tokens ?? undefined,
    limited: (body, output) => ({ ...body, max_output_tokens: output }),
    counting: (body) => body,
    usageOf: responseUsageOf,
    countWhole(meter, { output }) {
      for (const item of output) {
        meter.begin();
        if (item.type === 'function_call') meter.count('output', item.name + item.arguments);
        if (item.type !== 'message') continue;
        for (const part of item.content) {
          meter.count('output', part.type === 'output_text' ? part.text : part.refusal);
        }
      }
    },
    countEvent(meter, event) {
      switch (event.type) {
        case 'response.output_text.delta':
        case 'response.refusal.delta':
        case 'response.function_call_arguments.delta':
        case 'response.custom_tool_call_input.delta':
          return meter.count('output', event.delta);
        case 'response.reasoning_text.delta':
        case 'response.reasoning_summary_text.delta':
          return meter.count('reasoning', event.delta);
        case 'response.failed':
        case 'error':
          return;
        default:
          return meter.begin();
      }
    },
    usageIn(event) {
      const isLast =
        event.type === 'response.completed' ||
        event.type === 'response.incomplete' ||
        event.type === 'response.failed';
      return isLast ? responseUsageOf(event.response) : undefined;
    },
    isOurs: () => false,
  };

function responseUsageOf({ usage }: OpenAI.Responses.Response): Usage | undefined {
  if (usage == null) return undefined;
  return pools(usage.input_tokens, usage.output_tokens, {
    cachedInput: usage.input_tokens_details?.cached_tokens ?? 0,
    cacheWrite: usage.input_tokens_details?.cache_write_tokens ?? 0,
    audioInput: 0,
    reasoning: usage.output_tokens_details?.reasoning_tokens ?? 0,
    audioOutput: 0,
  });
}

type Parts = Record<'cachedInput' | 'cacheWrite' | 'audioInput' | 'reasoning' | 'audioOutput', number>;

/** OpenAI's totals contain their parts; a pool contains no other. */
function pools(read: number, written: number, parts: Parts): Usage {
  const { reasoning, audioOutput, ...readParts } = parts;
  const ofRead = Object.values(readParts).reduce((sum, tokens) => sum + tokens, 0);
  return {
    read: { input: Math.max(0, read - ofRead), ...given(readParts) },
    written: {
      output: Math.max(0, written - reasoning - audioOutput),
      ...given({ reasoning, audioOutput }),
    },
  };
}
