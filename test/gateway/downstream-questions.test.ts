import { describe, expect, test } from 'bun:test';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Exchange } from '../../src/protocol/exchange.ts';
import type { QuestionMethod } from '../../src/protocol/questions.ts';
import { Abort } from '../../src/runtime/abort.ts';
import { ask, legacyEdge } from '../support/legacy-edge.ts';
import { messagesOf, RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

const form = {
  message: 'name?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
};
const sampled = { messages: [], maxTokens: 1 };
const everything = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };

/**
 * Answers a call with what its client answers to one question.
 * @param atOnce is told whether the answer came before anything else could happen
 */
const asking =
  (method: QuestionMethod, params: object, atOnce: boolean[] = []) =>
  (exchange: Exchange): void => {
    const question = { method, paramsText: JSON.stringify(params), signal: new Abort() };
    let isAnswered = false;
    exchange.ask(question, {
      resolve({ kind, text }) {
        isAnswered = true;
        const payload = `{"content":[],"_meta":{"kind":"${kind}","got":${text}}}`;
        exchange.answer({ kind: 'result', payload });
      },
      reject: (reason) => exchange.fail(reason),
    });
    atOnce.push(isAnswered);
  };

const call = { name: 'up__tool', arguments: {} };

/** Calls that ask for everything, each question by the name of the tool. */
const questionOf: Record<string, [QuestionMethod, object]> = {
  form: ['elicitation/create', form],
  sample: ['sampling/createMessage', sampled],
  roots: ['roots/list', {}],
};

function byName(exchange: Exchange): void {
  const [method, params] = questionOf[exchange.params?.string('name') ?? ''] as [QuestionMethod, object];
  asking(method, params)(exchange);
}

const roots = [{ uri: 'file:///a', name: 'a' }];
const message = { role: 'assistant' as const, content: { type: 'text' as const, text: 'hi' }, model: 'm' };

test('a v1 SDK client answers elicitation, sampling and roots requests of its calls', async () => {
  await using edge = legacyEdge(byName);
  const client = new ClientV1(
    { name: 'c', version: '1' },
    { capabilities: { elicitation: {}, sampling: {}, roots: {} } },
  );
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: { name: 'Ann' } }));
  client.setRequestHandler(CreateMessageRequestSchema, async () => message);
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots }));
  const transport = new TransportV1(new URL(edge.url));
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  const got = async (name: string) => (await client.callTool({ name }))._meta?.got;
  // All at once, so that each answer has to find its own question.
  expect(await Promise.all(['form', 'sample', 'roots'].map(got))).toEqual([
    { action: 'accept', content: { name: 'Ann' } },
    message,
    { roots },
  ]);
  expect(await edge.questions('elicitation', 'answered')).toBe(1);
  await client.close();
});

test('a v2 SDK client of the legacy era answers elicitation, sampling and roots requests of its calls', async () => {
  await using edge = legacyEdge(byName);
  const client = new ClientV2(
    { name: 'c', version: '1' },
    { versionNegotiation: { mode: 'legacy' }, capabilities: { elicitation: {}, sampling: {}, roots: {} } },
  );
  client.setRequestHandler('elicitation/create', async () => ({
    action: 'accept',
    content: { name: 'Ann' },
  }));
  client.setRequestHandler('sampling/createMessage', async () => message);
  client.setRequestHandler('roots/list', async () => ({ roots }));
  await client.connect(new TransportV2(new URL(edge.url)));
  const got = async (name: string) => (await client.callTool({ name }))._meta?.got;
  expect(await Promise.all(['form', 'sample', 'roots'].map(got))).toEqual([
    { action: 'accept', content: { name: 'Ann' } },
    message,
    { roots },
  ]);
  await client.close();
});

/** Starts a call that is asked something; resolves to the question and to what follows. */
async function asked(session: RawSession) {
  const messages = messagesOf(
    await session.post({ jsonrpc: '2.0', id: 'c', method: 'tools/call', params: call }),
  );
  const question = (await within('the question', messages.next())).value as RpcMessage;
  return { question, next: async () => (await within('a message', messages.next())).value as RpcMessage };
}

