import { randomUUID } from 'node:crypto';

/** An answer as it came: the body also as the text that was sent. */
export type Answer = {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests ask
  body: any;
  text: string;
  headers: Headers;
};

export type Client = {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, idempotencyKey?: string): Promise<Answer>;
  /** Creates a workspace and resolves to its id. */
  workspace(prefix?: string): Promise<string>;
  use(workspaceId: string, featureCode: string, amount?: number, idempotencyKey?: string): Promise<Answer>;
  grant(workspaceId: string, amount: number, more?: Record<string, unknown>): Promise<Answer>;
  refund(id: string, idempotencyKey?: string): Promise<Answer>;
};

/** Speaks to a server as its users do. Requests that are made at once go out at once, each on a connection. */
export function createClient(url: string, secretKey: string): Client {
  const call: Client['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${secretKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json');
    return { status: answer.status, body: isJson ? JSON.parse(text) : text, text, headers: answer.headers };
  };
  const post: Client['post'] = (path, body, key) =>
    call('POST', path, body, key === undefined ? {} : { 'idempotency-key': key });
  return {
    call,
    post,
    get: (path) => call('GET', path),
    async workspace(prefix = 'ws') {
      const id = `${prefix}-${randomUUID()}`;
      const { status, text } = await call('PUT', `/v1/workspaces/${id}`, { name: prefix });
      if (status !== 201) throw new Error(`the workspace was not created: ${text}`);
      return id;
    },
    use: (workspaceId, featureCode, amount = 1, key) =>
      post('/v1/usage', { workspaceId, featureCode, amount }, key),
    grant: (workspaceId, amount, more = {}) =>
      post('/v1/credits/grants', {
        workspaceId,
        amount,
        type: 'PROMOTION',
        description: 'for a test',
        ...more,
      }),
    refund: (id, key) => post(`/v1/usage/${id}/refund`, {}, key),
  };
}
