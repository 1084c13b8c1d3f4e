import { describe, expect, test } from 'bun:test';
import { connect, createServer, type Socket } from 'node:net';
import { never } from '../support/answers.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { tcpUpstream } from '../support/tcp.ts';

failOnStrayErrors();

/** An upstream with a fault that the test can heal. */
interface Faulty extends AsyncDisposable {
  readonly url: string;
  heal(): Promise<void> | void;
}

/** A server in front of a healthy upstream that holds connections until it is healed. */
async function silentUntilHealed(): Promise<Faulty> {
  const upstream = await fakeUpstream();
  const sockets = new Set<Socket>();
  let healed = false;
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {}).on('close', () => sockets.delete(client));
    if (!healed) return;
    const target = connect(upstream.port, '127.0.0.1');
    target.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => target.destroy());
    client.pipe(target).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/mcp`,
    heal() {
      healed = true;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** An upstream that answers each POST in a wrong way until it is healed. */
async function wrongUntilHealed(answer: () => Response | Promise<Response>): Promise<Faulty> {
  let healed = false;
  const upstream: FakeUpstream = await fakeUpstream({ onPost: () => (healed ? undefined : answer()) });
  return Object.assign(upstream, {
    heal() {
      healed = true;
    },
  });
}

async function deadUntilHealed(): Promise<Faulty> {
  const upstream = await fakeUpstream();
  await upstream.stop();
  return Object.assign(upstream, { heal: () => upstream.start() });
}

/** An upstream that stops and starts every 200 ms until it is healed. */
async function flappingUntilHealed(): Promise<Faulty> {
  const upstream = await fakeUpstream();
  let healed = false;
  const flapping = (async () => {
    while (!healed) {
      await upstream.stop();
      await Bun.sleep(200);
      await upstream.start();
      await Bun.sleep(200);
    }
  })();
  const heal = () => {
    healed = true;
    return flapping;
  };
  return {
    url: upstream.url,
    heal,
    async [Symbol.asyncDispose]() {
      await heal();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** Longer than any answer takes on a busy machine. */
const connectSeconds = 0.5;
const timedOut = `did not initialize within ${connectSeconds} s`;
const faults: [string, () => Promise<Faulty>, string | null][] = [
  ['dead', deadUntilHealed, null],
  ['silent', silentUntilHealed, timedOut],
  ['hanging', () => wrongUntilHealed(never), timedOut],
  [
    'html',
    () => wrongUntilHealed(() => new Response('<html>')),
    'answered with something that is neither JSON nor server-sent events',
  ],
  [
    'rubbish',
    () => wrongUntilHealed(() => new Response('{"what":')),
    'answered with something that is not JSON',
  ],
  [
    'broken',
    () => wrongUntilHealed(() => new Response('oops', { status: 500 })),
    'answered HTTP 500: "oops"',
  ],
  [
    'overloaded',
    () => wrongUntilHealed(() => new Response('later', { status: 503 })),
    'answered HTTP 503: "later"',
  ],
  ['locked', () => wrongUntilHealed(() => new Response('no', { status: 401 })), 'answered HTTP 401: "no"'],
  ['flapping', flappingUntilHealed, null],
];

describe('beside upstreams with every kind of fault', () => {
  test('healthy ones answer at once, each fault shows its cause, and each heals without a restart', async () => {
    await using cleanup = new AsyncDisposableStack();
    const faulty: [string, Faulty, string | null][] = [];
    for (const [name, start, cause] of faults) faulty.push([name, cleanup.use(await start()), cause]);
    const first = cleanup.use(await fakeUpstream());
    const last = cleanup.use(await fakeUpstream());
    const settings = {
      timeouts: { connect_seconds: connectSeconds },
      tools: { ttl_seconds: 0.1 },
      reconnect: promptReconnect,
    };
    await using gateway = await startGateway({
      servers: [
        { name: 'first', url: first.url },
        ...faulty.map(([name, { url }]) => ({ name, url, ...settings })),
        { name: 'last', url: last.url },
      ],
    });
    await gateway.connected('first', 'last');
    await using session = await RawSession.open(gateway.url);
    const tools = async () => {
      const { answer } = await session.request('tools/list');
      return answer.result.tools
        .map(({ name }: { name: string }) => name)
        .filter((name: string) => /first|last/.test(name));
    };

    await gateway.waitFor('the causes', ({ servers }) =>
      faulty.every(([name, , cause]) => {
        const shown = servers.find((server) => server.name === name)?.last_error;
        return cause === null ? shown !== null : shown === cause;
      }),
    );
    for (let rounds = 0; rounds < 20; rounds++) {
      expect(await tools()).toEqual(['first__echo', 'last__echo']);
      expect(await session.callText('first__echo', { rounds })).toBe(`{"rounds":${rounds}}`);
      expect(await session.callText('last__echo', { rounds })).toBe(`{"rounds":${rounds}}`);
    }
    const { status, servers } = await gateway.health();
    expect(status).toBe('degraded');
    for (const [name, , cause] of faulty) {
      const health = servers.find((server) => server.name === name);
      if (cause === null) continue;
      expect(health).toMatchObject({ connected: false, tools_count: 0 });
      const { answer } = await session.request('tools/call', { name: `${name}__echo` });
      const reason = name === 'locked' ? 'upstream_auth_failed' : 'upstream_disconnected';
      expect(answer.error.data).toEqual({ server: name, reason });
      expect(answer.error.message).toContain(cause);
    }

    for (const [, { heal }] of faulty) await heal();
    await gateway.connected();
    for (const [name] of faulty) expect(await session.callText(`${name}__echo`, { a: 1 })).toBe('{"a":1}');
    expect((await gateway.health()).status).toBe('ok');
    expect(first.messages('initialize')).toHaveLength(1);
    expect(last.messages('initialize')).toHaveLength(1);
  }, 20_000);

  test('the gateway serves before any of them has connected or failed', async () => {
    await using silent = await silentUntilHealed();
    await using hanging = await wrongUntilHealed(never);
    await using well = await fakeUpstream();
    // With the default timeouts, this test would end before either of the two is given up.
    await using gateway = await startGateway({
      servers: [
        { name: 'silent', url: silent.url, timeouts: { request_seconds: 0.2 } },
        { name: 'hanging', url: hanging.url },
        { name: 'well', url: well.url },
      ],
    });
    await using session = await RawSession.open(gateway.url);
    await gateway.connected('well');
    expect(await session.callText('well__echo', { a: 1 })).toBe('{"a":1}');
    const { servers } = await gateway.health();
    expect(servers.map(({ state }) => state)).toEqual(['connecting', 'connecting', 'ready']);
    const { answer } = await session.request('tools/call', { name: 'silent__echo' });
    expect(answer.error.data).toEqual({ server: 'silent', reason: 'upstream_disconnected' });
  });
});

test('an upstream that does not speak HTTP shows its cause, and disturbs nothing', async () => {
  using ssh = tcpUpstream(() => 'SSH-2.0-OpenSSH_9.9\r\n');
  await using gateway = await startGateway({
    servers: [{ name: 'ssh', url: ssh.url, reconnect: promptReconnect }],
  });
  const { servers } = await gateway.waitFor('the cause', (health) => health.servers[0]?.last_error !== null);
  expect(servers[0]?.last_error).toBe('sent an invalid HTTP response: not HTTP/1.1');
});
