import { readdirSync, readFileSync } from 'node:fs';

// A process that the gateway starts leads a session and a group of its own: signals reach all of its descendants that have not
// left the group, and the terminal's signals reach none of them.

const isWindows = process.platform === 'win32';

/** Whether a process of the group lives. */
export function isGroupAlive(leader: number): boolean {
  // There are no groups; the tree is ended at once.
  if (isWindows) return false;
  try {
    process.kill(-leader, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return process.platform !== 'linux' || hasLiveMember(leader);
}

/** Whether not all of the group are zombies, which stay until the first process of a container collects them, if it does. */
function hasLiveMember(leader: number): boolean {
  try {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isLiveMember(name, leader));
  } catch {
    return true;
  }
}

/** proc_pid_stat(5): the state and the group follow the name, which may hold anything. */
function isLiveMember(pid: string, leader: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(group) === leader && state !== 'Z' && state !== 'X';
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

/** Sends a signal to all processes of the group. On Windows both signals end the tree at once. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (isWindows) {
      Bun.spawn(['taskkill', '/pid', String(leader), '/t', '/f'], {
        stdio: ['ignore', 'ignore', 'ignore'],
        windowsHide: true,
      });
    } else process.kill(-leader, signal);
  } catch {
    // It has ended, or taskkill is missing.
  }
}
