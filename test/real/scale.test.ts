import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { connectV1 } from '../support/clients.ts';
import { everythingTools, startEverything } from '../support/everything.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { servedToolNames } from '../support/sdk-tools.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2 } from '../support/sdk-v2.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(30_000);

describe.each([
  ['JSON', true],
  ['SSE', false],
])('a result of 10 MB that comes as %s', (_kind, json) => {
  test('reaches the client whole', async () => {
    await using server = await startSdkV1({ json });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const text = await session.callText('up__big', { chars: 10_485_760 });
    expect(text.length).toBe(10_485_760);
    expect(/^x*$/.test(text)).toBe(true);
  });
});

test('5,000 tools of one server, in pages of 100, are all listed in order and can be called', async () => {
  await using server = await startSdkV2({ extraTools: 4992, pageSize: 100 });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  await using client = await connectV1(gateway.url);
  const names = await client.toolNames();
  expect(names.length).toBe(5000);
  expect(names.slice(0, 8)).toEqual(servedToolNames.map((tool) => `up__${tool}`));
  expect(names[4999]).toBe('up__extra_4991');
  expect(names.slice(8)).toEqual(names.slice(8).toSorted());
  expect((await client.call('up__extra_4991', {})).text).toBe('extra_4991 was called');
  expect((await gateway.health()).servers[0]?.tools_count).toBe(5000);
});

test('60 upstreams of four kinds are listed in order and all answer at once', async () => {
  await using stack = new AsyncDisposableStack();
  const start = async (index: number) => {
    if (index % 30 === 7) return { ...stack.use(await startEverything()), sdk: false };
    if (index % 30 === 8) return { ...stack.use(await startEverything('sse')), sdk: false };
    return { ...stack.use(await (index % 2 ? startSdkV1() : startSdkV2())), sdk: true };
  };
  const upstreams = await Promise.all(Array.from({ length: 60 }, (_, index) => start(index)));
  await using gateway = await startGateway({
    servers: upstreams.map(({ url }, index) => ({ name: `s${index}`, url })),
  });
  await gateway.connected();
  await using client = await connectV1(gateway.url);
  expect(await client.toolNames()).toEqual(
    upstreams.flatMap(({ sdk }, index) =>
      (sdk ? servedToolNames : everythingTools).map((tool) => `s${index}__${tool}`),
    ),
  );
  const answers = await Promise.all(
    upstreams.map(async (_, index) => (await client.call(`s${index}__echo`, { message: `${index}` })).text),
  );
  expect(answers).toEqual(upstreams.map(({ sdk }, index) => (sdk ? `${index}` : `Echo: ${index}`)));
});

test('1,000 sessions with open streams are all notified of a changed tool list', async () => {
  await using server = await startSdkV1();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  const streams: EventStream[] = [];
  for (let batch = 0; batch < 20; batch++) {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => RawSession.open(gateway.url)));
    streams.push(
      ...(await Promise.all(sessions.map((session) => openStream(gateway.gateway.port, session.id)))),
    );
  }
  await waitUntil('all streams to be open', () =>
    streams.every((stream) => stream.received().startsWith('HTTP/1.1 200')),
  );
  const active = (await gateway.metrics()).value('mcpstead_downstream_sessions_active');
  expect(active).toBe(1000);

  await server.addTool('late');

  const told = () =>
    streams.filter((stream) => stream.received().includes('notifications/tools/list_changed'));
  await waitUntil('every stream to be told', () => told().length === 1000, 20_000);
  for (const stream of streams) stream.close();
});

interface EventStream {
  /** All bytes so far, the HTTP head included. */
  received(): string;
  close(): void;
}

/** Opens a session's GET stream on a bare socket: 1,000 of them exceed the limit of `fetch` per process. */
async function openStream(port: number, sessionId: string): Promise<EventStream> {
  let received = '';
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data(_socket, bytes) {
        received += bytes.toString();
      },
    },
  });
  socket.write(
    [
      'GET /mcp HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Accept: text/event-stream',
      `Mcp-Session-Id: ${sessionId}`,
      'Mcp-Protocol-Version: 2025-11-25',
      '',
      '',
    ].join('\r\n'),
  );
  return { received: () => received, close: () => socket.terminate() };
}
