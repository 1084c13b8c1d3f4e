// A process that the gateway starts leads a session and a group of its own: signals reach all of its descendants that have not
// left the group, and the terminal's signals reach none of them.

const isWindows = process.platform === 'win32';

/** Whether a process of the group lives. */
export function isGroupAlive(leader: number): boolean {
  // There are no groups; the tree is ended at once.
  if (isWindows) return false;
  try {
    process.kill(-leader, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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
