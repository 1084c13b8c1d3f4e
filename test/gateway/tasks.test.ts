import { describe, expect, test } from 'bun:test';
import { Client as ClientV2, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import {
  InMemoryTaskMessageQueue,
  InMemoryTaskStore,
} from '@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { volatileState } from '../../src/state/state.ts';
import { rpcResult } from '../support/answers.ts';
import { connectV1 } from '../support/clients.ts';
import { echoTool, fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway, type TestConfig } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession } from '../support/rpc.ts';
import { serveV1 } from '../support/sdk-served.ts';

/**
 * A server of the legacy era whose tool `work` is a task that ends when the test says so, after the progress that its client wants.
 * @param text in its result
 */
function startTaskServer(text = 'worked') {
  const taskStore = new InMemoryTaskStore();
  const finish = Promise.withResolvers<void>();
  const served = serveV1(() => {
    const server = new McpServer(
      { name: 'tasks', version: '1.0.0' },
      {
        capabilities: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
        taskStore,
        taskMessageQueue: new InMemoryTaskMessageQueue(),
      },
    );
    server.experimental.tasks.registerToolTask(
      'work',
      { description: 'Takes long', execution: { taskSupport: 'required' } },
      {
        async createTask(extra) {
          const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 20 });
          const { taskId } = task;
          const progressToken = extra._meta?.progressToken;
          void finish.promise.then(async () => {
            if (progressToken !== undefined)
              await server.server.notification(
                { method: 'notifications/progress', params: { progressToken, progress: 1 } },
                { relatedTask: { taskId } },
              );
            await extra.taskStore.storeTaskResult(taskId, 'completed', {
              content: [{ type: 'text', text }],
            });
          });
          return { task };
        },
        getTask: (extra) => extra.taskStore.getTask(extra.taskId),
        getTaskResult: (extra) => extra.taskStore.getTaskResult(extra.taskId) as never,
      },
    );
    return server.server;
  });
  return { served, finish: () => finish.resolve() };
}

async function start(overrides: Partial<TestConfig> = {}, state = volatileState(), text?: string) {
  const server = startTaskServer(text);
  const config = { servers: [{ name: 'up', url: server.served.url }], ...overrides };
  const gateway = await startGateway(config, {}, state);
  await gateway.connected();
  return {
    server,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await server.served[Symbol.asyncDispose]();
    },
  };
}

const makeTask = async (session: RawSession) => {
  const { answer } = await session.request('tools/call', { name: 'up__work', arguments: {}, task: {} });
  return answer.result.task.taskId as string;
};

