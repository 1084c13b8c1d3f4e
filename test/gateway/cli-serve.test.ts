import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeUpstream } from '../support/fake-upstream.ts';
import {
  main,
  type Program,
  type ProgramOptions,
  runProgram,
  startCommand,
  startProgram,
} from '../support/program.ts';
import { RawSession } from '../support/rpc.ts';
import { freePort, settle, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-serve-'));
  path = join(folder, 'mcpstead.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts `mcpstead --config FILE` on a free port, waits until it serves and returns it with its origin. */
async function serve(yaml = '', options: ProgramOptions = {}) {
  const port = freePort();
  writeFileSync(path, `port: ${port}\n${yaml}`);
  const program = startProgram(['--config', path], options);
  await program.printed('serving http://');
  return { program, port, origin: `http://127.0.0.1:${port}` };
}

async function serverNames(origin: string): Promise<string[]> {
  const health = (await (await fetch(`${origin}/health`)).json()) as { servers: { name: string }[] };
  return health.servers.map(({ name }) => name);
}

test('the status page tells clients that start a program how they reach this very gateway', async () => {
  const { program, origin } = await serve();
  await using _ = program;
  const page = await (await fetch(origin)).text();
  const [, snippet = ''] = /data-key="claude-desktop".*?<pre[^>]*><code>(.*?)<\/code>/s.exec(page) ?? [];
  expect(JSON.parse(snippet.replaceAll('&quot;', '"'))).toEqual({
    mcpServers: {
      mcpstead: { command: process.execPath, args: [main, 'stdio', '--config', path] },
    },
  });
});

describe('serving', () => {
  for (const words of [[], ['serve']]) {
    test(`begins with ${['mcpstead', ...words].join(' ')} --config FILE, and its URL in the log`, async () => {
      const port = freePort();
      writeFileSync(path, `port: ${port}`);
      await using program = startProgram([...words, '--config', path]);
      await program.printed(`serving http://127.0.0.1:${port}/mcp`);
      expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
      expect(program.stdout()).toBe('');
    });
  }

  test('enables the compiler, which the build disables during the start', async () => {
    const watch = join(folder, 'watch.ts');
    writeFileSync(watch, 'Bun.unsafe.setJITPolicy = (scale) => console.error("compiler:", scale);');
    const { program } = await serve('', { bunArgs: ['--preload', watch] });
    await using _ = program;
    expect(program.stderr()).toStartWith('compiler: 1\n');
  });

  test('continues when its output is no longer read', async () => {
    const { program, origin } = await serve();
    await using _ = program;
    await program.closeOutput();
    for (let round = 1; round <= 3; round += 1) {
      program.signal('SIGHUP'); // Writes to the log.
      await waitUntil(`reload ${round}`, async () =>
        (await (await fetch(`${origin}/metrics`)).text()).includes(
          `mcpstead_config_reloads_total{result="success"} ${round}`,
        ),
      );
    }
    program.signal('SIGTERM');
    expect((await program.ended()).exitCode).toBe(0);
  });

  test('logs an unhandled error and continues', async () => {
    const preload = join(folder, 'stray.ts');
    writeFileSync(
      preload,
      `process.on('SIGUSR2', () => {
         Promise.reject(new Error('a stray rejection'));
         setTimeout(() => { throw new Error('a stray exception'); });
       });`,
    );
    const { program, origin } = await serve('', { bunArgs: ['--preload', preload] });
    await using _ = program;
    program.signal('SIGUSR2');
    await program.printed('unexpected error, still serving: a stray rejection');
    await program.printed('unexpected error, still serving: a stray exception');
    expect((await fetch(`${origin}/livez`)).status).toBe(200);
    expect(program.stderr()).not.toMatch(/^\s+at /m);
  });
});

describe('a start that fails is one message on stderr and exit code 1', () => {
  test('when the port is taken, which it names', async () => {
    using other = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    writeFileSync(path, `port: ${other.port}`);
    const { exitCode, stdout, stderr } = await runProgram(['--config', path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain(`cannot listen on 127.0.0.1 port ${other.port}`);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('also when it is another mcpstead that has the port', async () => {
    const { program, port } = await serve();
    await using _ = program;
    const { exitCode, stderr } = await runProgram(['--config', path]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot listen on 127.0.0.1 port ${port}`);
  });

  test('when a required upstream cannot be reached, which it names with the cause', async () => {
    const closed = freePort();
    writeFileSync(
      path,
      `port: 0\nservers: [{ name: needed, url: 'http://127.0.0.1:${closed}/mcp', required: true, timeouts: { connect_seconds: 0.5 } }]`,
    );
    const { exitCode, stdout, stderr } = await runProgram(['--config', path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('needed');
    expect(stderr).toMatch(/refused/i);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('but exit code 2 when it is the configuration', async () => {
    writeFileSync(path, 'prt: 1');
    const { exitCode, stdout, stderr } = await runProgram(['--config', path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('did you mean "port"?');
  });

  test('a port that is taken, before the command of any server is started', async () => {
    using other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('other') });
    const marker = join(folder, 'started');
    const server = `{ name: up, command: sh, args: [-c, 'touch ${marker}; cat'] }`;
    writeFileSync(path, `port: ${other.port}\nservers: [${server}]`);
    const { exitCode, stderr } = await runProgram(['--config', path]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the port is in use');
    expect(existsSync(marker)).toBe(false);
  });
});

describe('SIGTERM and SIGINT', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} ends upstream sessions and exits 0`, async () => {
      await using upstream = await fakeUpstream();
      const { program } = await serve(`servers: [{ name: a, url: '${upstream.url}', required: true }]`);
      await using _ = program;
      program.signal(signal);
      expect((await program.ended()).exitCode).toBe(0);
      expect(upstream.received.map(({ httpMethod }) => httpMethod)).toContain('DELETE');
    });
  }

  /** Serves with a call that runs until `release` is called. */
  async function serveCall(command: (args: string[]) => Program) {
    const release = Promise.withResolvers<void>();
    const upstream = await fakeUpstream({
      onPost: async (message) => {
        if (message.method === 'tools/call') await release.promise;
        return undefined;
      },
    });
    const port = freePort();
    writeFileSync(
      path,
      `port: ${port}\nmcp: { session: { shutdown_grace_seconds: 600 } }\nservers: [{ name: a, url: '${upstream.url}', required: true }]`,
    );
    const program = command(['--config', path]);
    await program.printed('serving http://');
    const call = fetch(`http://127.0.0.1:${port}/mcp`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a__echo","arguments":{}}}',
    }).then(
      (response) => response.status,
      () => 'cut off',
    );
    await waitUntil('the call at the upstream', () => upstream.executions('echo') === 1);
    return {
      program,
      call,
      release: release.resolve,
      async [Symbol.asyncDispose]() {
        release.resolve();
        await program[Symbol.asyncDispose]();
        await upstream[Symbol.asyncDispose]();
      },
    };
  }

  test('wait for a running call, unless a second one comes later: then it exits 1 at once', async () => {
    await using serving = await serveCall(startProgram);
    const { program } = serving;
    program.signal('SIGTERM');
    await program.printed('SIGTERM: shutting down');
    // Within half a second it would count as the same signal.
    await Bun.sleep(600);
    program.signal('SIGINT');
    expect((await program.ended()).exitCode).toBe(1);
    expect(program.stderr()).toContain('SIGINT again: exiting at once');
    expect(await serving.call).toBe('cut off');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'that come within half a second are one, delivered twice: %s',
    async (again) => {
      await using serving = await serveCall(startProgram);
      const { program } = serving;
      program.signal('SIGTERM');
      await program.printed('SIGTERM: shutting down');
      program.signal(again);
      // Enough time for the second signal to take effect.
      await settle();
      serving.release();
      expect(await serving.call).toBe(200);
      expect((await program.ended()).exitCode).toBe(0);
      expect(program.stderr()).not.toContain('again');
      expect(program.stderr()).toContain('shutdown finished');
    },
  );

  test.if(Bun.which('timeout') !== null)(
    'from timeout(1), which signals the program and its process group, end it in good order',
    async () => {
      const timeout = ['timeout', '--preserve-status', '3', process.execPath, main];
      await using serving = await serveCall((args) => startCommand([...timeout, ...args]));
      const { program } = serving;
      await program.printed('SIGTERM: shutting down');
      await settle();
      serving.release();
      expect(await serving.call).toBe(200);
      expect((await program.ended()).exitCode).toBe(0);
      expect(program.stderr()).toContain('shutdown finished');
    },
  );

  test('begin with the drain delay, in which clients are served, and which a later one cuts short', async () => {
    const { program, origin } = await serve('mcp: { session: { drain_delay_seconds: 600 } }');
    await using _ = program;
    program.signal('SIGTERM');
    await waitUntil('not ready', async () => (await fetch(`${origin}/readyz`)).status === 503);
    await using session = await RawSession.open(`${origin}/mcp`);
    expect((await session.request('ping')).answer.result).toEqual({});
    await Bun.sleep(600);
    program.signal('SIGTERM');
    expect((await program.ended()).exitCode).toBe(1);
    expect(program.stderr()).toContain('SIGTERM again: exiting at once');
  });

  test('end a start that waits for a required upstream', async () => {
    await using upstream = await fakeUpstream({ onPost: () => new Promise<Response>(() => {}) });
    writeFileSync(
      path,
      `port: 0\nservers: [{ name: slow, url: '${upstream.url}', required: true, timeouts: { connect_seconds: 600 } }]`,
    );
    await using program = startProgram(['--config', path]);
    await waitUntil('a request at the upstream', () => upstream.received.length > 0);
    program.signal('SIGTERM');
    program.signal('SIGINT');
    expect((await program.ended()).exitCode).toBe(0);
    expect(program.stderr()).toMatch(/SIG(TERM|INT): giving up the start/);
  });
});

describe('SIGHUP', () => {
  test('reloads the configuration and logs what changed', async () => {
    await using upstream = await fakeUpstream();
    const { program, port, origin } = await serve();
    await using _ = program;
    expect(await serverNames(origin)).toEqual([]);
    writeFileSync(path, `port: ${port}\nservers: [{ name: fresh, url: '${upstream.url}' }]`);
    program.signal('SIGHUP');
    await waitUntil('the new server', async () => (await serverNames(origin)).includes('fresh'));
    await program.printed('configuration reloaded');
  });

  test('with a bad file changes nothing and logs why', async () => {
    await using upstream = await fakeUpstream();
    const { program, port, origin } = await serve(`servers: [{ name: kept, url: '${upstream.url}' }]`);
    await using _ = program;
    writeFileSync(path, `port: ${port}\nservrs: []`);
    program.signal('SIGHUP');
    await program.printed('servrs');
    expect(await serverNames(origin)).toEqual(['kept']);
  });
});
