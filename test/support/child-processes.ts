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

/** Whether a process lives, whoever its parent is; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return process.platform !== 'linux';
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
