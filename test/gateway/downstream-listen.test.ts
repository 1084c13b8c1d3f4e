import { describe, expect, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };

/** A gateway with a list of tools that the test changes by reloads, which add or remove an upstream. */
async function changing() {
  const upstream = await fakeUpstream();
  const server = (name: string) => ({ name, url: upstream.url });
  const gateway = await startGateway({ servers: [server('a')] });
  await gateway.connected();
  return {
    gateway,
    async add(name: string) {
      await gateway.reload({ servers: [server('a'), server(name)] });
      await gateway.connected('a', name);
    },
    remove: () => gateway.reload({ servers: [server('a')] }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const next = async (stream: AsyncGenerator<RpcMessage>) => (await within('a notice', stream.next())).value;

describe('the stream of a session', () => {
  test('announces a change of the tools, after which the new list is served', async () => {
    await using to = await changing();
    await using session = await RawSession.open(to.gateway.url);
    const stream = await session.listen();
    await to.add('b');
    expect(await next(stream)).toEqual(changed);
    const { answer } = await session.request('tools/list');
    expect(answer.result.tools.map(({ name }: { name: string }) => name)).toEqual(['a__echo', 'b__echo']);
    await to.remove();
    expect(await next(stream)).toEqual(changed);
    await stream.return(undefined);
  });

  test('exists for every session that listens', async () => {
    await using to = await changing();
    const sessions = await Promise.all([1, 2, 3].map(() => RawSession.open(to.gateway.url)));
    const streams = await Promise.all(sessions.map((session) => session.listen()));
    await to.add('b');
    for (const stream of streams) expect(await next(stream)).toEqual(changed);
    for (const stream of streams) await stream.return(undefined);
  });

  test('begins with an announcement that was missed without a stream', async () => {
    await using to = await changing();
    await using session = await RawSession.open(to.gateway.url);
    await using witness = await RawSession.open(to.gateway.url);
    const seen = await witness.listen();
    await to.add('b');
    await next(seen);
    await to.remove();
    await next(seen);
    const stream = await session.listen();
    expect(await next(stream)).toEqual(changed);
    await to.add('c');
    expect(await next(stream)).toEqual(changed);
    const { answer } = await session.request('tools/list');
    expect(answer.result.tools).toHaveLength(2);
    await stream.return(undefined);
    await seen.return(undefined);
  });

  test('may be one of several: each message goes to one of them, and the others outlive one that closes', async () => {
    await using to = await changing();
    await using session = await RawSession.open(to.gateway.url);
    const first = await session.listen();
    const second = await session.listen();
    const third = await session.listen();
    await to.add('b');
    expect(await next(third)).toEqual(changed);
    // The gateway notices that a moment later.
    await third.return(undefined);
    const seen = Promise.race([next(first), next(second)]);
    await waitUntil('a message on one that is left', async () => {
      await to.remove();
      await to.add('b');
      return Promise.race([seen, Bun.sleep(100)]);
    });
    expect(await seen).toEqual(changed);
    expect((await session.request('ping')).response.status).toBe(200);
  });

  test('ends when the gateway stops', async () => {
    await using to = await changing();
    const session = await RawSession.open(to.gateway.url);
    const stream = await session.listen();
    const ended = Array.fromAsync(stream);
    await to.gateway.gateway.stop();
    await within('the end', ended);
  });
});
