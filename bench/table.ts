import type { AICosts } from './ai-worker.ts';

/** What a run of the bench has measured. */
export type Report = {
  rows: Row[];
  /** Of a model's answer that is streamed through the middleware; null where none was. */
  ai: AICosts | null;
  /** Null where none were delivered. */
  webhooks: WebhookCounts | null;
  start: { firstMs: number; laterMs: number };
  memory: Record<'atRest' | 'afterLoad', { serverMiB: number; withPostgresMiB: number }>;
};

export type Row = {
  measure: string;
  baseline: string;
  /** Of all turns, the median. */
  perSecond: number;
  baselinePerSecond: number;
  ratio: number;
  /** Null: for comparison only. */
  atLeast: number | null;
  aim: number | null;
  p50Ms: number;
  p99Ms: number;
  cpuMsPerRequest: number;
};

/** What became of the events that were delivered to Tollgate. */
export type WebhookCounts = { events: number; applied: number; ignored: number };

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Prints a report as tables that can be pasted into a page. */
export function printTable({ rows, ai, webhooks, start, memory }: Report): void {
  const throughput = [
    [
      'measure',
      'baseline',
      'per second',
      'baseline',
      'ratio',
      'at least',
      'aim',
      'p50 ms',
      'p99 ms',
      'CPU ms',
    ],
    ...rows.map((row) => [
      row.measure,
      row.baseline,
      Math.round(row.perSecond).toLocaleString('en'),
      Math.round(row.baselinePerSecond).toLocaleString('en'),
      row.ratio.toFixed(2),
      String(row.atLeast ?? ''),
      String(row.aim ?? ''),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      row.cpuMsPerRequest.toFixed(3),
    ]),
  ];
  const rest = [
    ['what', 'measured', 'at most'],
    ...(ai === null ? [] : aiLines(ai)),
    ['npm start to ready, first start', `${(start.firstMs / 1000).toFixed(2)} s`, '4 s'],
    ['npm start to ready, later start', `${(start.laterMs / 1000).toFixed(2)} s`, '2 s'],
    ['server at rest', `${memory.atRest.serverMiB.toFixed(0)} MiB`, '150 MiB'],
    ['server and Postgres at rest', `${memory.atRest.withPostgresMiB.toFixed(0)} MiB`, '350 MiB'],
    ['server after load', `${memory.afterLoad.serverMiB.toFixed(0)} MiB`, ''],
    ['server and Postgres after load', `${memory.afterLoad.withPostgresMiB.toFixed(0)} MiB`, ''],
  ];
  process.stdout.write(`\n${markdown(throughput)}\n\n${markdown(rest)}\n`);
  if (webhooks === null) return;
  const { events, applied, ignored } = webhooks;
  process.stdout.write(
    `\nOf ${events} events Tollgate applied ${applied}, each after its object was read again from the simulator; from the ` +
      `other ${ignored} nothing follows.\n`,
  );
}

function aiLines({ cpuMs, withFetchCpuMs, requests, firstTokenMs, holdMs }: AICosts): string[][] {
  return [
    ['CPU that metering adds to an answer of 500 chunks', `${cpuMs.toFixed(2)} ms`, '1 ms'],
    [`the same with fetch, for ${requests} requests`, `${withFetchCpuMs.toFixed(2)} ms`, ''],
    [
      'how much later its first token comes',
      `${firstTokenMs.toFixed(1)} ms`,
      `${holdMs.toFixed(1)} ms, a hold's time`,
    ],
  ];
}

function markdown(table: string[][]): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`,
  );
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}
