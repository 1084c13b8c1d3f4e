import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../../src/json/object.ts';
import { type Caller, sessionlessCaller } from '../../../../src/protocol/caller.ts';
import { parseMessage, type ResponseMessage } from '../../../../src/protocol/messages.ts';
import type { Question, QuestionAnswer } from '../../../../src/protocol/questions.ts';
import { Abort, type Signal } from '../../../../src/runtime/abort.ts';
import type { Completion } from '../../../../src/runtime/completion.ts';
import { OwnedBytes, textOf } from '../../../../src/runtime/owned-bytes.ts';
import { LegacyServerFailure } from '../../../../src/upstream/era-verdict.ts';
import { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import { ModernSession } from '../../../../src/upstream/modern/session.ts';
import type { SessionClient } from '../../../../src/upstream/session.ts';
import { parseBody } from '../../../../src/upstream/transport/parse-messages.ts';
import type { RequestCompletion, RequestHeaders } from '../../../../src/upstream/transport/transport.ts';
import { build } from '../../../../src/version.ts';
import { waitUntil } from '../../../support/wait.ts';

const nobody: Caller = sessionlessCaller('none', '');

interface Sent {
  readonly id: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent
  readonly message: any;
  readonly headers: RequestHeaders | undefined;
  readonly signal: Signal;
  readonly done: RequestCompletion;
}

/** A session whose transport a test plays. */
function played({ isHttp = true, client = null as SessionClient | null, wantsChanges = true } = {}) {
  const sent: Sent[] = [];
  const notices: string[] = [];
  const changes: string[] = [];
  const updates: string[] = [];
  const oddities: string[] = [];
  const logsDropped: string[] = [];
  const session = new ModernSession(
    () => ({
      name: 'played',
      hasRequestStreams: isHttp,
      open: async () => {},
      request: (id, body, signal, done, headers) =>
        void sent.push({ id, message: JSON.parse(body), headers, signal, done }),
      send: async (body) => void notices.push(body),
      initialized() {},
      close: async () => {},
    }),
    {
      instance: 'this',
      quote: (text) => text,
      client,
      wantsChanges,
      onItemsChanged: (_session, kinds) => void changes.push(...kinds),
      onItemFaults() {},
      onResourceUpdated: (_session, uri, params) => void updates.push(`${uri} ${params}`),
      onTaskStatus() {},
      onLogDropped: () => void logsDropped.push('log'),
      onQuestionRefused() {},
      onClosed() {},
      onSuspect: () => void oddities.push('suspect'),
      onSeen() {},
      onOddity: (what) => void oddities.push(what),
    },
  );
  const next = (method: string, at = 0): Promise<Sent> =>
    waitUntil(method, () => sent.filter(({ message }) => message.method === method)[at]) as Promise<Sent>;
  const answer = ({ id, done }: Sent, outcome: object) =>
    done.resolve(parseMessage(JSON.stringify({ jsonrpc: '2.0', id, ...outcome })) as ResponseMessage);
  const receive = (method: string, params: object, streamId: number | null = null) =>
    void session.onMessage(parseMessage(JSON.stringify({ jsonrpc: '2.0', method, params })), streamId);
  const acknowledge = ({ id, message }: Sent) =>
    receive(
      'notifications/subscriptions/acknowledged',
      {
        _meta: { 'io.modelcontextprotocol/subscriptionId': id },
        notifications: message.params.notifications,
      },
      isHttp ? id : null,
    );
  const open = async (discovery: object = {}) => {
    const opened = session.open(new Abort());
    answer(await next('server/discover'), {
      result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ...discovery },
    });
    await opened;
  };
  /** Calls, and tells what comes of it. */
  const call = (params: object, { caller = nobody, timeoutMs = 60_000 } = {}) => {
    const abort = new Abort();
    const told: string[] = [];
    const answers: ResponseMessage[] = [];
    const notified: string[] = [];
    const asked: { question: Question; done: Completion<QuestionAnswer> }[] = [];
    const object = new ObjectText(JSON.stringify(params));
    session.call(
      {
        methodText: '"tools/call"',
        params: object,
        meta: object.object('_meta'),
        signal: abort,
        notify: (method, text) => void notified.push(`${method} ${text}`),
        ask: (question, done) => void asked.push({ question, done }),
        caller,
      },
      { name: 'name', value: '"bare"' },
      timeoutMs,
      {
        resolve: (response) => {
          answers.push(response);
          told.push(textOf(response.payload));
        },
        reject: (reason) => void told.push((reason as UpstreamFailure).message),
      },
    );
    return { abort, told, answers, notified, asked };
  };
  return {
    session,
    sent,
    notices,
    changes,
    updates,
    oddities,
    logsDropped,
    next,
    answer,
    receive,
    acknowledge,
    open,
    call,
  };
}