describe('a task of a legacy server', () => {
  test('is made, polled and finished by a client of the v1 SDK', async () => {
    await using started = await start();
    await using connected = await connectV1(started.gateway.url);
    const { client } = connected;
    expect(client.getServerCapabilities()?.tasks).toEqual({
      list: {},
      cancel: {},
      requests: { tools: { call: {} } },
    });
    await client.listTools();
    const seen: string[] = [];
    const stream = client.experimental.tasks.callToolStream(
      { name: 'up__work', arguments: {} },
      CallToolResultSchema,
    );
    for await (const message of stream) {
      seen.push(message.type);
      if (message.type === 'taskCreated') started.server.finish();
      if (message.type === 'result')
        expect(message.result.content).toEqual([{ type: 'text', text: 'worked' }]);
      if (message.type === 'error') throw message.error;
    }
    expect(seen[0]).toBe('taskCreated');
    expect(seen.at(-1)).toBe('result');
  });

  test('of a tool that requires one is waited for on behalf of a modern client', async () => {
    await using started = await start();
    const client = new ClientV2(
      { name: 'modern', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    await client.connect(new StreamableHTTPClientTransport(new URL(started.gateway.url)));
    setTimeout(started.server.finish, 50);
    const result = await client.callTool({ name: 'up__work', arguments: {} });
    expect(result.content).toEqual([{ type: 'text', text: 'worked' }]);
    expect(JSON.stringify(result)).not.toContain('related-task');
    await client.close();
  });

  test.each([
    ['in ASCII', 'x'.repeat(200_000)],
    ['beyond ASCII', 'é'.repeat(200_000)],
  ])(
    'of a tool that requires one gives a modern client a long result %s without its id',
    async (_in, text) => {
      await using started = await start({}, volatileState(), text);
      started.server.finish();
      const params = { name: 'up__work', arguments: {} };
      const { answer } = await askModern(started.gateway.url, 'tools/call', { params });
      expect(answer.result?.content).toEqual([{ type: 'text', text }]);
      expect(JSON.stringify(answer)).not.toContain('related-task');
    },
  );

  test('is not made at the wish of a modern client, whose era leaves that to servers', async () => {
    await using server = await fakeUpstream({
      sessions: false,
      tools: [{ ...echoTool, execution: { taskSupport: 'optional' } } as typeof echoTool],
      onPost: ({ method, id, params }) => {
        const capabilities = { tools: {}, tasks: { requests: { tools: { call: {} } } } };
        const serverInfo = { name: 'tasks', version: '1' };
        if (method === 'initialize')
          return rpcResult(id, { protocolVersion: '2025-11-25', serverInfo, capabilities });
        if (method !== 'tools/call' || params.task === undefined) return undefined;
        return rpcResult(id, { task: { taskId: 't', status: 'working', ttl: null } });
      },
    });
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const { answer } = await askModern(gateway.url, 'tools/call', {
      params: { name: 'up__echo', arguments: { a: 1 }, task: { ttl: 1000 } },
    });
    expect(answer.result).toMatchObject({ resultType: 'complete', content: [{ text: '{"a":1}' }] });
    expect(server.messages('tools/call').map(({ params }) => params)).toEqual([
      { name: 'echo', arguments: { a: 1 } },
    ]);
  });

  test.each(['tasks/list', 'tasks/result'])('has no %s for a modern client', async (method) => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const taskId = await makeTask(session);
    const _meta = {
      'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    };
    const { status, answer } = await askModern(started.gateway.url, method, { params: { taskId, _meta } });
    expect([status, answer.error?.code]).toEqual([404, -32601]);
  });

  test('has an id that holds for all its methods, and names the task of its result', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const taskId = await makeTask(session);
    const got = await session.request('tasks/get', { taskId });
    expect(got.answer.result).toMatchObject({ taskId, status: 'working' });
    const listed = await session.request('tasks/list');
    expect(listed.answer.result).toMatchObject({ tasks: [{ taskId, status: 'working' }] });
    started.server.finish();
    const { answer } = await session.request('tasks/result', { taskId });
    expect(answer.result.content).toEqual([{ type: 'text', text: 'worked' }]);
    expect(answer.result._meta['io.modelcontextprotocol/related-task']).toEqual({ taskId });
  });

  test('reports progress while its result is waited for, under the token of the call that made it', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const _meta = { progressToken: 'mine' };
    const made = await session.request('tools/call', { name: 'up__work', arguments: {}, task: {}, _meta });
    const { taskId } = made.answer.result.task;
    started.server.finish();
    const { before } = await session.request('tasks/result', { taskId });
    expect(before.map(({ method, params }) => [method, params])).toEqual([
      [
        'notifications/progress',
        {
          progressToken: 'mine',
          progress: 1,
          _meta: { 'io.modelcontextprotocol/related-task': { taskId } },
        },
      ],
    ]);
  });

  test('of a tool that requires one reports progress to a modern client', async () => {
    await using started = await start();
    started.server.finish();
    const { before, answer } = await askModern(started.gateway.url, 'tools/call', {
      params: { name: 'up__work', arguments: {}, _meta: { progressToken: 7 } },
    });
    expect(before).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 7, progress: 1 } },
    ]);
    expect(JSON.stringify(before)).not.toContain('related-task');
    expect(answer.result).toMatchObject({ resultType: 'complete', content: [{ text: 'worked' }] });
  });

  test('tells the client that made it of its changes, and nobody else', async () => {
    await using started = await start();
    await using maker = await RawSession.open(started.gateway.url);
    await using other = await RawSession.open(started.gateway.url);
    const [heard, overheard] = await Promise.all([maker.listen(), other.listen()]);
    const heardElsewhere: unknown[] = [];
    void (async () => {
      // The first lists are a change, of which a client may hear.
      for await (const message of overheard)
        if (!message.method?.endsWith('list_changed')) heardElsewhere.push(message);
    })().catch(() => {});
    const taskId = await makeTask(maker);
    started.server.finish();
    for await (const message of heard) {
      if (message.method !== 'notifications/tasks/status') continue;
      expect(message.params).toMatchObject({ taskId, status: 'completed' });
      break;
    }
    expect(heardElsewhere).toEqual([]);
  });

  test('can be cancelled', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url);
    const taskId = await makeTask(session);
    const { answer } = await session.request('tasks/cancel', { taskId });
    expect(answer.result).toMatchObject({ taskId, status: 'cancelled' });
  });

  test('is listed only to the session that made it', async () => {
    await using started = await start();
    await using maker = await RawSession.open(started.gateway.url);
    await using other = await RawSession.open(started.gateway.url);
    await makeTask(maker);
    const listed = await other.request('tasks/list');
    expect(listed.answer.result).toEqual({ tasks: [] });
  });

  test('is unknown to another principal, and under any other id', async () => {
    const bearer = { mcp: { auth: { mode: 'bearer' } } };
    const state = volatileState();
    const server = startTaskServer();
    const servers = [{ name: 'up', url: server.served.url }];
    const open = await startGateway({ servers }, {}, state);
    await open.connected();
    await using session = await RawSession.open(open.url);
    const taskId = await makeTask(session);
    const token = 'a-token-of-sufficient-length-0123456789';
    const guarded = await startGateway({ servers, ...bearer }, { MCPSTEAD_BEARER_TOKEN: token }, state);
    await guarded.connected();
    await using stranger = await RawSession.open(guarded.url, {
      headers: { authorization: `Bearer ${token}` },
    });
    for (const id of [taskId, 'x']) {
      const { answer } = await stranger.request('tasks/get', { taskId: id });
      expect(answer.error).toMatchObject({
        code: -32602,
        message: `tasks/get: unknown task ${JSON.stringify(id.length > 200 ? `${id.slice(0, 200)}…` : id)}`,
      });
    }
    await Promise.all([open.gateway.stop(), guarded.gateway.stop()]);
    await server.served[Symbol.asyncDispose]();
  });

  test('is unknown in a view without its server', async () => {
    await using server = startTaskServer().served;
    await using other = startTaskServer().served;
    const servers = [
      { name: 'up', url: server.url },
      { name: 'other', url: other.url },
    ];
    await using gateway = await startGateway({ servers });
    await gateway.connected();
    await using maker = await RawSession.open(gateway.url);
    const taskId = await makeTask(maker);
    for (const [path, isKnown] of [
      ['', true],
      ['/up', true],
      ['/other', false],
    ] as const) {
      await using session = await RawSession.open(gateway.url + path);
      const { answer } = await session.request('tasks/get', { taskId });
      expect([path, answer.error?.message.includes('unknown task') ?? false]).toEqual([path, !isKnown]);
    }
  });

  test('outlives the gateway', async () => {
    const state = volatileState();
    const server = startTaskServer();
    const config = { servers: [{ name: 'up', url: server.served.url }] };
    const first = await startGateway(config, {}, state);
    await first.connected();
    await using session = await RawSession.open(first.url);
    const taskId = await makeTask(session);
    await first.gateway.stop();
    const second = await startGateway(config, {}, state);
    await second.connected();
    await using next = await RawSession.open(second.url);
    // The SDK's store binds tasks to sessions, so the server's own answer is that it does not know the task.
    const { answer } = await next.request('tasks/get', { taskId });
    expect(answer.error?.message).not.toContain('unknown task');
    await second.gateway.stop();
    await server.served[Symbol.asyncDispose]();
  });
});
