import { describe, expect, test } from 'bun:test';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { McpServer, ProtocolError } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { connectV1 } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { RawSession, rawPost } from '../support/rpc.ts';
import { serveV2 } from '../support/sdk-served.ts';
import { settle, waitUntil } from '../support/wait.ts';

const extension = 'io.modelcontextprotocol/tasks';

interface KeptTask {
  status: string;
  inputRequests?: object;
  result?: object;
  error?: object;
}

/** A server of the modern era that makes a task of each call: it asks for a name, then greets. */
function startTaskServer() {
  const tasks = new Map<string, KeptTask>();
  const times = { createdAt: '2026-01-01T00:00:00Z', lastUpdatedAt: '2026-01-01T00:00:00Z' };
  const shown = (taskId: string) => ({
    taskId,
    ...times,
    ttlMs: null,
    pollIntervalMs: 20,
    ...tasks.get(taskId),
  });
  const served = serveV2(() => {
    const server = new McpServer(
      { name: 'tasks', version: '1.0.0' },
      { capabilities: { tools: {}, resources: {}, extensions: { [extension]: {} } } },
    );
    const { server: low } = server;
    low.setRequestHandler('tools/list', () => ({
      tools: [{ name: 'greet', inputSchema: { type: 'object' } }],
    }));
    low.setRequestHandler('resources/list', () => ({ resources: [] }));
    low.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: [] }));
    low.setRequestHandler('resources/read', ({ params }) => ({
      contents: [{ uri: params.uri, text: 'made' }],
      ttlMs: 0,
      cacheScope: 'private' as const,
    }));
    low.setRequestHandler('tools/call', () => {
      const taskId = `task-${tasks.size + 1}`;
      const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } };
      const params = { mode: 'form', message: 'Your name?', requestedSchema };
      tasks.set(taskId, {
        status: 'input_required',
        inputRequests: { name: { method: 'elicitation/create', params } },
      });
      // The SDK knows no such results and wants the content of others.
      return { resultType: 'task', content: [], ...shown(taskId) } as never;
    });
    const ById = z.object({ taskId: z.string() });
    low.setRequestHandler('tasks/get', { params: ById }, ({ taskId }) => shown(taskId));
    low.setRequestHandler('tasks/update', { params: ById }, ({ taskId }, { mcpReq }) => {
      // The SDK takes the answers out of all params.
      const { name } = mcpReq.inputResponses ?? {};
      const { action, content } = name as { action: string; content?: { name: string } };
      const text = action === 'accept' ? `Hello, ${content?.name}!` : `The user said ${action}.`;
      tasks.set(taskId, { status: 'completed', result: { content: [{ type: 'text', text }] } });
      return {};
    });
    const Renaming = z.object({ taskId: z.string(), to: z.string() });
    low.setRequestHandler('tasks/rename', { params: Renaming }, ({ taskId, to }) => ({
      taskId,
      to,
      known: tasks.has(taskId),
    }));
    low.setRequestHandler('tasks/cancel', { params: ById }, ({ taskId }, { mcpReq }) => {
      // The SDK's type of the envelope has no members.
      const envelope: Record<string, { extensions?: Record<string, object> }> = mcpReq.envelope ?? {};
      const { extensions } = envelope['io.modelcontextprotocol/clientCapabilities'] ?? {};
      if (extensions?.[extension] === undefined) throw new ProtocolError(-32021, 'undeclared');
      tasks.set(taskId, { status: 'cancelled' });
      return {};
    });
    return server;
  });
  return { served, tasks };
}

/** @param more settings of the server */
async function start(more: object = {}, env: Record<string, string> = {}) {
  const server = startTaskServer();
  const gateway = await startGateway({ servers: [{ name: 'up', url: server.served.url, ...more }] }, env);
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

/** A request of the modern era. */
async function request(
  url: string,
  method: string,
  params: Record<string, unknown>,
  extensions: object = { [extension]: {} },
) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, extensions },
  };
  const name = params.taskId ?? params.name ?? params.uri;
  return rawPost(
    url,
    { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    },
  );
}

/** Listens to a task until the text of the stream contains `last`. Resolves to the text. */
async function listenUntil(url: string, taskId: string, last: string): Promise<string> {
  const response = await request(url, 'subscriptions/listen', { notifications: { taskIds: [taskId] } });
  let heard = '';
  for await (const chunk of response.body ?? []) {
    heard += Buffer.from(chunk).toString();
    if (heard.includes(last)) break;
  }
  return heard;
}