const modernCaller: Caller = {
  ...nobody,
  era: 'modern',
  clientInfo: '{"name":"c","version":"2"}',
  capabilities: '{"elicitation":{"form":{}},"extensions":{"com.example/x":{"a":1.0}}}',
  logLevel: 'info',
};
const legacyCaller: Caller = { ...modernCaller, era: 'legacy', capabilities: '{"elicitation":{}}' };
const ours = { name: 'mcpstead', version: build.version };
const meta = (message: Sent['message']) => message.params._meta;

describe('the opening', () => {
  test('asks in our name, and reads what the server tells', async () => {
    const { session, sent, open } = played({ wantsChanges: false });
    await open({
      supportedVersions: ['2025-11-25', '2026-07-28'],
      instructions: 'Be kind.',
      capabilities: { prompts: {} },
      _meta: {
        'io.modelcontextprotocol/serverInfo': { name: 'a', version: '1' },
        'mcpstead/gateways': 'x y',
      },
    });
    expect(sent[0]?.headers).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'server/discover',
    });
    expect(meta(sent[0]?.message)).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': ours,
      'io.modelcontextprotocol/clientCapabilities': { sampling: { context: {}, tools: {} }, roots: {} },
    });
    const { protocolVersion, serverInfo, gateways, instructions, capabilities } = session;
    expect({
      protocolVersion,
      serverInfo,
      gateways,
      instructions,
      capabilities: String(capabilities),
    }).toEqual({
      protocolVersion: '2026-07-28',
      serverInfo: 'a 1',
      gateways: ['x', 'y'],
      instructions: 'Be kind.',
      capabilities: '{"prompts":{}}',
    });
  });

  test('fails by name if the server leads back here', async () => {
    const { open } = played();
    await expect(open({ _meta: { 'mcpstead/gateways': 'other this' } })).rejects.toThrow(
      'leads back to this very one',
    );
  });

  test('tells a legacy server, whose era is not ours', async () => {
    const { session, answer, next } = played();
    const opened = session.open(new Abort());
    answer(await next('server/discover'), { error: { code: -32601, message: 'no' } });
    await expect(opened).rejects.toBeInstanceOf(LegacyServerFailure);
  });

  test('asks once more, and no more, in the revision that the server names', async () => {
    const { session, sent, answer, next } = played();
    const opened = session.open(new Abort());
    const refusal = { error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } } };
    answer(await next('server/discover'), refusal);
    answer(await next('server/discover', 1), refusal);
    await expect(opened).rejects.toThrow('refuses revision 2026-07-28, which it says it speaks');
    expect(sent).toHaveLength(2);
  });
});

