import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { askedClientV1, askedClientV2 } from '../support/asked-clients.ts';
import { startAskingServer } from '../support/asking-server.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

/** A server that asks, behind a gateway that gives each client a session of its own with it. */
async function isolated(changes: object = {}, session: object = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startAskingServer());
  const up = { name: 'up', url: server.url, isolation: 'session', reconnect: promptReconnect, ...changes };
  const mcp = { session: { shutdown_grace_seconds: 0, ...session } };
  const config = { servers: [up], mcp };
  const gateway = stack.use(await startGateway(config));
  await gateway.connected();
  const sessions = async () => [
    (await gateway.metrics()).value('mcpstead_upstream_sessions', { server: 'up' }),
    (await gateway.health()).servers[0]?.client_sessions,
  ];
  return { server, gateway, config, sessions, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('isolation: session', () => {
  test('opens a session for each client on its first call, with its name and capabilities', async () => {
    await using world = await isolated();
    const { gateway, server, sessions } = world;
    await using one = await askedClientV1(gateway.url, 'one', { capabilities: { roots: {} } });
    await using two = await askedClientV2(gateway.url, 'two');
    // The lists are those of the session that the gateway keeps.
    expect([server.sessionCount(), await sessions()]).toEqual([1, [0, 0]]);
    expect(await one.call('up__whoami')).toEqual({
      info: { name: 'one', version: '1.0.0' },
      capabilities: { roots: {} },
    });
    expect((await two.call('up__whoami')).info.name).toBe('two');
    expect([server.sessionCount(), await sessions()]).toEqual([3, [2, 2]]);
  });

  test('keeps the state of the clients apart', async () => {
    await using world = await isolated();
    await using one = await askedClientV1(world.gateway.url, 'one');
    await using two = await askedClientV1(world.gateway.url, 'two');
    const counts = [await one.call('up__count'), await one.call('up__count'), await two.call('up__count')];
    expect(counts).toEqual([1, 2, 1]);
  });

  test('ties log messages to the client, even while it calls nothing', async () => {
    await using world = await isolated();
    const { gateway, server } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV2(gateway.url, 'two');
    await one.call('up__count');
    await waitUntil('the message', async () => {
      await server.logToSessions('idle');
      return one.told.length > 0;
    });
    await one.setLevel('error');
    await server.logToSessions('unwanted');
    // Those in the session that the gateway keeps for the lists are nobody's.
    const dropped = async () => Number((await gateway.health()).servers[0]?.log_messages_dropped);
    await waitUntil('the count', async () => (await dropped()) > 0);
    await settle();
    expect([new Set(one.told), two.told]).toEqual([new Set(['log idle']), []]);
  });

  test('ties questions on the stream of the session to the client, however many calls run', async () => {
    await using world = await isolated();
    await using one = await askedClientV1(world.gateway.url, 'one');
    await using two = await askedClientV2(world.gateway.url, 'two');
    const ask = (client: typeof one) =>
      Promise.all(Array.from({ length: 5 }, () => client.call('up__elicit', { stream: 'session' })));
    const [ones, twos] = await within('all answers', Promise.all([ask(one), ask(two)]));
    expect(ones.map(({ answer }) => answer.content.name)).toEqual(Array(5).fill('one'));
    expect(twos.map(({ answer }) => answer.content.name)).toEqual(Array(5).fill('two'));
  });

  test('passes the context that sampling asks for, and tells the server of changed roots', async () => {
    await using world = await isolated();
    const { gateway, server } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV1(gateway.url, 'two');
    await one.call('up__sample');
    expect(one.asked).toEqual(['context: allServers']);
    await one.rootsChanged();
    await two.rootsChanged();
    await waitUntil('the change', () => server.notified.length === 1);
    expect(server.notified).toEqual(['notifications/roots/list_changed']);
  });

  test('ends the session with that of the client', async () => {
    await using world = await isolated();
    const { server, gateway, sessions } = world;
    const one = await askedClientV1(gateway.url, 'one');
    await one.call('up__count');
    expect(server.sessionCount()).toBe(2);
    await one[Symbol.asyncDispose]();
    await waitUntil('the end', () => server.sessionCount() === 1);
    expect(await sessions()).toEqual([0, 0]);
  });

  test('ends a session that no call uses, and the next call opens another', async () => {
    await using world = await isolated({}, { idle_ttl_seconds: 0.3 });
    const { server, gateway } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    expect([await one.call('up__count'), await one.call('up__count')]).toEqual([1, 2]);
    await waitUntil('the end', () => server.sessionCount() === 1);
    expect(await one.call('up__count')).toBe(1);
  });

  test('keeps a session in which a call runs, however long, and for the idle time after it', async () => {
    await using world = await isolated({}, { idle_ttl_seconds: 0.8 });
    const { server, gateway } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    expect(await one.call('up__count')).toBe(1);
    await one.call('up__hold', { ms: 2_500 });
    expect(await one.call('up__count')).toBe(2);
    await waitUntil('the end', () => server.sessionCount() === 1);
  });

  test('refuses a client beyond isolation_max, and takes it when another has ended', async () => {
    await using world = await isolated({ isolation_max: 1 });
    const { gateway, stack, config } = world;
    const one = await askedClientV1(gateway.url, 'one');
    const two = stack.use(await askedClientV1(gateway.url, 'two'));
    await one.call('up__count');
    await expect(two.call('up__count')).rejects.toMatchObject({
      code: -32000,
      data: { server: 'up', reason: 'overloaded' },
    });
    await one[Symbol.asyncDispose]();
    expect(await two.call('up__count')).toBe(1);
    await using three = await askedClientV1(gateway.url, 'three');
    await expect(three.call('up__count')).rejects.toThrow('"isolation_max"');
    // A reload raises it without ending the sessions that there are.
    const [up = {}] = config.servers;
    await gateway.reload({ ...config, servers: [{ ...up, isolation_max: 2 }] });
    expect([await two.call('up__count'), await three.call('up__count')]).toEqual([2, 1]);
  });

  test('counts sessions that are being opened', async () => {
    await using world = await isolated({ isolation_max: 3 });
    const { gateway, stack } = world;
    const clients = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => stack.use(await askedClientV1(gateway.url, `c${at}`))),
    );
    const outcomes = await Promise.allSettled(clients.map((client) => client.call('up__count')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  });

  test('replaces a session that the server has lost, and repeats the call in it', async () => {
    await using world = await isolated();
    const { gateway, server } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV1(gateway.url, 'two');
    expect([await one.call('up__count'), await two.call('up__count')]).toEqual([1, 1]);
    await server.forgetSessions();
    expect(await Promise.all([one.call('up__count'), two.call('up__count')])).toEqual([1, 1]);
    expect((await one.call('up__whoami')).info.name).toBe('one');
  });

  test('fails calls while the server is down, and opens the sessions again when it is back', async () => {
    await using world = await isolated();
    const { gateway, server } = world;
    await using one = await askedClientV1(gateway.url, 'one');
    await one.call('up__count');
    await server.stop();
    await expect(one.call('up__count')).rejects.toMatchObject({
      data: { server: 'up', reason: 'upstream_disconnected' },
    });
    await server.start();
    await gateway.connected();
    expect(await waitUntil('a call', () => one.call('up__count'))).toBe(1);
  });

  test('lets legacy requests outside a session use the shared one', async () => {
    await using world = await isolated();
    const { gateway, server } = world;
    const params = { name: 'up__whoami', arguments: {} };
    const response = await rawPost(gateway.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    expect(await response.text()).toContain('mcpstead');
    expect(server.sessionCount()).toBe(1);
  });

  test('ends all sessions when the gateway stops', async () => {
    await using world = await isolated();
    const { gateway, server, stack } = world;
    for (const name of ['one', 'two', 'three'])
      await stack.use(await askedClientV1(gateway.url, name)).call('up__count');
    expect(server.sessionCount()).toBe(4);
    await gateway.gateway.stop();
    expect(server.sessionCount()).toBe(0);
  });
});

describe('a server over stdio', () => {
  const command = {
    command: process.execPath,
    args: [join(import.meta.dir, '../support/asking-server.ts')],
  };

  test('has its questions refused by name while several calls run in the process that all share', async () => {
    await using gateway = await startGateway({ servers: [{ name: 'up', ...command }] });
    await gateway.connected();
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV2(gateway.url, 'two');
    expect((await one.call('up__elicit')).answer.content.name).toBe('one');
    const held = two.call('up__hold', { ms: 2_000 });
    // At first, that call may be on its way.
    const outcome = await waitUntil('a refusal', async () => {
      const ended = await one.call('up__elicit');
      return ended.code === undefined ? null : ended;
    });
    expect(outcome).toMatchObject({ code: -32602 });
    expect(outcome.message).toContain('"isolation: session"');
    expect(two.asked).toEqual([]);
    await held;
  });

  test('asks each client in a process of its own, with isolation', async () => {
    await using gateway = await startGateway({ servers: [{ name: 'up', ...command, isolation: 'session' }] });
    await gateway.connected();
    await using one = await askedClientV1(gateway.url, 'one');
    await using two = await askedClientV2(gateway.url, 'two');
    const ask = (client: typeof one) =>
      Promise.all(Array.from({ length: 5 }, () => client.call('up__elicit')));
    const [ones, twos] = await within('all answers', Promise.all([ask(one), ask(two)]));
    expect(ones.map(({ answer }) => answer.content.name)).toEqual(Array(5).fill('one'));
    expect(twos.map(({ answer }) => answer.content.name)).toEqual(Array(5).fill('two'));
    expect((await one.call('up__whoami')).info.name).toBe('one');
    expect([await one.call('up__count'), await two.call('up__count')]).toEqual([1, 1]);
    expect((await gateway.health()).servers[0]).toMatchObject({ client_sessions: 2 });
    // It asks for roots as soon as it is initialized, which is before the first call of the client.
    expect((await one.call('up__early')).answer.roots).toEqual([{ uri: 'file:///one' }]);
  });
});

test('a reload that changes isolation connects to the server again', async () => {
  await using world = await isolated();
  const { gateway, config } = world;
  const [up = {}] = config.servers;
  const reloaded = await gateway.reload({ ...config, servers: [{ ...up, isolation: 'shared' }] });
  expect(reloaded).toMatchObject({ restarted: 1, updated: 0 });
});
