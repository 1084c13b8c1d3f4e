// CPU time, memory and sockets of running processes, from /proc. A process that has exited counts as nothing.

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

/** The unit of CPU time in /proc/PID/stat: a hundredth of a second, whatever the kernel's own tick. */
const nsPerTick = 1e7;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The process `pid` and all of its descendants. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    // The program's name is in parentheses and may contain parentheses itself.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return tree;
}

/** By process: the last CPU time read from each live thread, and the sum of the threads that have ended. */
const seen = new Map<number, { readonly threads: Map<string, number>; endedNs: number }>();

/**
 * The CPU time that `pid` has used, in nanoseconds. The sum over its threads is exact, but misses what a thread did
 * between the last reading and its end; /proc/PID/stat misses nothing, but counts in hundredths of a second.
 */
export function cpuNs(pid: number): number {
  const account = seen.get(pid) ?? { threads: new Map<string, number>(), endedNs: 0 };
  seen.set(pid, account);
  const before = new Map(account.threads);
  account.threads.clear();
  for (const task of list(`/proc/${pid}/task`)) {
    const ns = Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0]);
    account.threads.set(task, ns);
    // A new thread may reuse the id of one that has ended.
    if ((before.get(task) ?? 0) <= ns) before.delete(task);
  }
  for (const ns of before.values()) account.endedNs += ns;
  const threadsNs = [...account.threads.values()].reduce((sum, ns) => sum + ns, account.endedNs);
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const statNs = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * nsPerTick;
  return Math.max(threadsNs, statNs);
}

const statusBytes = (pid: number, key: string) =>
  Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;

/** The resident memory of `pid`. */
export const residentBytes = (pid: number) => statusBytes(pid, 'VmRSS');

/** The peak resident memory of `pid` since its start, or since `resetPeak`. */
export const peakBytes = (pid: number) => statusBytes(pid, 'VmHWM');

/** Restarts `peakBytes` from the current memory. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // The process has exited, or the kernel lacks this: then the peak counts from the start.
  }
}

/** How many sockets `pid` has open. */
export function socketCount(pid: number): number {
  let count = 0;
  for (const fd of list(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')) count += 1;
    } catch {
      // Closed since it was listed.
    }
  }
  return count;
}
