import { readdirSync, readFileSync } from 'node:fs';

/** The pids of this process's children whose command line contains `text`; none where there is no `/proc`. */
export function childrenWith(text: string, parent = process.pid): number[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1');
    } catch {
      // It has ended meanwhile.
      return '';
    }
  };
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return [];
  }
  return entries
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const [, state, parentPid] = /\) (\S) (\d+) /.exec(read(pid, 'stat')) ?? [];
      return state !== 'Z' && Number(parentPid) === parent && read(pid, 'cmdline').includes(text);
    })
    .map(Number);
}

/** Whether a process is alive, whoever its parent is. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Kills a process, unless it has ended. */
export function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