describe('the answer to a question', () => {
  test.each([
    ['a result', { result: { action: 'accept' } }, { kind: 'result', got: { action: 'accept' } }, 'answered'],
    [
      'a refusal of the user',
      { result: { action: 'decline' } },
      { kind: 'result', got: { action: 'decline' } },
      'declined',
    ],
    [
      'an error',
      { error: { code: -32603, message: 'no' } },
      { kind: 'error', got: { code: -32603, message: 'no' } },
      'refused',
    ],
    [
      'a rejection',
      { error: { code: -1, message: 'no' } },
      { kind: 'error', got: { code: -1, message: 'no' } },
      'declined',
    ],
  ])('goes back to who asked: %s', async (_, answer, expected, result) => {
    await using edge = legacyEdge(asking('elicitation/create', form));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const { question, next } = await asked(session);
    expect(question).toEqual({ jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: form });
    expect((await session.post({ jsonrpc: '2.0', id: '1', ...answer })).status).toBe(202);
    expect((await next()).result._meta).toEqual(expected);
    expect(await edge.questions('elicitation', result)).toBe(1);
  });

  test('may come in a batch', async () => {
    await using edge = legacyEdge(asking('roots/list', {}));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const { next } = await asked(session);
    const answers = [
      { jsonrpc: '2.0', method: 'notifications/progress' },
      { jsonrpc: '2.0', id: 1, result: { roots: [] } },
    ];
    expect((await session.post(answers)).status).toBe(202);
    expect((await next()).result._meta.got).toEqual({ roots: [] });
  });

  test.each([{ result: 'x' }, { result: null }, { error: null }])(
    'that is no valid response is an error for who asked, and for the client: %j',
    async (answer) => {
      await using edge = legacyEdge(asking('roots/list', {}));
      await using session = await RawSession.open(edge.url, { capabilities: everything });
      const { next } = await asked(session);
      expect((await session.post({ jsonrpc: '2.0', id: 1, ...answer })).status).toBe(400);
      expect((await next()).result._meta).toMatchObject({ kind: 'error', got: { code: -32603 } });
    },
  );

  test('counts once, and one with a wrong id is nobody’s', async () => {
    await using edge = legacyEdge(asking('roots/list', {}));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const calls = [await asked(session), await asked(session)];
    const [first, second] = calls.map(({ question }) => question.id);
    const answer = (id: unknown, name: string) =>
      session.post({ jsonrpc: '2.0', id, result: { roots: [{ uri: `file:///${name}` }] } });
    for (const wrong of [0, 99, '1.0', '0x1', 'c', -1, 1.5])
      expect((await answer(wrong, 'wrong')).status).toBe(202);
    await answer(first, 'first');
    await answer(first, 'again');
    await answer(second, 'second');
    const got = await Promise.all(calls.map(({ next }) => next()));
    expect(got.map(({ result }) => result._meta.got.roots[0].uri)).toEqual([
      'file:///first',
      'file:///second',
    ]);
    expect(await edge.questions('roots', 'answered')).toBe(2);
  });

  test('of another session, or of none, is nobody’s', async () => {
    await using edge = legacyEdge(asking('roots/list', {}));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    await using other = await RawSession.open(edge.url, { capabilities: everything });
    const { next } = await asked(session);
    const answer = (name: string) => ({
      jsonrpc: '2.0',
      id: 1,
      result: { roots: [{ uri: `file:///${name}` }] },
    });
    // Its questions have the same ids, whether one is open or not.
    const { next: nextOfOther } = await asked(other);
    for (const name of ['other', 'again']) expect((await other.post(answer(name))).status).toBe(202);
    expect((await nextOfOther()).result._meta.got).toEqual({ roots: [{ uri: 'file:///other' }] });
    expect((await rawPost(edge.url, answer('none'))).status).toBe(202);
    expect((await rawPost(edge.url, answer('lost'), { 'mcp-session-id': 'lost' })).status).toBe(404);
    await session.post(answer('right'));
    expect((await next()).result._meta.got).toEqual({ roots: [{ uri: 'file:///right' }] });
  });
});