describe('a call', () => {
  test('carries the identity of its caller exactly, and other keys of _meta', async () => {
    const { open, call, sent } = played({ wantsChanges: false });
    await open();
    const _meta = {
      progressToken: 't',
      traceparent: 'p',
      'io.modelcontextprotocol/logLevel': 'debug',
      'io.modelcontextprotocol/protocolVersion': 'x',
    };
    call({ name: 'up__bare', arguments: { a: 1 }, _meta }, { caller: modernCaller });
    const request = sent.at(-1) as Sent;
    expect(request.message.params).toEqual({
      name: 'bare',
      arguments: { a: 1 },
      _meta: {
        progressToken: request.id,
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'c', version: '2' },
        'io.modelcontextprotocol/clientCapabilities': {
          elicitation: { form: {} },
          extensions: { 'com.example/x': { a: 1 } },
        },
        'io.modelcontextprotocol/logLevel': 'info',
        traceparent: 'p',
      },
    });
    expect(request.headers).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'bare',
    });
  });

  test('of a client without a name goes in ours, and without a level asks for no logs', async () => {
    const { open, call, sent } = played({ wantsChanges: false });
    await open();
    call({ name: 'a' });
    expect(meta(sent.at(-1)?.message)).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': ours,
      'io.modelcontextprotocol/clientCapabilities': {},
    });
  });

  test('over a transport without headers has none, and is cancelled by a notification', async () => {
    const { open, call, sent, notices } = played({ isHttp: false, wantsChanges: false });
    await open();
    const { abort, told } = call({ name: 'a' });
    const { id, headers } = sent.at(-1) as Sent;
    expect(headers).toBeUndefined();
    abort.abort();
    expect(told).toEqual(['the request was cancelled']);
    expect(notices.map((text) => JSON.parse(text))).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: id, reason: 'the request was cancelled' },
      },
    ]);
  });

  test('over HTTP is cancelled by the end of its stream alone', async () => {
    const { open, call, sent, notices } = played({ wantsChanges: false });
    await open();
    const { abort } = call({ name: 'a' });
    abort.abort();
    expect(sent.at(-1)?.signal.aborted).toBe(true);
    expect(notices).toEqual([]);
  });

  test('is told of progress under its own token, and of logs that it asked for', async () => {
    const { open, call, sent, receive, logsDropped } = played({ wantsChanges: false });
    await open();
    const asking = call({ name: 'a', _meta: { progressToken: 't' } }, { caller: modernCaller });
    const first = (sent.at(-1) as Sent).id;
    const silent = call({ name: 'a' });
    const second = (sent.at(-1) as Sent).id;
    receive('notifications/progress', { progressToken: first, progress: 1 }, first);
    receive('notifications/message', { level: 'info', data: 1 }, first);
    receive('notifications/message', { level: 'info', data: 2 }, second);
    receive('notifications/message', { level: 'info', data: 3 });
    expect(asking.notified).toEqual([
      'notifications/progress {"progressToken":"t","progress":1}',
      'notifications/message {"level":"info","data":1}',
    ]);
    expect(silent.notified).toEqual([]);
    expect(logsDropped).toHaveLength(2);
  });

  test('is told of what the gateway does not know, if it comes on its stream', async () => {
    const { open, call, next, receive, answer } = played({ wantsChanges: false });
    await open();
    const { notified } = call({});
    const request = await next('tools/call');
    receive('notifications/x', { a: 1 }, request.id);
    receive('notifications/x', { a: 2 });
    expect(notified).toEqual(['notifications/x {"a":1}']);
    answer(request, { result: {} });
  });

  test('gets a result that does not complete it with its type', async () => {
    const { open, call, sent, answer } = played({ wantsChanges: false });
    await open();
    const { answers } = call({ name: 'a' }, { caller: modernCaller });
    answer(sent.at(-1) as Sent, { result: { resultType: 'input_required', requestState: 's' } });
    expect(answers[0]).toMatchObject({ payload: '{"requestState":"s"}', resultType: 'input_required' });
  });
});

describe('headers that are not what the server expects (-32020)', () => {
  const mismatch = { error: { code: -32020, message: 'no' } };
  const annotated = (header: string) => ({
    tools: [
      {
        name: 'bare',
        inputSchema: { type: 'object', properties: { v: { type: 'string', 'x-mcp-header': header } } },
      },
    ],
  });

  test('have the tools listed again, and the call repeated once', async () => {
    const { open, call, sent, next, answer, changes } = played({ wantsChanges: false });
    await open();
    const { told } = call({ name: 'a', arguments: { v: 'x' } });
    answer(await next('tools/call'), mismatch);
    answer(await next('tools/list'), { result: annotated('V') });
    const repeated = await next('tools/call', 1);
    expect(repeated.headers).toMatchObject({ 'mcp-name': 'bare', 'mcp-param-v': 'x' });
    answer(repeated, mismatch);
    expect(told).toEqual(["refused the headers of the gateway's request (error -32020)"]);
    expect(changes).toEqual(['tools']);
    expect(sent).toHaveLength(4);
  });

  test('are the error of the call if the tools cannot be listed', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open();
    const { told } = call({ name: 'a' });
    answer(await next('tools/call'), mismatch);
    answer(await next('tools/list'), { error: { code: 1, message: 'no' } });
    await waitUntil('the error', () => told.length > 0);
    expect(told).toEqual(["refused the headers of the gateway's request (error -32020)"]);
  });

  test('say nothing over a transport without headers', async () => {
    const { open, call, sent, next, answer } = played({ isHttp: false, wantsChanges: false });
    await open();
    const { told } = call({ name: 'a' });
    answer(await next('tools/call'), mismatch);
    expect(told).toEqual(["refused the headers of the gateway's request (error -32020)"]);
    expect(sent).toHaveLength(2);
  });
});

