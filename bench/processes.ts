import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subprocess } from 'bun';

const root = join(import.meta.dir, '..');
const startTimeoutMs = 10_000;
/** Of /proc/PID/stat: Linux counts CPU time in hundredths of a second, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/** A process under measurement. */
export interface Measured extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** CPU time used so far, user and system, in seconds. */
  cpuSeconds(): number;
  /** Resident memory, in bytes. */
  residentBytes(): number;
}

/** Wraps a started process for measurement; `cleanUp` runs after its end. */
export function measured(child: Subprocess, port: number, cleanUp: () => void): Measured {
  return {
    pid: child.pid,
    port,
    cpuSeconds() {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    },
    residentBytes() {
      const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
      return Number(match?.[1] ?? 0) * 1024;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child.exited;
      cleanUp();
    },
  };
}

/** Starts the benchmark's upstream. */
export async function startUpstream(tools: number, resultBytes: number): Promise<Measured> {
  const command = [process.execPath, join(root, 'bench/upstream.ts'), String(tools), String(resultBytes)];
  const child = Bun.spawn(command, { stdout: 'pipe', stderr: 'inherit' });
  const late = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  const { value } = await child.stdout.getReader().read();
  clearTimeout(late);
  if (value === undefined) throw new Error('the upstream of the benchmark did not start');
  return measured(child, Number(new TextDecoder().decode(value)), () => {});
}

/** Starts the gateway as its own process in front of one upstream, and waits until it is connected. */
export async function startGateway(upstreamPort: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-bench-'));
  const config = join(folder, 'bench.yaml');
  const port = await freePort();
  writeFileSync(
    config,
    `port: ${port}\nservers:\n  - { name: up, url: 'http://127.0.0.1:${upstreamPort}/mcp', required: true }\n`,
  );
  const child = Bun.spawn([process.execPath, join(root, 'src/main.ts'), '--config', config], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const deadline = performance.now() + startTimeoutMs;
  while (performance.now() < deadline) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (ready?.ok) return measured(child, port, () => rmSync(folder, { recursive: true }));
    await Bun.sleep(20);
  }
  child.kill('SIGKILL');
  throw new Error('the gateway did not start');
}

/** A TCP port of the loopback interface that is free now. */
export async function freePort(): Promise<number> {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
