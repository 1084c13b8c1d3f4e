import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rawPost } from '../support/rpc.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

const main = join(import.meta.dir, '../../src/main.ts');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-output-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A pipe whose reader is the test. */
class Pipe implements Disposable {
  /** Its other end; blocks, as a shell's does. */
  readonly writer: number;
  readonly #reader: number;

  constructor(name: string) {
    const path = join(folder, name);
    Bun.spawnSync(['mkfifo', path]);
    this.#reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(path, constants.O_WRONLY);
    this.#filler = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  }
  readonly #filler: number;

  /** Leaves no room for a single byte. */
  fill(): void {
    for (const size of [4096, 1]) {
      try {
        for (;;) writeSync(this.#filler, Buffer.alloc(size, '-'));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
      }
    }
  }

  /** Its content. */
  read(): string {
    const bytes = Buffer.alloc(65_536);
    try {
      return bytes.toString('utf8', 0, readSync(this.#reader, bytes));
    } catch {
      return '';
    }
  }

  [Symbol.dispose](): void {
    for (const file of [this.#reader, this.writer, this.#filler]) closeSync(file);
  }
}

/** Starts `mcpstead` with both outputs going to the file. Disposing of it kills it. */
function start(args: readonly string[], output: number): Bun.Subprocess {
  return Bun.spawn([process.execPath, main, ...args], {
    env: { ...process.env, MCPSTEAD_CONFIG: undefined },
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    killSignal: 'SIGKILL',
  });
}

/** Whether it serves: the probe answers, and a call is made. */
async function serves(origin: string): Promise<void> {
  await waitUntil('/livez', async () => (await fetch(`${origin}/livez`)).ok);
  const params = { name: 'demo__echo', arguments: { text: 'hello' } };
  const answer = await rawPost(`${origin}/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  expect(await answer.json()).toMatchObject({ result: { content: [{ type: 'text', text: 'hello' }] } });
}

describe.if(process.platform !== 'win32')('a gateway whose output nobody reads', () => {
  test('serves, and ends with exit code 0 on SIGTERM', async () => {
    using pipe = new Pipe('unread');
    pipe.fill();
    const port = freePort();
    await using program = start(['demo', '--port', String(port)], pipe.writer);

    await serves(`http://127.0.0.1:${port}`);
    program.kill('SIGTERM');

    expect(await within('the end', program.exited)).toBe(0);
  });

  test('writes its lines in order once they are read', async () => {
    using pipe = new Pipe('read-late');
    pipe.fill();
    const port = freePort();
    await using program = start(['demo', '--port', String(port)], pipe.writer);
    await serves(`http://127.0.0.1:${port}`);

    let read = '';
    await waitUntil('its output', () => {
      read += pipe.read();
      return read.includes('Ctrl-C ends the demo.');
    });
    program.kill('SIGTERM');
    await within('the end', program.exited);
    read += pipe.read();

    const places = ['"serving http', 'The demo serves', 'SIGTERM: shutting down'].map((text) =>
      read.indexOf(text),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  test('still ends with an error if it cannot start', async () => {
    using pipe = new Pipe('no-start');
    pipe.fill();
    await using program = start(['demo', '--port', 'none'], pipe.writer);

    expect(await within('the end', program.exited)).toBe(2);
  });
});

describe.if(process.platform === 'linux')('a gateway whose output', () => {
  test('goes to a full disk serves, and ends with exit code 0 on SIGTERM', async () => {
    const full = openSync('/dev/full', 'w');
    const port = freePort();
    await using program = start(['demo', '--port', String(port)], full);
    closeSync(full);

    await serves(`http://127.0.0.1:${port}`);
    program.kill('SIGTERM');

    expect(await within('the end', program.exited)).toBe(0);
  });

  test('is closed serves, and ends with exit code 0 on SIGTERM', async () => {
    const port = freePort();
    const script = 'exec "$0" "$@" >&- 2>&-';
    const command = ['sh', '-c', script, process.execPath, main, 'demo', '--port', String(port)];
    await using program = Bun.spawn(command, { killSignal: 'SIGKILL' });

    await serves(`http://127.0.0.1:${port}`);
    program.kill('SIGTERM');

    expect(await within('the end', program.exited)).toBe(0);
  });
});

describe.if(process.platform !== 'win32')('lines beyond the buffer', () => {
  const source = (file: string) => JSON.stringify(join(import.meta.dir, `../../src/observability/${file}`));

  test('are dropped, and a line in their place says how many', async () => {
    using pipe = new Pipe('dropped');
    const program = `
      import { createLogger } from ${source('log.ts')};
      import { output } from ${source('output.ts')};
      import { Redactor } from ${source('redact.ts')};
      const logger = createLogger({ level: 'info', format: 'json', redactor: new Redactor() });
      for (let n = 1; n <= 3000; n++) logger.info('line', { n, filler: '${'x'.repeat(1000)}' });
      console.log('logged');
      await Bun.stdin.text();
      logger.info('last');
      await output.flushed();
    `;
    await using child = Bun.spawn([process.execPath, '-e', program], {
      stdin: 'pipe',
      stderr: pipe.writer,
      killSignal: 'SIGKILL',
    });
    const stdout = child.stdout.getReader();
    await within('all lines', stdout.read());

    let read = '';
    await waitUntil('the rest', () => {
      read += pipe.read();
      return read.includes('dropped');
    });
    child.stdin.end();
    await waitUntil('the last', () => {
      read += pipe.read();
      return read.includes('last');
    });
    expect(await within('the end', child.exited)).toBe(0);

    const lines = read
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { message: string; n?: number });
    const whole = lines.slice(0, -2);
    expect(whole.map(({ n }) => n)).toEqual(whole.map((_, index) => index + 1));
    expect(lines.slice(-2).map(({ message }) => message)).toEqual([
      `${3000 - whole.length} lines were dropped while stderr was not read`,
      'last',
    ]);
    expect(whole.length).toBeGreaterThan(900);
    expect(whole.length).toBeLessThan(1200);
  });
});
