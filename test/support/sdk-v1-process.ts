import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { startSdkV1 } from './sdk-v1.ts';
import { freePort } from './wait.ts';

/** A v1 SDK server process, which records each call on disk before it executes it. */
interface SdkV1Process extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The `key` arguments of all executed tool calls, in order, over all restarts. */
  executedKeys(): string[];
  /** Kills the process and waits for its end. */
  crash(): Promise<void>;
  /** Starts it again on the same port, without its sessions. */
  start(): Promise<void>;
}

/** Starts this file as a program. */
export async function startSdkV1Process(): Promise<SdkV1Process> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-executions-'));
  const log = join(folder, 'executed');
  writeFileSync(log, '');
  const port = freePort();
  let child: Child;
  const start = async () => {
    child = await startChild([process.execPath, import.meta.path, String(port), log], { ready: 'ready' });
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    executedKeys: () => readFileSync(log, 'utf8').split('\n').slice(0, -1),
    crash: () => child.end('SIGKILL'),
    start,
    async [Symbol.asyncDispose]() {
      await child.end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

if (import.meta.main) {
  const [port, log = ''] = process.argv.slice(2);
  await startSdkV1({
    port: Number(port),
    onExecution: (_tool, args) => appendFileSync(log, `${String(args.key)}\n`),
  });
  console.log('ready');
}
