import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startProgram } from '../support/program.ts';
import { freePort, within } from '../support/wait.ts';

const fastmcp = 'fastmcp==4.2.3';
const cache = join(import.meta.dir, '../../node_modules/.cache/python');
const python = join(cache, 'bin/python');

/** Runs a command of the set-up; throws its output if it fails. */
function setUp(command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
}

test.if(Bun.which('python3') !== null).each(['SIGKILL', 'SIGTERM'] as const)(
  'a FastMCP client keeps its session after its gateway got %s and was restarted',
  async (signal) => {
    if (!existsSync(python)) setUp(['python3', '-m', 'venv', cache]);
    setUp([python, '-m', 'pip', 'install', '--quiet', fastmcp]);
    const folder = mkdtempSync(join(tmpdir(), 'mcpstead-fastmcp-'));
    await using upstream = await fakeUpstream();
    const port = freePort();
    const config = join(folder, 'mcpstead.yaml');
    const servers = `servers: [{ name: up, url: '${upstream.url}', required: true }]`;
    writeFileSync(config, `port: ${port}\nstate_dir: ${join(folder, 'state')}\n${servers}\n`);
    const first = startProgram(['--config', config]);
    await first.printed('serving http://');

    const script = join(import.meta.dir, 'fastmcp-client.py');
    const client = Bun.spawn([python, script, `http://127.0.0.1:${port}/mcp`], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    });
    try {
      const lines = linesOf(client.stdout);
      const next = async (what: string) => (await within(what, lines.next(), 60_000)).value;
      const call = async (text: string) => {
        client.stdin.write(`${text}\n`);
        client.stdin.flush();
        return next(`the answer to ${text}`);
      };
      expect(await next('the client')).toBe('ready');
      expect(await call('before')).toBe('{"text":"before"}');

      first.signal(signal);
      await first.ended();
      await using second = startProgram(['--config', config]);
      await second.printed('serving http://');
      expect(await call('after')).toBe('{"text":"after"}');
    } finally {
      client.kill();
      await client.exited;
      await first[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    }
  },
  300_000,
);

/** The lines of a stream. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let text = '';
  for await (const piece of stream.pipeThrough(new TextDecoderStream() as never) as AsyncIterable<string>) {
    const lines = (text + piece).split('\n');
    text = lines.pop() as string;
    yield* lines;
  }
}
