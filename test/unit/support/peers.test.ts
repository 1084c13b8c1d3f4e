import { describe, expect, test } from 'bun:test';
import { inspectorClient } from '../../support/client-programs.ts';
import { connectV1, connectV2 } from '../../support/clients.ts';
import { everythingTools, startEverything } from '../../support/everything.ts';
import { messagesOf, RawSession } from '../../support/rpc.ts';
import { startSdkV1 } from '../../support/sdk-v1.ts';
import { startSdkV1Process } from '../../support/sdk-v1-process.ts';
import { startSdkV2, startSdkV2Modern } from '../../support/sdk-v2.ts';
import { within } from '../../support/wait.ts';

const standardTools = ['echo', 'mirror', 'count', 'steps', 'hold', 'slow', 'big', 'fail'];

describe.each([
  ['v1', startSdkV1],
  ['v2', startSdkV2],
])('the SDK %s server', (_name, start) => {
  test('serves all three clients', async () => {
    await using server = await start();
    await using v1 = await connectV1(server.url);
    await using v2 = await connectV2(server.url);
    await using inspector = inspectorClient(server.url);
    expect(await v1.toolNames()).toEqual(standardTools);
    expect(await v2.toolNames()).toEqual(standardTools);
    expect(await inspector.toolNames()).toEqual(standardTools);
    expect(await v1.call('steps', { steps: 3 })).toEqual({ text: '3 steps done', progress: [1, 2, 3] });
    expect(await v2.call('steps', { steps: 3 })).toEqual({ text: '3 steps done', progress: [1, 2, 3] });
    expect(await inspector.call('steps', { steps: 3 })).toBe('3 steps done');
    expect(server.executions('steps')).toBe(3);
  });

  test('lists its tools in pages', async () => {
    await using server = await start({ pageSize: 3, extraTools: 2 });
    await using v1 = await connectV1(server.url);
    expect(await v1.toolNames()).toEqual([...standardTools, 'extra_0000', 'extra_0001']);
    await using session = await RawSession.open(server.url);
    const { answer } = await session.request('tools/list');
    expect(answer.result.tools).toHaveLength(3);
    expect(answer.result.nextCursor).toBe('3');
  });

  test('answers as JSON without sessions if configured so', async () => {
    await using server = await start({ sessions: false, json: true });
    await using v1 = await connectV1(server.url);
    expect(await v1.call('echo', { message: 'hello' })).toEqual({ text: 'hello', progress: [] });
    expect(server.sessionsOpened()).toBe(0);
  });

  test('sends progress while a held call runs, and the answer after its release', async () => {
    await using server = await start();
    await using session = await RawSession.open(server.url);
    const response = await session.post({
      jsonrpc: '2.0',
      id: 'held',
      method: 'tools/call',
      params: { name: 'hold', arguments: {}, _meta: { progressToken: 'token' } },
    });
    const messages = messagesOf(response);
    const progress = await within('progress', messages.next());
    expect(progress.value.params).toEqual({ progressToken: 'token', progress: 1 });
    server.release();
    const answer = await within('the answer', messages.next());
    expect(answer.value).toMatchObject({ id: 'held', result: { content: [{ text: 'released' }] } });
  });

  test('notifies its sessions when a tool is added', async () => {
    await using server = await start();
    await using session = await RawSession.open(server.url);
    const messages = await session.listen();
    await server.addTool('late');
    const told = await within('list_changed', messages.next());
    expect(told.value.method).toBe('notifications/tools/list_changed');
    await messages.return(undefined);
  });

  test('knows no session after it forgot them or was restarted', async () => {
    await using server = await start();
    const session = await RawSession.open(server.url);
    await server.forgetSessions();
    expect((await session.request('tools/list')).answer.error.code).toBe(-32001);
    await server.stop();
    await expect(session.request('tools/list')).rejects.toThrow();
    await server.start();
    expect((await session.request('tools/list')).response.status).toBe(404);
    expect(server.sessionsOpened()).toBe(1);
  });
});

test('the SDK v2 server of the modern era serves a client of that era, and no other', async () => {
  await using server = await startSdkV2Modern();
  await using client = await connectV2(server.url, 'auto');
  expect(await client.toolNames()).toEqual(standardTools);
  expect(await client.call('steps', { steps: 3 })).toEqual({ text: '3 steps done', progress: [1, 2, 3] });
  await expect(connectV1(server.url)).rejects.toThrow('Unsupported protocol version');
});

test('the SDK v1 server in a process of its own keeps its count of executions over a crash', async () => {
  await using server = await startSdkV1Process();
  const before = await RawSession.open(server.url);
  expect(await before.callText('slow', { ms: 1, key: 'a' })).toBe('done');
  await server.crash();
  await server.start();
  const after = await RawSession.open(server.url);
  expect(await after.callText('slow', { ms: 1, key: 'b' })).toBe('done');
  expect(server.executedKeys()).toEqual(['a', 'b']);
});

describe('server-everything', () => {
  test('starts over Streamable HTTP, dies, and comes back without its sessions', async () => {
    await using server = await startEverything();
    const capabilities = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
    const session = await RawSession.open(server.url, { capabilities });
    const { answer } = await session.request('tools/list');
    expect(answer.result.tools.map((tool: { name: string }) => tool.name)).toEqual(everythingTools);
    await server.stop('SIGKILL');
    await expect(session.request('tools/list')).rejects.toThrow();
    await server.start();
    expect((await session.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(400);
    await server.stop('SIGINT');
  });

  test('starts over HTTP+SSE', async () => {
    await using server = await startEverything('sse');
    const abort = new AbortController();
    const response = await fetch(server.url, { signal: abort.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    abort.abort();
  });
});
