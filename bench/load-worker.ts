/** A process of its own that puts load on a server and prints its LoadResult: `load-worker.ts <Work as JSON>`. */
import { load, type Next } from './load.ts';

export type Work = {
  port: number;
  key: string;
  connections: number;
  seconds: number;
  warmupSeconds: number;
  path: string;
  /** Ids are ws_0 … */
  workspaces: number;
  /** More than 0: that many items in each request, as /v1/usage/batch takes them. */
  items: number;
};

/** What is held is settled next, on the same connection. */
const HELD = /"id":"(op_\w+)","status":"HELD"/;

const work: Work = JSON.parse(process.argv[2]!);
const workspace = () => `ws_${Math.floor(Math.random() * work.workspaces)}`;
const use = () => ({ workspaceId: workspace(), featureCode: 'video.minutes', amount: 1 });
let sent = 0;
const item = () => ({ ...use(), idempotencyKey: `${process.pid}-${process.hrtime.bigint()}-${sent++}` });
const next = (answer: string): Next => {
  const holdId = HELD.exec(answer)?.[1];
  if (holdId !== undefined) return { path: `/v1/holds/${holdId}/settle`, body: '{"amount":1}' };
  const asked = work.items === 0 ? use() : { items: Array.from({ length: work.items }, item) };
  return { body: JSON.stringify(asked) };
};

const result = await load({
  ...work,
  headers: { Authorization: `Bearer ${work.key}` },
  next,
});
process.stdout.write(JSON.stringify(result));
