import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startProgram } from '../support/program.ts';
import { freePort, within } from '../support/wait.ts';
import { hasPython, installPackages, python } from './install.ts';

test.if(hasPython).each(['SIGKILL', 'SIGTERM'] as const)(
  'a FastMCP client keeps its session after its gateway got %s and was restarted',
  async (signal) => {
    installPackages();
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
