import { readdirSync, readFileSync } from 'node:fs';

/** What processes take from the machine, as Linux tells. */

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

/** Milliseconds of CPU that these processes, and those that they have started and that have ended, have taken so far. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = statOf(pid);
    const ticks = (fields ?? []).slice(11, 15).reduce((all, field) => all + Number(field), 0);
    return sum + (ticks * 1000) / TICKS_PER_SECOND;
  }, 0);
}

/** Memory in MiB; what processes share is counted once. */
export function memoryMiB(pids: readonly number[]): number {
  const kib = pids.reduce((sum, pid) => {
    try {
      return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]);
    } catch {
      return sum; // it has ended
    }
  }, 0);
  return kib / 1024;
}

/** A process and everything that it has started. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
  }
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents)
      if (parent === member && !family.includes(child)) family.push(child);
  }
  return family;
}

/** The fields of /proc/pid/stat after the name, which may hold spaces. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
