import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDemoServer } from '../../src/cli/serving/demo-server.ts';

const waitMs = 30_000;
const commandTimeoutMs = 180_000;

/** How to start an installed mcpstead. */
export interface Start {
  /** The words before mcpstead's own arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The outcome of a command. */
export interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs `command` to completion. Asynchronously, because the servers that it uses may run in this process. */
export async function runToEnd(
  command: readonly string[],
  { env, cwd }: Pick<Start, 'env' | 'cwd'>,
): Promise<Outcome> {
  const child = Bun.spawn([...command], {
    env,
    cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: commandTimeoutMs,
  });
  const output = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, output: output.join('') };
}

/**
 * Uses an installed mcpstead as a user does: serves a configuration, calls a tool of an upstream through it, and stops it
 * with SIGTERM. Throws if a step fails. The configuration is written to `folder`; `configPath` is the program's path of that
 * file, which differs in a root file system of its own.
 */
export async function useInstalled(
  start: Start,
  folder: string,
  configPath = join(folder, 'mcpstead.yaml'),
): Promise<void> {
  const upstream = startDemoServer();
  const port = freePort();
  writeFileSync(
    join(folder, 'mcpstead.yaml'),
    `port: ${port}\nservers: [{ name: up, url: '${upstream.url}', required: true }]\n`,
  );
  const child = Bun.spawn([...start.command, '--config', configPath], {
    env: start.env,
    cwd: start.cwd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  try {
    const ready = async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok;
    const deadline = performance.now() + waitMs;
    while (child.exitCode === null && performance.now() < deadline && !(await ready())) await Bun.sleep(50);

    const text = `answered by ${start.command.at(-1)}`;
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'up__echo', arguments: { text } },
      }),
    });
    const answer = await response.text();
    const expected = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });
    if (!Bun.deepEquals(JSON.parse(answer), JSON.parse(expected))) {
      throw new Error(`tools/call answered ${answer} instead of ${expected}`);
    }
    child.kill('SIGTERM');
    const exitCode = await Promise.race([child.exited, Bun.sleep(waitMs).then(() => 'no')]);
    if (exitCode !== 0) throw new Error(`SIGTERM: exit code ${exitCode} instead of 0`);
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${(error as Error).message}\n${(await output).join('')}`);
  } finally {
    await upstream.stop();
  }
}

function freePort(): number {
  const probe = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  return port;
}
