import type { z } from 'zod';
import type { Code } from './errors.ts';

/** What every handler knows of its request. */
export type Call<Body, Query, Params> = {
  body: Body;
  query: Query;
  params: Params;
  idempotencyKey: string | null;
  requestId: string;
};

/**
 * What a handler answers: a status other than 200 only where it says so. `transient`: a part of it could not be done
 * for now, so that a repeat runs again instead of getting this answer.
 */
export type Reply = { status?: number; body: unknown; replayed?: boolean; transient?: boolean };

/** What a verb answered, as what its handler answers. */
export function replyOf(
  { value, replayed }: { value: unknown; replayed: boolean },
  status: number = 200,
): Reply {
  return { status, body: value, replayed };
}

/** One endpoint, in one place: its address, its schemas, its refusals, its handler. Routes and OpenAPI come from it. */
export type Endpoint = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  tag: string;
  summary: string;
  body?: z.ZodType;
  query?: z.ZodType;
  params?: z.ZodType;
  /** Schemas of the answers by status. */
  answers: Record<number, z.ZodType>;
  refusals: readonly Code[];
  /**
   * Where a repeat under the same key gets its first answer from: the decision that the engine kept, or the request as
   * a whole. Not set on what changes nothing, or may be repeated as it is.
   */
  repeats?: 'decision' | 'request';
  handle(call: Call<never, never, never>): Promise<Reply>;
};

type Described<B, Q, P> = Omit<Endpoint, 'body' | 'query' | 'params' | 'handle'> & {
  body?: B;
  query?: Q;
  params?: P;
  handle(call: Call<Parsed<B>, Parsed<Q>, Parsed<P>>): Promise<Reply>;
};

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** Describes an endpoint; the handler is typed by its schemas. */
export function endpoint<
  B extends z.ZodType | undefined = undefined,
  Q extends z.ZodType | undefined = undefined,
  P extends z.ZodType | undefined = undefined,
>(described: Described<B, Q, P>): Endpoint {
  return described as unknown as Endpoint;
}