describe('a question is refused at once', () => {
  test.each([
    ['roots/list', {}, {}, 'roots', -32601],
    ['sampling/createMessage', sampled, {}, 'sampling', -32601],
    ['sampling/createMessage', { ...sampled, tools: [] }, { sampling: {} }, 'sampling.tools', -32601],
    ['elicitation/create', form, {}, 'elicitation', -32602],
    ['elicitation/create', { mode: 'url' }, { elicitation: {} }, 'elicitation.url', -32602],
  ] as const)(
    'if the client lacks the capability: %s %j of %j',
    async (method, params, capabilities, missing, code) => {
      const atOnce: boolean[] = [];
      await using edge = legacyEdge(asking(method, params, atOnce));
      await using session = await RawSession.open(edge.url, { capabilities });
      const { answer, before } = await session.request('tools/call', call);
      expect(before).toEqual([]);
      expect(answer.result._meta).toEqual({
        kind: 'error',
        got: { code, message: `the client did not declare the capability "${missing}"` },
      });
      expect(await edge.questions(missing.split('.')[0] ?? '', 'refused')).toBe(1);
      expect(atOnce).toEqual([true]);
    },
  );

  test('if the client takes no stream, or has no session', async () => {
    const atOnce: boolean[] = [];
    await using edge = legacyEdge(asking('roots/list', {}, atOnce));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call };
    const json = await session.post(body, { accept: 'application/json' });
    const none = await rawPost(edge.url, body);
    const got = async (response: Response) =>
      ((await response.json()) as RpcMessage).result._meta.got.message;
    expect(await got(json)).toBe(
      'the client accepts no text/event-stream for this request, so it cannot be asked',
    );
    expect(await got(none)).toBe('the client has no session, so it cannot be asked');
    expect(atOnce).toEqual([true, true]);
  });

  test('if its params are too long to be kept', async () => {
    const atOnce: boolean[] = [];
    const text = 'x'.repeat(4 * 1024 * 1024);
    await using edge = legacyEdge(asking('sampling/createMessage', { text }, atOnce));
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const { answer } = await session.request('tools/call', call);
    expect(answer.result._meta.got.message).toMatch(/^the params have 419\d+ characters; at most 4194304/);
    expect(atOnce).toEqual([true]);
  });
});

describe('an open question is withdrawn', () => {
  test('when its server no longer wants an answer', async () => {
    const signal = new Abort();
    await using edge = legacyEdge((exchange) => {
      const end = () => exchange.answer({ kind: 'result', payload: '{"content":[]}' });
      ask(exchange, 'roots/list', {}, signal).then(() => {}, end);
    });
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const { next } = await asked(session);
    signal.abort();
    expect(await next()).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect((await next()).result).toEqual({ content: [] });
    expect(await edge.questions('roots', 'expired')).toBe(1);
  });

  test('when its call ends, or is cancelled', async () => {
    const exchanges: Exchange[] = [];
    const ends: unknown[] = [];
    await using edge = legacyEdge((exchange) => {
      exchanges.push(exchange);
      ask(exchange, 'roots/list').catch((reason) => void ends.push(reason));
    });
    await using session = await RawSession.open(edge.url, { capabilities: everything });
    const ending = await asked(session);
    exchanges[0]?.answer({ kind: 'result', payload: '{"content":[]}' });
    expect(await ending.next()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: 1 },
    });
    expect((await ending.next()).result).toEqual({ content: [] });
    const cancelled = await asked(session);
    await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c' } });
    expect(await cancelled.next()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: 2 },
    });
    expect(ends).toHaveLength(2);
  });
});

test('questions are refused once a shutdown has begun, so that their calls can end', async () => {
  const exchanges: Exchange[] = [];
  await using edge = legacyEdge((exchange) => void exchanges.push(exchange));
  await using session = await RawSession.open(edge.url, { capabilities: everything });
  const other = await RawSession.open(edge.url, { capabilities: everything });
  const calls = [session, other].map((one) => one.request('tools/call', call));
  await waitUntil('the calls', () => exchanges.length === 2);
  const open = ask(exchanges[0] as Exchange, 'roots/list');
  edge.sessions.stopAccepting();
  for (const answer of [
    open,
    ask(exchanges[0] as Exchange, 'roots/list'),
    ask(exchanges[1] as Exchange, 'roots/list'),
  ])
    expect((await answer).text).toBe('{"code":-32601,"message":"the gateway is shutting down"}');
  for (const exchange of exchanges) exchange.answer({ kind: 'result', payload: '{"content":[]}' });
  const sent = (await Promise.all(calls)).flatMap(({ before }) => before.map(({ method }) => method));
  expect(sent).toEqual(['roots/list', 'notifications/cancelled']);
  expect(await edge.questions('roots', 'refused')).toBe(3);
});