describe('the lists', () => {
  test('leave out a tool with a wrong annotation over HTTP only', async () => {
    for (const isHttp of [true, false]) {
      const { session, open, next, answer } = played({ isHttp, wantsChanges: false });
      await open();
      const listed = session.list('tools', 1_000, 1_000, new Abort());
      const wrong = { type: 'object', properties: { v: { type: 'number', 'x-mcp-header': 'V' } } };
      answer(await next('tools/list'), {
        result: {
          tools: [
            { name: 'a', inputSchema: wrong },
            { name: 'b', inputSchema: { type: 'object' } },
          ],
        },
      });
      expect((await listed).map(({ name }) => name)).toEqual(isHttp ? ['b'] : ['a', 'b']);
    }
  });

  test('that are read twice at once do not mix the headers of their tools', async () => {
    const { session, open, next, answer, call, sent } = played({ wantsChanges: false });
    await open();
    const list = () => session.list('tools', 1_000, 1_000, new Abort());
    const properties = { a: { type: 'string', 'x-mcp-header': 'A' } };
    const tool = { name: 'bare', inputSchema: { type: 'object', properties } };
    const other = { name: 'other', inputSchema: { type: 'object' } };
    const first = list();
    answer(await next('tools/list'), { result: { tools: [tool], nextCursor: '2' } });
    const rest = await next('tools/list', 1);
    const second = list();
    await next('tools/list', 2);
    answer(rest, { result: { tools: [other] } });
    await first;
    call({ arguments: { a: 'x' } });
    expect(sent.at(-1)?.headers).toMatchObject({ 'mcp-param-a': 'x' });
    second.catch(() => {});
  });

  test('tell how long they stay fresh: the least, and never zero', async () => {
    const { session, open, next, answer } = played({ wantsChanges: false });
    await open({ capabilities: { tools: {}, prompts: {} } });
    expect(session.listTtlMs).toBeNull();
    const tools = session.list('tools', 1_000, 1_000, new Abort());
    answer(await next('tools/list'), { result: { tools: [], ttlMs: 0, cacheScope: 'private' } });
    await tools;
    expect(session.listTtlMs).toBeNull();
    const prompts = session.list('prompts', 1_000, 1_000, new Abort());
    answer(await next('prompts/list'), { result: { prompts: [], nextCursor: 'n', ttlMs: 9_000 } });
    answer(await next('prompts/list', 1), { result: { prompts: [], ttlMs: 5_000 } });
    await prompts;
    expect(session.listTtlMs).toBe(5_000);
  });

  test.each([-32601, -32022])(
    'are checked by server/discover, since there is no ping: error %d',
    async (code) => {
      const { session, open, next, answer } = played({ wantsChanges: false });
      await open();
      const checked = session.check(1_000, new Abort());
      answer(await next('server/discover', 1), { error: { code, message: 'no' } });
      await expect(checked).rejects.toThrow(`refused a ping: no (error ${code})`);
    },
  );
});

