import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** How long a program of the system may take to answer. */
const timeoutMs = 3_000;
/** More processes are not looked through. */
const maxProcesses = 10_000;

/** Whether nobody listens there. An obstacle of another kind, such as an unknown host, is not told here. */
export function isPortFree(host: string, port: number): boolean {
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EADDRINUSE';
  }
}

/** The program that listens on a port of this machine, such as `node (pid 123)`; null: the system does not say. */
export function listenerOn(port: number, platform: NodeJS.Platform): string | null {
  try {
    if (platform === 'linux') return linuxListener(port);
    if (platform === 'win32') return windowsListener(port);
    const [, pid, name] =
      /^p(\d+)\n(?:.*\n)*?c(.*)$/m.exec(run(['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'])) ?? [];
    return pid === undefined ? null : `${name} (pid ${pid})`;
  } catch {
    return null;
  }
}

/** From the sockets of the processes of this user: those of others cannot be seen. */
function linuxListener(port: number): string | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => inodesIn(path, port)));
  if (inodes.size === 0) return null;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const pid of pids.slice(0, maxProcesses)) {
    if (!socketsOf(pid).some((socket) => inodes.has(socket))) continue;
    return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
  }
  return null;
}

/** proc(5), `/proc/net/tcp`: local address, state (0A: it listens) and inode. */
function inodesIn(path: string, port: number): string[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // There may be no IPv6.
  }
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    return local.endsWith(suffix) && state === '0A' ? [`socket:[${inode}]`] : [];
  });
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function windowsListener(port: number): string | null {
  const line = run(['netstat', '-ano', '-p', 'TCP'])
    .split(/\r?\n/)
    .find((each) => new RegExp(`[:.]${port}\\s+\\S+\\s+LISTENING\\s`, 'i').test(each));
  const pid = /(\d+)\s*$/.exec(line ?? '')?.[1];
  if (pid === undefined) return null;
  const [, name] =
    /^"([^"]+)"/.exec(run(['tasklist', '/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']).trim()) ?? [];
  return `${name ?? 'a program'} (pid ${pid})`;
}

function run(argv: string[]): string {
  return Bun.spawnSync(argv, { stdin: 'ignore', stderr: 'ignore', timeout: timeoutMs }).stdout.toString();
}
