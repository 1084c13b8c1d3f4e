// The processes of a benchmark: started, measured from outside, and killed when the benchmark ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subprocess } from 'bun';
import { cpuNs, peakBytes, resetPeak, residentBytes, socketCount, treeOf } from './proc.ts';

/** How long a process may take to exit after SIGTERM. */
const endTimeoutMs = 5_000;

const running = new Set<Subprocess>();

/** A process under measurement, including all of its descendants. */
export interface MeasuredProcess extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** Whether it is still running. */
  alive(): boolean;
  /** CPU time used so far, user and system. */
  cpuNs(): number;
  /** The same without its descendants. */
  ownCpuNs(): number;
  residentBytes(): number;
  /** The most resident memory since `resetPeak`. */
  peakBytes(): number;
  resetPeak(): void;
  sockets(): number;
}

/** Wraps a started process for measurement. */
export function measured(child: Subprocess, port: number): MeasuredProcess {
  running.add(child);
  const sum = (of: (pid: number) => number) => treeOf(child.pid).reduce((total, pid) => total + of(pid), 0);
  return {
    pid: child.pid,
    port,
    alive: () => child.exitCode === null && child.signalCode === null,
    cpuNs: () => sum(cpuNs),
    ownCpuNs: () => cpuNs(child.pid),
    residentBytes: () => sum(residentBytes),
    peakBytes: () => sum(peakBytes),
    resetPeak: () => treeOf(child.pid).forEach(resetPeak),
    sockets: () => sum(socketCount),
    async [Symbol.asyncDispose]() {
      const tree = treeOf(child.pid);
      child.kill('SIGTERM');
      const late = setTimeout(() => tree.forEach(kill), endTimeoutMs);
      await child.exited;
      clearTimeout(late);
      // Descendants that survive would disturb the next run.
      tree.slice(1).forEach(kill);
      running.delete(child);
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has exited already.
  }
}

/** Kills all processes of the benchmark, however it ends. */
export function endAll(): void {
  for (const child of running) treeOf(child.pid).forEach(kill);
}

const folders: string[] = [];

/** Creates a temporary folder, which `removeFolders` removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-bench-'));
  folders.push(folder);
  return folder;
}

/** Removes all temporary folders. */
export function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/** A TCP port of the loopback interface that is free now. */
export function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}

/** Awaits `promise` for at most `timeoutMs`. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what}: no reply within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a process's output line by line, each line within a timeout. */
export function linesOf(
  stdout: ReadableStream<Uint8Array>,
  what: string,
): (timeoutMs: number) => Promise<string> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let text = '';
  return async (timeoutMs) => {
    while (!text.includes('\n')) {
      const { done, value } = await within(timeoutMs, what, reader.read());
      if (done) throw new Error(`${what} ended`);
      text += decoder.decode(value, { stream: true });
    }
    const end = text.indexOf('\n');
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return line;
  };
}