describe.each([true, false])('notifications, with a stream for each request: %p', (isHttp) => {
  const listening = { capabilities: { tools: { listChanged: true }, resources: { subscribe: true } } };

  async function listened() {
    const play = played({ isHttp });
    const opened = play.open(listening);
    const stream = await play.next('subscriptions/listen');
    play.acknowledge(stream);
    await opened;
    return { ...play, stream };
  }

  test('are asked for as far as the server sends them', async () => {
    const { stream, receive, changes } = await listened();
    expect(stream.message.params.notifications).toEqual({ toolsListChanged: true });
    receive('notifications/tools/list_changed', {}, isHttp ? stream.id : null);
    expect(changes).toEqual(['tools']);
  });

  test('of a resource come on a new stream, which is open before the old one closes', async () => {
    const { session, stream, next, acknowledge, receive, updates } = await listened();
    const subscribed = session.subscribe('a:b', 1_000, new Abort());
    const second = await next('subscriptions/listen', 1);
    expect(second.message.params.notifications).toEqual({
      toolsListChanged: true,
      resourceSubscriptions: ['a:b'],
    });
    expect(stream.signal.aborted).toBe(false);
    acknowledge(second);
    await subscribed;
    expect(stream.signal.aborted).toBe(true);
    const _meta = { 'io.modelcontextprotocol/subscriptionId': second.id };
    receive('notifications/resources/updated', { uri: 'a:b', _meta }, isHttp ? second.id : null);
    receive('notifications/resources/updated', { uri: 'a:b', _meta: { ..._meta, a: 1 } }, null);
    expect(updates).toEqual(['a:b {"uri":"a:b"}', 'a:b {"uri":"a:b","_meta":{"a":1}}']);
  });

  test('of a resource that the server does not send fail the subscription', async () => {
    const { session, next, receive } = await listened();
    const subscribed = session.subscribe('a:b', 1_000, new Abort());
    const { id } = await next('subscriptions/listen', 1);
    const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
    const params = { _meta, notifications: { toolsListChanged: true } };
    receive('notifications/subscriptions/acknowledged', params, isHttp ? id : null);
    await expect(subscribed).rejects.toThrow('does not report updates of this resource');
  });

  test('that several want at once need one more stream', async () => {
    const { session, sent, next, acknowledge } = await listened();
    const uris = Array.from({ length: 100 }, (_, i) => `a:${i}`);
    const subscribed = uris.map((uri) => session.subscribe(uri, 1_000, new Abort()));
    acknowledge(await next('subscriptions/listen', 1));
    await Promise.all(subscribed);
    const streams = sent.filter(({ message }) => message.method === 'subscriptions/listen');
    expect(streams).toHaveLength(2);
    expect(streams[1]?.message.params.notifications.resourceSubscriptions).toEqual(uris);
  });

  test('go on after the end of their stream, and what was missed is reported', async () => {
    const { session, stream, next, answer, acknowledge, changes, updates, oddities } = await listened();
    const subscribed = session.subscribe('a:b', 1_000, new Abort());
    const second = await next('subscriptions/listen', 1);
    acknowledge(second);
    await subscribed;
    answer(second, { result: {} });
    const third = await next('subscriptions/listen', 2);
    expect(third.message.params.notifications).toEqual(second.message.params.notifications);
    acknowledge(third);
    await waitUntil('the report', () => updates.length > 0);
    expect(updates).toEqual(['a:b {"uri":"a:b"}']);
    expect(changes).toContain('tools');
    // A stream that ends in good order does not make the server suspect; one that breaks does.
    expect(oddities).toEqual([]);
    third.done.reject(new UpstreamFailure('broken', 'it broke'));
    expect(oddities).toEqual(['suspect']);
    expect(stream.signal.aborted).toBe(true);
    await session.retire(1_000);
  });
});

test('a session that retires gives up the stream that it is opening', async () => {
  const { session, open, next, acknowledge } = played();
  const opened = open({ capabilities: { tools: { listChanged: true } } });
  acknowledge(await next('subscriptions/listen'));
  await opened;
  const subscribed = session.subscribe('a:b', 60_000, new Abort());
  const second = await next('subscriptions/listen', 1);
  const retired = session.retire(1_000);
  expect(second.signal.aborted).toBe(true);
  await expect(subscribed).rejects.toThrow();
  await retired;
});

test('a server without such streams is not asked again', async () => {
  const { open, next, answer, sent } = played();
  const opened = open({ capabilities: { tools: { listChanged: true } } });
  answer(await next('subscriptions/listen'), { error: { code: -32601, message: 'no' } });
  await opened;
  await Bun.sleep(1_500);
  expect(sent).toHaveLength(2);
});

