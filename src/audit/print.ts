import type { CheckReport, Report } from './audit.ts';

/** Failures that are printed of each check: the answer of GET /v1/audit has more. */
const PRINTED_MAX = 5;

/** A report as a table for a terminal, failures below their check. */
export function printAudit({ ok, checkedAt, checks }: Report): string {
  const failed = checks.filter((check) => !check.ok).length;
  const width = Math.max(...checks.map(({ checked }) => format(checked).length), 'rows'.length);
  return [
    `${''.padEnd(4)}${'rows'.padStart(width)}  invariant`,
    ...checks.flatMap((check) => linesOf(check, width)),
    '',
    ok
      ? `Audit of ${checkedAt}: all ${checks.length} invariants hold.`
      : `Audit of ${checkedAt}: ${failed} of ${checks.length} invariants are broken.`,
  ].join('\n');
}

function linesOf({ ok, checked, name, failures }: CheckReport, width: number): string[] {
  const shown = failures
    .slice(0, PRINTED_MAX)
    .map((failure) => `${''.padEnd(width + 8)}${JSON.stringify(failure)}`);
  const hidden = failures.length - shown.length;
  return [
    `${(ok ? 'ok' : 'NO').padEnd(4)}${format(checked).padStart(width)}  ${name}`,
    ...shown,
    ...(hidden > 0 ? [`${''.padEnd(width + 8)}and at least ${hidden} more`] : []),
  ];
}

function format(count: number): string {
  return count.toLocaleString('en-US');
}