describe('a server of the modern era', () => {
  /** Answers `input_required` until the request bears answers, then with these. */
  const modern = (resultType: string) => (exchange: Exchange) => {
    const { params } = exchange;
    const got = params?.member('inputResponses');
    if (got !== undefined) {
      const state = params?.member('requestState');
      exchange.answer({ kind: 'result', payload: `{"content":[],"_meta":{"got":${got},"state":${state}}}` });
      return;
    }
    const url = { mode: 'url', url: 'https://a.example', message: 'm' };
    const inputRequests = {
      who: { method: 'elicitation/create', params: form },
      login: { method: 'elicitation/create', params: url },
      where: { method: 'roots/list' },
    };
    const payload = JSON.stringify({ inputRequests, requestState: 's' });
    exchange.answer({ kind: 'result', payload, resultType });
  };

  test('has its input requests answered by a v1 SDK client', async () => {
    await using edge = legacyEdge(modern('input_required'));
    const client = new ClientV1({ name: 'c', version: '1' }, { capabilities: everything });
    const ids: unknown[] = [];
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode !== 'url') return { action: 'accept', content: { name: 'Ann' } };
      ids.push(params.elicitationId);
      return { action: 'decline' };
    });
    client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots }));
    const transport = new TransportV1(new URL(edge.url));
    await client.connect(transport as Parameters<ClientV1['connect']>[0]);
    const { _meta } = await client.callTool({ name: 'up__tool' });
    expect(_meta).toEqual({
      got: {
        who: { action: 'accept', content: { name: 'Ann' } },
        login: { action: 'decline' },
        where: { roots },
      },
      state: 's',
    });
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    await client.close();
  });

  test('gets a cancelled elicitation from a client without a session, and no call without roots', async () => {
    await using edge = legacyEdge(modern('input_required'));
    const response = await rawPost(edge.url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
    expect(((await response.json()) as RpcMessage).error).toEqual({
      code: -32000,
      message:
        'upstream "up": it needs roots of the client, which failed: the client has no session, so it cannot be asked',
      data: { server: 'up', reason: 'upstream_returned_error' },
    });
  });

  test('that answers with a type of result that no client of the legacy era knows fails the call', async () => {
    await using edge = legacyEdge(modern('task'));
    await using session = await RawSession.open(edge.url);
    const { answer } = await session.request('tools/call', call);
    expect(answer.error).toMatchObject({ code: -32000, message: expect.stringContaining('"task"') });
  });
});

describe('log messages', () => {
  /** Logs a message of each level given as argument, then answers. */
  const logging = (exchange: Exchange) => {
    for (const level of ['debug', 'info', 'error'])
      exchange.notify('notifications/message', JSON.stringify({ level, data: 'd' }));
    exchange.answer({ kind: 'result', payload: '{"content":[]}' });
  };
  const levels = async (session: RawSession) =>
    (await session.request('tools/call', call)).before.map(({ params }) => params.level);

  test('reach a session as its client wants them', async () => {
    await using edge = legacyEdge(logging);
    await using session = await RawSession.open(edge.url);
    await using other = await RawSession.open(edge.url);
    expect(await levels(session)).toEqual(['debug', 'info', 'error']);
    const { answer } = await session.request('logging/setLevel', { level: 'warning' });
    expect(answer.result).toEqual({});
    expect(await levels(session)).toEqual(['error']);
    expect(await levels(other)).toEqual(['debug', 'info', 'error']);
  });

  test.each([{}, { level: 'loud' }, { level: 1 }])(
    'of an unknown level cannot be wanted: %j',
    async (params) => {
      await using edge = legacyEdge(logging);
      await using session = await RawSession.open(edge.url);
      const { answer } = await session.request('logging/setLevel', params);
      expect(answer.error).toEqual({
        code: -32602,
        message:
          'logging/setLevel: "level" must be one of debug, info, notice, warning, error, critical, alert, emergency',
      });
    },
  );

  test('may be set without a session, to no effect', async () => {
    await using edge = legacyEdge(logging);
    const body = { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'error' } };
    expect(((await (await rawPost(edge.url, body)).json()) as RpcMessage).result).toEqual({});
  });
});
