import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { sse, sseEvent } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern, postModern } from '../support/modern-rpc.ts';
import { messagesOf } from '../support/rpc.ts';
import type { SdkServer } from '../support/sdk-host.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const stack = new AsyncDisposableStack();
let server: SdkServer;
let gateway: TestGateway;
beforeAll(async () => {
  server = stack.use(await startSdkV1());
  gateway = stack.use(await startGateway({ servers: [{ name: 'up', url: server.url }] }));
  await gateway.connected();
});
afterAll(() => stack.disposeAsync());

const sseOnly = { accept: 'text/event-stream' };
const json = { accept: 'application/json' };
const call = (name: string, args: object = {}, more: object = {}) => ({
  params: { name: `up__${name}`, arguments: args, ...more },
});

describe.each([
  ['pinned to the modern era', { pin: '2026-07-28' }],
  ['that finds out the era', 'auto' as const],
])('a v2 SDK client %s', (_, mode) => {
  async function connect() {
    const client = new Client({ name: 'c', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url)));
    return { client, [Symbol.asyncDispose]: () => client.close() };
  }

  test('speaks the modern revision', async () => {
    await using to = await connect();
    expect(to.client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect(to.client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true } });
  });

  test('lists and calls the tools of a legacy server, with progress', async () => {
    await using to = await connect();
    const { tools } = await to.client.listTools();
    expect(tools.map(({ name }) => name)).toContain('up__steps');
    const progress: number[] = [];
    const result = await to.client.callTool(
      { name: 'up__steps', arguments: { steps: 3 } },
      { onprogress: (step) => void progress.push(step.progress) },
    );
    expect(result.content).toEqual([{ type: 'text', text: '3 steps done' }]);
    expect(progress).toEqual([1, 2, 3]);
  });

  test('cancels a call at the server', async () => {
    await using to = await connect();
    const before = server.cancellations('hold');
    const abort = new AbortController();
    const running = server.executions('hold');
    const held = to.client.callTool({ name: 'up__hold', arguments: {} }, { signal: abort.signal });
    await waitUntil('the call', () => server.executions('hold') === running + 1);
    abort.abort();
    await expect(held).rejects.toThrow();
    await waitUntil('the cancellation', () => server.cancellations('hold') === before + 1);
  });

  test('hears of new tools', async () => {
    await using to = await connect();
    const heard = Promise.withResolvers<void>();
    to.client.setNotificationHandler('notifications/tools/list_changed', () => heard.resolve());
    await to.client.listen({ toolsListChanged: true });
    const name = `new_${crypto.randomUUID().slice(0, 8)}`;
    await server.addTool(name);
    await within('the notice', heard.promise);
    const { tools } = await to.client.listTools();
    expect(tools.map((tool) => tool.name)).toContain(`up__${name}`);
    await server.removeTool(name);
  });
});

describe('a call of the modern era', () => {
  test('is answered in JSON if nothing comes before its answer, and else as a stream', async () => {
    const echo = await postModern(gateway.url, 'tools/call', call('echo', { message: 'm' }));
    expect(echo.headers.get('content-type')).toBe('application/json');
    const meta = { _meta: { progressToken: 'mine' } };
    const steps = await askModern(gateway.url, 'tools/call', call('steps', { steps: 2 }, meta));
    expect(steps.headers.get('content-type')).toBe('text/event-stream');
    expect(steps.headers.get('x-accel-buffering')).toBe('no');
    expect(steps.before).toEqual(
      [1, 2].map((progress) => ({
        jsonrpc: '2.0',
        method: 'notifications/progress',
        params: { progressToken: 'mine', progress, total: 2 },
      })),
    );
    expect(steps.answer.result.resultType).toBe('complete');
  });

  test('has events without ids', async () => {
    const meta = { _meta: { progressToken: 1 } };
    const response = await postModern(gateway.url, 'tools/call', call('steps', { steps: 2 }, meta));
    const text = await response.text();
    expect(text).toContain('notifications/progress');
    expect(text).not.toMatch(/^id:/m);
  });

  test('is answered as its client accepts', async () => {
    const meta = { _meta: { progressToken: 1 } };
    const onlyJson = await askModern(gateway.url, 'tools/call', {
      ...call('steps', { steps: 2 }, meta),
      headers: json,
    });
    expect([onlyJson.headers.get('content-type'), onlyJson.before]).toEqual(['application/json', []]);
    const onlySse = await askModern(gateway.url, 'tools/call', {
      ...call('echo', { message: 'm' }),
      headers: sseOnly,
    });
    expect(onlySse.headers.get('content-type')).toBe('text/event-stream');
    expect(onlySse.answer.result.content).toEqual([{ type: 'text', text: 'm' }]);
  });

  test('is cancelled at the server when its stream is closed, also if it is quiet', async () => {
    for (const meta of [{}, { _meta: { progressToken: 1 } }]) {
      const running = server.executions('hold');
      const before = server.cancellations('hold');
      const abort = new AbortController();
      const params = { name: 'up__hold', arguments: {}, ...meta };
      const posted = postModern(gateway.url, 'tools/call', { params, signal: abort.signal });
      posted.catch(() => undefined);
      await waitUntil('the call', () => server.executions('hold') === running + 1);
      abort.abort();
      await waitUntil('the cancellation', () => server.cancellations('hold') === before + 1);
    }
  });

  test('keeps its id and its progress token apart from those of another client', async () => {
    const meta = { _meta: { progressToken: 'same' } };
    const answers = await Promise.all(
      [1, 2, 3].map((steps) =>
        askModern(gateway.url, 'tools/call', { ...call('steps', { steps }, meta), id: 'same' }),
      ),
    );
    expect(
      answers.map(({ before, answer }) => [before.length, answer.id, answer.result.content[0].text]),
    ).toEqual([
      [1, 'same', '1 steps done'],
      [2, 'same', '2 steps done'],
      [3, 'same', '3 steps done'],
    ]);
  });
});

test('log messages reach only those calls that want them, as severe as they want them', async () => {
  const log = (level: string) => ({
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level, data: level },
  });
  await using upstream = await fakeUpstream({
    onPost: ({ method, id }) =>
      method === 'tools/call'
        ? sse(
            ...['debug', 'warning', 'error'].map((level) => sseEvent(log(level))),
            sseEvent({ jsonrpc: '2.0', id, result: { content: [] } }),
          )
        : undefined,
  });
  await using logging = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await logging.connected();
  const levels = async (_meta: object) => {
    const response = await postModern(logging.url, 'tools/call', call('echo', {}, { _meta }));
    const found: unknown[] = [];
    for await (const { method, params } of messagesOf(response))
      if (method) found.push([method, params.level]);
    return found;
  };
  const level = 'io.modelcontextprotocol/logLevel';
  const method = 'notifications/message';
  expect(await levels({})).toEqual([]);
  expect(await levels({ [level]: 'warning' })).toEqual([
    [method, 'warning'],
    [method, 'error'],
  ]);
  expect(await levels({ [level]: 'debug' })).toHaveLength(3);
});
