import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { main, startCommand } from '../support/program.ts';
import { type RawConnection, rawConnection } from '../support/raw-http.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(60_000);

const limit = 128;

/** The program with a low limit of open files, in front of an upstream, and clients that connect before any crowd. */
async function crowdedGateway(options: { clients: number; heldCalls: number }) {
  const cleanup = new AsyncDisposableStack();
  const held: (() => void)[] = [];
  /** Holds calls until their number is reached, then answers all of them. */
  const upstream = cleanup.use(
    await fakeUpstream({
      onPost: async ({ id, method, params }) => {
        if (method !== 'tools/call' || params.arguments?.hold !== true) return undefined;
        await new Promise<void>((resolve) => {
          held.push(resolve);
          if (held.length === options.heldCalls) for (const release of held.splice(0)) release();
        });
        return rpcResult(id ?? 0, { content: [{ type: 'text', text: 'held' }] });
      },
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-files-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'config.yaml');
  writeFileSync(config, JSON.stringify({ port: 0, servers: [{ name: 'up', url: upstream.url }] }));
  const shell = `ulimit -n ${limit} && exec "$0" "$@"`;
  const program = cleanup.use(startCommand(['sh', '-c', shell, process.execPath, main, '--config', config]));
  await program.printed('upstream connected');
  const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(program.stderr())?.[0] ?? '';
  const clients: RawConnection[] = [];
  for (let count = 0; count < options.clients; count++) {
    const client = cleanup.use(await rawConnection(origin));
    clients.push(client);
    expect(await call(client)).toMatchObject({ result: { content: [{ text: '{}' }] } });
  }
  return {
    upstream,
    program,
    clients,
    origin,
    /** Opens idle sockets. */
    crowd(size: number): Socket[] {
      const port = Number(new URL(origin).port);
      const sockets = Array.from({ length: size }, () => connect(port, '127.0.0.1').on('error', () => {}));
      cleanup.defer(() => sockets.forEach((socket) => void socket.destroy()));
      return sockets;
    },
    /** The log lines about file descriptors. */
    said: () =>
      program
        .stderr()
        .split('\n')
        .filter((line) => line.includes('file descriptors')),
    [Symbol.asyncDispose]: () => cleanup[Symbol.asyncDispose](),
  };
}

/** Sends a request over an open connection; resolves to the body of the response. */
async function ask(client: RawConnection, requestLine: string, body: string): Promise<string> {
  const head = [
    requestLine,
    'Host: localhost',
    'Content-Type: application/json',
    'Accept: application/json',
    `Content-Length: ${body.length}`,
  ];
  client.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  return (await client.answer()).body;
}

/** Calls the tool over an open connection. */
async function call(client: RawConnection, args: object = {}) {
  const params = { name: 'up__echo', arguments: args };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  return JSON.parse(await ask(client, 'POST /mcp HTTP/1.1', JSON.stringify(message)));
}

/** The CPU time of a process in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

describe.skipIf(process.platform !== 'linux')('while clients hold all file descriptors', () => {
  test('connected clients are served, upstreams are reached and reloads work, without a busy loop', async () => {
    await using gateway = await crowdedGateway({ clients: 8, heldCalls: 8 });
    const crowd = gateway.crowd(200);
    await gateway.program.printed('out of file descriptors');
    const beforeMs = cpuMs(gateway.program.pid);
    await Bun.sleep(2_000);
    // A busy loop takes nearly all of it.
    expect(cpuMs(gateway.program.pid) - beforeMs).toBeLessThan(600);

    // The upstream answers none before it has all of them, so each needs a connection of its own.
    const answers = await Promise.all(gateway.clients.map((client) => call(client, { hold: true })));
    expect(answers.map(({ result }) => result?.content[0].text)).toEqual(Array(8).fill('held'));
    gateway.program.signal('SIGHUP');
    await gateway.program.printed('configuration reloaded');
    const metrics = await ask(gateway.clients[0] as RawConnection, 'GET /metrics HTTP/1.1', '');
    expect(metrics).toContain(`mcpstead_process_max_fds ${limit}\n`);
    expect(Number(/mcpstead_process_open_fds (\d+)/.exec(metrics)?.[1])).toBeWithin(limit - 20, limit + 1);
    expect(gateway.said()).toEqual([
      expect.stringContaining(
        `out of file descriptors (limit ${limit}): raise ulimit -n, or LimitNOFILE= in systemd; until then new client connections wait until others close`,
      ),
    ]);
    expect(JSON.parse(gateway.said()[0] ?? '').level).toBe('error');
    expect(gateway.program.stderr()).not.toContain('EMFILE');

    for (const socket of crowd) socket.destroy();
    await gateway.program.printed('file descriptors are available again');
    expect(gateway.said()).toHaveLength(2);
    using late = await rawConnection(gateway.origin);
    expect(await call(late, { a: 1 })).toMatchObject({ result: { content: [{ text: '{"a":1}' }] } });
  });

  test('and the reserve is used up, calls blame the gateway, and the upstream stays connected', async () => {
    // A reserve of 16, and the connections of the clients.
    await using gateway = await crowdedGateway({ clients: 40, heldCalls: 41 });
    gateway.crowd(200);
    await gateway.program.printed('out of file descriptors');
    const calls = gateway.clients.map((client) => call(client, { hold: true }));
    const failed = await Promise.race(calls);
    expect(failed.error).toEqual({
      code: -32000,
      message: `upstream "up": not asked, the gateway is out of file descriptors (limit ${limit}): raise ulimit -n, or LimitNOFILE= in systemd`,
      data: { server: 'up', reason: 'internal' },
    });
    await waitUntil('calls that were asked', () => gateway.upstream.executions('echo') > 40 + 8);
    expect(gateway.upstream.messages('initialize')).toHaveLength(1);
    expect(gateway.program.stderr()).not.toMatch(/upstream (?:lost|not connected)/);
  });
});
