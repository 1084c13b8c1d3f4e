import { describe, expect, test } from 'bun:test';
import { GatewayError } from '../../src/errors.ts';
import { hangUp, never, rpcError } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway, type TestConfig } from '../support/gateway.ts';
import { refusedBy } from '../support/refused.ts';
import type { RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { silentUpstream } from '../support/tcp.ts';
import { freePort } from '../support/wait.ts';

failOnStrayErrors();

const deadUrl = () => `http://127.0.0.1:${freePort()}/mcp`;

async function failureOf(config: TestConfig): Promise<GatewayError> {
  try {
    await using _gateway = await startGateway(config);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('it started');
}

describe('a required upstream', () => {
  test('is waited for, however many attempts it takes', async () => {
    let initializes = 0;
    await using upstream = await fakeUpstream({
      onPost: ({ method }) => (method === 'initialize' && ++initializes < 4 ? hangUp : undefined),
    });
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: upstream.url, required: true, reconnect: promptReconnect }],
    });
    expect((await gateway.health()).servers[0]).toMatchObject({
      connected: true,
      required: true,
      tools_count: 1,
    });
    expect(initializes).toBe(4);
  });

  test('does not wait for the others, whatever they do', async () => {
    using silent = silentUpstream();
    await using hanging = await fakeUpstream({ onPost: never });
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        { name: 'silent', url: silent.url },
        { name: 'hanging', url: hanging.url },
        { name: 'dead', url: deadUrl() },
        { name: 'up', url: upstream.url, required: true },
      ],
    });
    const { servers } = await gateway.health();
    expect(servers.map(({ name, connected }) => [name, connected])).toEqual([
      ['silent', false],
      ['hanging', false],
      ['dead', false],
      ['up', true],
    ]);
    expect((await fetch(`${gateway.origin}/readyz`)).status).toBe(200);
  });

  test('keeps /readyz at 503 while it is down later', async () => {
    await using upstream = await fakeUpstream();
    await using gateway = await startGateway({
      servers: [
        {
          name: 'up',
          url: upstream.url,
          required: true,
          tools: { ttl_seconds: 0.05 },
          reconnect: promptReconnect,
        },
      ],
    });
    const ready = async () => (await fetch(`${gateway.origin}/readyz`)).status;
    expect(await ready()).toBe(200);
    await upstream.stop();
    await gateway.waitFor('the loss', ({ servers }) => servers[0]?.connected === false);
    expect(await ready()).toBe(503);
    await upstream.start();
    await gateway.connected();
    expect(await ready()).toBe(200);
  });
});

describe('the start fails, naming the required upstream and the cause,', () => {
  test('when its attempts are used up', async () => {
    const url = deadUrl();
    const reconnect = { max_attempts: 3, backoff_base_ms: 5, backoff_max_ms: 10 };
    const failure = await failureOf({ servers: [{ name: 'up', url, required: true, reconnect }] });
    expect(failure.kind).toBe('required_upstream_down');
    expect(failure.exitCode).toBe(1);
    expect(failure.message).toBe(`required upstream "up" is not reachable: ${refusedBy(url)}`);
  });

  test('after connect_seconds if attempts are unlimited', async () => {
    const url = deadUrl();
    const timeouts = { connect_seconds: 0.2 };
    const failure = await failureOf({
      servers: [{ name: 'up', url, required: true, timeouts, reconnect: promptReconnect }],
    });
    expect(failure.kind).toBe('required_upstream_down');
    expect(failure.message).toBe(`required upstream "up" is not reachable: ${refusedBy(url)}`);
  });

  test('when it never answers', async () => {
    using silent = silentUpstream();
    const failure = await failureOf({
      servers: [{ name: 'up', url: silent.url, required: true, timeouts: { connect_seconds: 0.1 } }],
    });
    expect(failure.message).toBe('required upstream "up" is not reachable: did not initialize within 0.1 s');
  });

  test.each([
    ['answered HTTP 401: "no"', () => new Response('no', { status: 401 })],
    ['refused to initialize: no (error -32603)', ({ id }: RpcMessage) => rpcError(id, -32603, 'no')],
    ['answered with something that is not JSON', () => new Response('{nonsense')],
  ])('when the cause is: %s', async (cause, answer) => {
    await using upstream = await fakeUpstream({ onPost: answer });
    const failure = await failureOf({
      servers: [{ name: 'up', url: upstream.url, required: true, reconnect: { max_attempts: 1 } }],
    });
    expect(failure.message).toBe(`required upstream "up" is not reachable: ${cause}`);
  });

  test('and ends the sessions of those that were connected', async () => {
    await using upstream = await fakeUpstream();
    await failureOf({
      servers: [
        { name: 'well', url: upstream.url },
        { name: 'up', url: deadUrl(), required: true, timeouts: { connect_seconds: 0.1 } },
      ],
    });
    expect(upstream.received.at(-1)?.httpMethod).toBe('DELETE');
  });
});