test('a session that retires ends its stream, and waits for running calls', async () => {
  const { session, open, next, acknowledge, call, answer } = played();
  const opened = open({ capabilities: { tools: { listChanged: true } } });
  const stream = await next('subscriptions/listen');
  acknowledge(stream);
  await opened;
  call({ name: 'a' });
  let isOver = false;
  const retired = session.retire(1_000).then(() => (isOver = true));
  expect(stream.signal.aborted).toBe(true);
  await Bun.sleep(20);
  expect(isOver).toBe(false);
  answer(await next('tools/call'), { result: { content: [] } });
  await retired;
});

describe('a task', () => {
  const tasks = { capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } };
  const created = { resultType: 'task', taskId: 't', status: 'working', ttlMs: 60_000, pollIntervalMs: 50 };

  test('is declared, and waited for, on behalf of a legacy client', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const { told, answers } = call({ name: 'a' }, { caller: legacyCaller });
    const request = await next('tools/call');
    expect(meta(request.message)['io.modelcontextprotocol/clientCapabilities']).toEqual({
      elicitation: {},
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    });
    answer(request, { result: created });
    const look = await next('tasks/get');
    expect(look.message.params.taskId).toBe('t');
    expect(look.headers).toMatchObject({ 'mcp-method': 'tasks/get', 'mcp-name': 't' });
    answer(look, { result: { ...created, resultType: 'complete' } });
    const result = { resultType: 'complete', content: [], isError: true };
    answer(await next('tasks/get', 1), {
      result: { ...created, resultType: 'complete', status: 'completed', result },
    });
    await waitUntil('the answer', () => told.length > 0);
    expect(told).toEqual(['{"content":[],"isError":true}']);
    expect(answers[0]?.isError).toBe(true);
  });

  test('that fails is an error of the call, and one that is cancelled a failure', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const failed = call({ name: 'a' }, { caller: legacyCaller });
    answer(await next('tools/call'), { result: created });
    answer(await next('tasks/get'), {
      result: { ...created, status: 'failed', error: { code: 7, message: 'no' } },
    });
    await waitUntil('the answer', () => failed.told.length > 0);
    expect(failed.told).toEqual(['{"code":7,"message":"no"}']);
    const cancelled = call({ name: 'a' }, { caller: legacyCaller });
    answer(await next('tools/call', 1), { result: created });
    answer(await next('tasks/get', 1), { result: { ...created, status: 'cancelled' } });
    await waitUntil('the answer', () => cancelled.told.length > 0);
    expect(cancelled.told).toEqual(['cancelled the task of the call']);
  });

  test('asks its client, and goes on with the answer', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const { asked, told } = call({ name: 'a' }, { caller: legacyCaller });
    answer(await next('tools/call'), { result: created });
    const inputRequests = { k: { method: 'elicitation/create', params: { message: 'Who?' } } };
    const waiting = { result: { ...created, status: 'input_required', inputRequests } };
    answer(await next('tasks/get'), waiting);
    await waitUntil('the question', () => asked.length > 0);
    expect(asked[0]?.question).toMatchObject({
      method: 'elicitation/create',
      paramsText: '{"message":"Who?"}',
    });
    asked[0]?.done.resolve({ kind: 'result', text: '{"action":"accept"}' });
    const update = await next('tasks/update');
    expect(update.message.params).toMatchObject({ taskId: 't', inputResponses: { k: { action: 'accept' } } });
    answer(update, { result: {} });
    // The question is not asked again, although the server has not seen the answer yet.
    answer(await next('tasks/get', 1), waiting);
    answer(await next('tasks/get', 2), {
      result: { ...created, status: 'completed', result: { content: [] } },
    });
    await waitUntil('the answer', () => told.length > 0);
    expect(asked).toHaveLength(1);
    expect(told).toEqual(['{"content":[]}']);
  });

  test('that asks more than a thousand questions fails', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const { asked, told } = call({ name: 'a' }, { caller: legacyCaller });
    const request = { method: 'roots/list' };
    const inputRequests = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`k${i}`, request]));
    answer(await next('tools/call'), { result: { ...created, status: 'input_required', inputRequests } });
    await waitUntil('the failure', () => told.length > 0);
    expect(told).toEqual(['asks more than 1000 questions for one task']);
    expect(asked).toEqual([]);
  });

  test.each(['cancel', 'time out'])('is cancelled when the calls ends otherwise: %s', async (end) => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const { abort, told } = call(
      { name: 'a' },
      { caller: legacyCaller, timeoutMs: end === 'cancel' ? 60_000 : 300 },
    );
    answer(await next('tools/call'), { result: created });
    await next('tasks/get');
    if (end === 'cancel') abort.abort();
    const cancel = await next('tasks/cancel');
    expect(cancel.message.params.taskId).toBe('t');
    expect(told).toEqual([
      end === 'cancel' ? 'the request was cancelled' : 'did not finish its task within 1 s',
    ]);
  });

  test('that has ended without its result frees the long answer that tells so', async () => {
    const { open, call, next } = played({ wantsChanges: false });
    await open(tasks);
    const { told } = call({ name: 'a' }, { caller: legacyCaller });
    const { id, done } = await next('tools/call');
    done.resolve(parseMessage(JSON.stringify({ jsonrpc: '2.0', id, result: created })) as ResponseMessage);
    const look = await next('tasks/get');
    const result = {
      ...created,
      resultType: 'complete',
      status: 'cancelled',
      statusMessage: 'x'.repeat(200_000),
    };
    const text = JSON.stringify({ jsonrpc: '2.0', id: look.id, result });
    const [long] = await parseBody(new OwnedBytes(new TextEncoder().encode(text)));
    look.done.resolve(long as ResponseMessage);
    await next('tasks/cancel');
    expect(told).toEqual(['cancelled the task of the call']);
    const { payload } = long as ResponseMessage;
    expect(payload).toBeInstanceOf(OwnedBytes);
    expect((payload as OwnedBytes).bytes.length).toBe(0);
  });

  test('of a modern client that has not declared the extension is cancelled as if it had', async () => {
    const { open, call, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const { answers, abort } = call({ name: 'a' }, { caller: modernCaller });
    answer(await next('tools/call'), { result: created });
    expect(answers[0]?.resultType).toBe('task');
    abort.abort();
    const { message } = await next('tasks/cancel');
    expect(message.params.taskId).toBe('t');
    expect(meta(message)).toMatchObject({
      'io.modelcontextprotocol/clientInfo': { name: 'c', version: '2' },
      'io.modelcontextprotocol/clientCapabilities': {
        elicitation: { form: {} },
        extensions: { 'com.example/x': { a: 1 }, 'io.modelcontextprotocol/tasks': {} },
      },
    });
  });

  test('whose id is too long to be read is not cancelled by another id', async () => {
    const { open, call, sent, next } = played({ wantsChanges: false });
    await open(tasks);
    const { answers } = call({ name: 'a' }, { caller: modernCaller });
    const { id, done } = await next('tools/call');
    const text = JSON.stringify({ jsonrpc: '2.0', id, result: { ...created, taskId: 't'.repeat(200_000) } });
    const [long] = await parseBody(new OwnedBytes(new TextEncoder().encode(text)));
    done.resolve(long as ResponseMessage);
    expect(answers[0]?.resultType).toBe('task');
    expect(sent.map(({ message }) => message.method)).toEqual(['server/discover', 'tools/call']);
  });

  test('of a modern client that has declared the extension is its own affair', async () => {
    const { open, call, sent, next, answer } = played({ wantsChanges: false });
    await open(tasks);
    const capabilities = '{"extensions":{"io.modelcontextprotocol/tasks":{}}}';
    const { answers } = call({ name: 'a' }, { caller: { ...modernCaller, capabilities } });
    answer(await next('tools/call'), { result: created });
    expect(answers[0]?.resultType).toBe('task');
    expect(JSON.parse(textOf(answers[0]?.payload ?? ''))).toMatchObject({ taskId: 't', ttlMs: 60_000 });
    expect(sent).toHaveLength(2);
  });
});