const answerOf = async (response: Response) => {
  const text = await response.text();
  return JSON.parse(text.startsWith('{') ? text : (text.match(/^data: (\{.*)$/m)?.[1] ?? text));
};

describe('a task of a modern server', () => {
  test('is made, asked for, answered and finished by a modern client', async () => {
    await using started = await start();
    const { url } = started.gateway;
    const ask = async (method: string, params: Record<string, unknown>) =>
      (await answerOf(await request(url, method, params))).result;
    const created = await ask('tools/call', { name: 'up__greet', arguments: {} });
    expect(created).toMatchObject({ resultType: 'task', status: 'input_required' });
    const { taskId } = created;
    expect(taskId).not.toBe('task-1');
    expect(await ask('tasks/get', { taskId })).toMatchObject({
      resultType: 'complete',
      taskId,
      inputRequests: { name: { method: 'elicitation/create' } },
    });
    const inputResponses = { name: { action: 'accept', content: { name: 'Ada' } } };
    expect(await ask('tasks/update', { taskId, inputResponses })).toMatchObject({ resultType: 'complete' });
    expect(await ask('tasks/get', { taskId })).toMatchObject({
      taskId,
      status: 'completed',
      result: { content: [{ type: 'text', text: 'Hello, Ada!' }] },
    });
  });

  const secret = 'secret-of-the-server';
  test.each([
    ['failed', { status: 'failed', error: { code: -32603, message: `refused ${secret}` } }],
    [
      'failed, in words',
      { status: 'failed', statusMessage: `refused ${secret}`, error: { code: 1, message: '' } },
    ],
    [
      'completed with an error',
      { status: 'completed', result: { isError: true, content: [{ type: 'text', text: secret }] } },
    ],
    [
      'failed at length',
      { status: 'failed', error: { code: 1, message: '', data: ['x'.repeat(400_000), secret] } },
    ],
  ])('that has %s reveals no secret, to who asks and to who listens', async (_what, ended) => {
    await using started = await start({ headers: { 'x-key': `\${KEY}` } }, { KEY: secret });
    const { url } = started.gateway;
    const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
    const { taskId } = created.result;
    started.server.tasks.set('task-1', ended);
    const { result } = await answerOf(await request(url, 'tasks/get', { taskId }));
    expect(result).toMatchObject({ taskId, status: ended.status });
    const got = JSON.stringify(result);
    expect(got).toContain('[redacted]');
    expect(got).not.toContain(secret);
    const heard = await listenUntil(url, taskId, '[redacted]');
    expect(heard).toContain('[redacted]');
    expect(heard).not.toContain(secret);
  });

  test.each(['tasks/get', 'subscriptions/listen'])(
    'makes the resources readable that its result links to, by %s',
    async (method) => {
      await using started = await start();
      await using other = startTaskServer().served;
      await started.gateway.reload({
        servers: [
          { name: 'other', url: other.url },
          { name: 'up', url: started.server.served.url },
        ],
      });
      await started.gateway.connected();
      const { url } = started.gateway;
      const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
      const { taskId } = created.result;
      const uri = 'made:1';
      const content = [{ type: 'resource_link', uri, name: 'made just now' }];
      started.server.tasks.set('task-1', { status: 'completed', result: { content } });
      if (method === 'tasks/get') await request(url, method, { taskId });
      else await listenUntil(url, taskId, '"resource_link"');
      const read = await answerOf(await request(url, 'resources/read', { uri }));
      expect(read.result?.contents).toEqual([{ uri, text: 'made' }]);
    },
  );

  test('can be cancelled, and is unknown by its own id', async () => {
    await using started = await start();
    const { url } = started.gateway;
    const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
    const { taskId } = created.result;
    const cancelled = await answerOf(await request(url, 'tasks/cancel', { taskId }));
    expect(cancelled.result).toMatchObject({ resultType: 'complete' });
    expect(started.server.tasks.get('task-1')).toEqual({ status: 'cancelled' });
    const unknown = await answerOf(await request(url, 'tasks/get', { taskId: 'task-1' }));
    expect(unknown.error).toMatchObject({ code: -32602, message: 'tasks/get: unknown task "task-1"' });
  });

  test('is told of on a stream, until it ends', async () => {
    await using started = await start();
    const { url } = started.gateway;
    const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
    const { taskId } = created.result;
    const response = await request(url, 'subscriptions/listen', {
      notifications: { taskIds: [taskId, 'x'] },
    });
    const messages: { method: string; params: Record<string, unknown> }[] = [];
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = text.slice(0, end).match(/^data: (\{.*)$/m)?.[1];
        text = text.slice(end + 2);
        if (data) messages.push(JSON.parse(data));
      }
      if (messages.length === 2 && started.server.tasks.get('task-1')?.status === 'input_required')
        started.server.tasks.set('task-1', { status: 'completed', result: { content: [] } });
      if (messages.length === 3) break;
    }
    expect(messages[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { taskIds: [taskId] } },
    });
    expect(messages.slice(1)).toMatchObject([
      { method: 'notifications/tasks', params: { taskId, status: 'input_required' } },
      { method: 'notifications/tasks', params: { taskId, status: 'completed', result: { content: [] } } },
    ]);
    // What belongs to the result of a request, and names the server behind, is not passed on.
    for (const { params } of messages.slice(1)) {
      expect(params).not.toHaveProperty('resultType');
      expect(params._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 1 });
    }
  });

  test('is not told of without the extension', async () => {
    await using started = await start();
    const response = await request(
      started.gateway.url,
      'subscriptions/listen',
      { notifications: { taskIds: ['x'] } },
      {},
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: -32021, data: { requiredCapabilities: { extensions: { [extension]: {} } } } },
    });
  });

  test('of a call without the extension is an error, and cancelled at its server', async () => {
    await using started = await start();
    const called = await request(started.gateway.url, 'tools/call', { name: 'up__greet', arguments: {} }, {});
    expect((await answerOf(called)).error).toMatchObject({
      code: -32603,
      message:
        'the upstream answered with a result of type "task", whose extension the client has not declared',
    });
    await waitUntil('the cancellation', () => started.server.tasks.get('task-1')?.status === 'cancelled');
  });

  test.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    'is out of reach of %s without the extension',
    async (method) => {
      await using started = await start();
      const { url } = started.gateway;
      const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
      const { taskId } = created.result;
      const response = await request(url, method, { taskId, inputResponses: {} }, {});
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        error: { code: -32021, data: { requiredCapabilities: { extensions: { [extension]: {} } } } },
      });
      expect(started.server.served.received).not.toContain(method);
    },
  );

  test('leads an unknown method that names it to its server, by the id that the server knows', async () => {
    await using started = await start();
    await using other = serveV2(
      () => new McpServer({ name: 'other', version: '1' }, { capabilities: { tools: {} } }),
    );
    await started.gateway.reload({
      servers: [
        { name: 'up', url: started.server.served.url },
        { name: 'other', url: other.url },
      ],
    });
    const { url } = started.gateway;
    const created = await answerOf(await request(url, 'tools/call', { name: 'up__greet', arguments: {} }));
    const { taskId } = created.result;
    const renamed = await answerOf(await request(url, 'tasks/rename', { taskId, to: 'x' }));
    expect(renamed.result).toMatchObject({ taskId, to: 'x', known: true });
    const unknown = await request(url, 'tasks/rename', { taskId: 'task-1', to: 'x' });
    expect(unknown.status).toBe(404);
  });

  test('is waited for on behalf of a legacy client', async () => {
    await using started = await start();
    await using client = await connectV1(started.gateway.url);
    const called = await client.call('up__greet', {});
    // The client cannot be asked, which counts as a dismissed question.
    expect(called.text).toBe('The user said cancel.');
  });

  test('has its questions asked to a legacy client', async () => {
    await using started = await start();
    await using connected = await connectV1(started.gateway.url, { elicitation: {} });
    const asked: unknown[] = [];
    connected.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.message);
      return { action: 'accept', content: { name: 'Ada' } };
    });
    expect((await connected.call('up__greet', {})).text).toBe('Hello, Ada!');
    expect(asked).toEqual(['Your name?']);
  });

  test('is cancelled if the legacy client that waits cancels its call', async () => {
    await using started = await start();
    await using connected = await connectV1(started.gateway.url, { elicitation: {} });
    const abort = new AbortController();
    connected.client.setRequestHandler(ElicitRequestSchema, () => {
      abort.abort('enough');
      return new Promise<never>(() => {});
    });
    const called = connected.client.callTool({ name: 'up__greet' }, undefined, { signal: abort.signal });
    await expect(called).rejects.toThrow('enough');
    await waitUntil('the cancellation', () => started.server.tasks.get('task-1')?.status === 'cancelled');
  });

  test('that ends while a legacy client is asked withdraws the question, and answers the call', async () => {
    await using started = await start();
    await using session = await RawSession.open(started.gateway.url, { capabilities: { elicitation: {} } });
    const outcomeOf = async (ended: KeptTask) => {
      const taskId = `task-${started.server.tasks.size + 1}`;
      const called = session.request('tools/call', { name: 'up__greet', arguments: {} });
      await waitUntil('the task', () => started.server.tasks.has(taskId));
      await settle();
      started.server.tasks.set(taskId, ended);
      const { before, answer } = await called;
      expect(before.map(({ method }) => method)).toEqual(['elicitation/create', 'notifications/cancelled']);
      return answer.result ?? answer.error;
    };
    const error = { code: -32602, message: 'no such name', data: { a: 1 } };
    expect(await outcomeOf({ status: 'failed', error })).toEqual(error);
    expect(await outcomeOf({ status: 'completed', result: { content: [] } })).toEqual({ content: [] });
    expect(await outcomeOf({ status: 'cancelled' })).toEqual({
      code: -32000,
      message: 'upstream "up": cancelled the task of the call',
      data: { server: 'up', reason: 'upstream_returned_error' },
    });
  });
});

test('without a server that has tasks, their methods are unknown to a modern client', async () => {
  const plain = () => {
    const server = new McpServer({ name: 'plain', version: '1.0.0' }, { capabilities: { tools: {} } });
    server.registerTool('t', { description: 'A tool' }, () => ({ content: [] }));
    return server;
  };
  await using served = serveV2(plain);
  await using gateway = await startGateway({ servers: [{ name: 'up', url: served.url }] });
  await gateway.connected();
  const response = await request(gateway.url, 'tasks/get', { taskId: 'x' });
  expect([response.status, (await answerOf(response)).error.code]).toEqual([404, -32601]);
});
