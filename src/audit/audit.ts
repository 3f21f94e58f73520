import type { Transaction } from 'kysely';
import type { Db } from '../db/pool.ts';
import type { DB } from '../db/types.ts';
import type { Check } from './check.ts';
import { decisionChecks } from './decisions/store.ts';
import { holdChecks } from './holds/store.ts';
import { paymentChecks } from './payments/store.ts';
import { planChecks } from './plans/store.ts';
import { reversalChecks } from './reversals/store.ts';
import { rowChecks } from './rows/store.ts';
import { type Failure, onSnapshot, runCheck } from './store.ts';
import { usageChecks } from './usages/store.ts';
import { walletChecks } from './wallets/store.ts';

/** What an audit found. `ok`: every invariant holds for every row. */
export type Report = { ok: boolean; checkedAt: string; checks: CheckReport[] };

/** `checked`: the rows that it looked at. `failures`: the first rows that break it. */
export type CheckReport = { name: string; ok: boolean; checked: number; failures: Failure[] };

export const CHECKS: readonly Check[] = [
  ...walletChecks,
  ...reversalChecks,
  ...holdChecks,
  ...decisionChecks,
  ...usageChecks,
  ...paymentChecks,
  ...planChecks,
  ...rowChecks,
];

/** Checks every invariant over all rows, as they were at one moment: it is clean under load, too. */
export async function audit(db: Db, { now }: { now: Date }): Promise<Report> {
  const checks = await onSnapshot(db, checkAll);
  return { ok: checks.every((check) => check.ok), checkedAt: now.toISOString(), checks };
}

/** Runs the checks one after the other: the report is as long as their list, however many rows there are. */
export async function checkAll(snapshot: Transaction<DB>): Promise<CheckReport[]> {
  const reports: CheckReport[] = [];
  for (const check of CHECKS) {
    const { checked, failures } = await runCheck(snapshot, check);
    reports.push({ name: check.name, ok: failures.length === 0, checked, failures });
  }
  return reports;
}
