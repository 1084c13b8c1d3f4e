import { expect, test } from 'bun:test';
import { never, rpcResult } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeModern } from '../support/fake-modern.ts';
import { type FakeUpstream, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { postModern } from '../support/modern-rpc.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

/** A server with one prompt that it never answers. */
interface WaitingServer extends AsyncDisposable {
  readonly upstream: FakeUpstream;
  /** Whether it knows that nobody wants the prompt any more. */
  isCancelled(): boolean;
}

const prompts = { prompts: [{ name: 'wait' }], resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
const capabilities = { tools: {}, prompts: {} };

async function legacyServer(): Promise<WaitingServer> {
  const upstream = await fakeUpstream({
    sessions: false,
    onPost({ id, method, params }) {
      if (method === 'initialize')
        return rpcResult(id, {
          protocolVersion: params.protocolVersion,
          capabilities,
          serverInfo: { name: 'waiting', version: '1' },
        });
      if (method === 'prompts/list') return rpcResult(id, prompts);
      return method === 'prompts/get' ? never() : undefined;
    },
  });
  const isCancelled = () => {
    const [asked] = upstream.messages('prompts/get');
    const [told] = upstream.messages('notifications/cancelled');
    return told !== undefined && told.params.requestId === asked?.id;
  };
  return { upstream, isCancelled, [Symbol.asyncDispose]: () => upstream.stop() };
}

async function modernServer(): Promise<WaitingServer> {
  let stream: EventChannel | null = null;
  const upstream = await fakeModern({
    discovery: { capabilities },
    onPost({ id, method }: RpcMessage) {
      if (method === 'prompts/list') return rpcResult(id, prompts);
      if (method !== 'prompts/get') return undefined;
      stream = eventChannel();
      return stream.response;
    },
  });
  const isCancelled = () => stream?.closed === true;
  return { upstream, isCancelled, [Symbol.asyncDispose]: () => upstream.stop() };
}

const params = { name: 'up__wait' };
const clients: Record<string, (url: string) => Promise<{ cancel(): void; ended: Promise<unknown> }>> = {
  async legacy(url) {
    const session = await RawSession.open(url);
    const ended = session.request('prompts/get', params, 'p').catch((error) => error);
    const cancel = () =>
      void session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'p' } });
    return { cancel, ended };
  },
  async modern(url) {
    const abort = new AbortController();
    const ended = postModern(url, 'prompts/get', { params, signal: abort.signal }).catch((error) => error);
    return { cancel: () => abort.abort(), ended };
  },
};

test.each(
  Object.entries({ legacy: legacyServer, modern: modernServer }).flatMap(([server, start]) =>
    Object.entries(clients).map(([client, connect]) => [client, server, connect, start] as const),
  ),
)(
  'a %s client’s cancellation of a prompt reaches its %s server',
  async (_client, _server, connect, start) => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.upstream.url }] });
    await gateway.connected();
    const { cancel, ended } = await connect(gateway.url);
    await waitUntil('the request', () => server.upstream.messages('prompts/get').length === 1);
    // Only what takes a while is watched.
    await Bun.sleep(100);
    cancel();
    await waitUntil('the cancellation', () => server.isCancelled(), 3_000);
    await within('the end of the request', ended);
    expect((await gateway.health()).servers[0]).toMatchObject({ connected: true });
  },
);
