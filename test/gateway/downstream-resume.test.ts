import { describe, expect, test } from 'bun:test';
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { GatewayError } from '../../src/errors.ts';
import type { Exchange } from '../../src/protocol/exchange.ts';
import { volatileState } from '../../src/state/state.ts';
import { startAskingServer } from '../support/asking-server.ts';
import { startGateway } from '../support/gateway.ts';
import { ask, legacyEdge } from '../support/legacy-edge.ts';
import { type RawConnection, rawConnection } from '../support/raw-http.ts';
import { acceptBoth, RawSession, type RpcMessage, rawPost } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

failOnStrayErrors();

/** An event of a stream; `message` is null for one without data. */
interface StreamEvent {
  readonly id: string | undefined;
  readonly message: RpcMessage | null;
}

/** The complete events in the text of a stream. */
function eventsIn(text: string): StreamEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .filter((event) => !event.startsWith(':'))
    .map((event) => {
      const data = /^data: (.*)$/m.exec(event)?.[1] ?? '';
      return { id: /^id: (.*)$/m.exec(event)?.[1], message: data === '' ? null : JSON.parse(data) };
    });
}

const call = { jsonrpc: '2.0', id: 'c', method: 'tools/call', params: { name: 'up__tool', arguments: {} } };
const steps = (events: StreamEvent[]) =>
  events.flatMap(({ message }) =>
    message?.method === 'notifications/progress' ? [message.params.progress] : [],
  );

/** An edge whose calls wait for what the test does with them. */
function waitingEdge() {
  const exchanges: Exchange[] = [];
  const edge = legacyEdge((exchange) => void exchanges.push(exchange));
  return {
    edge,
    exchanges,
    /** Waits for the n-th call. */
    async called(count = 1) {
      await waitUntil(`${count} calls`, () => exchanges.length >= count);
      return exchanges[count - 1] as Exchange;
    },
  };
}

const progress = (exchange: Exchange, step: number) =>
  void exchange.notify('notifications/progress', `{"progressToken":1,"progress":${step}}`);
const done = (exchange: Exchange, text = 'done') =>
  exchange.answer({ kind: 'result', payload: JSON.stringify({ content: [{ type: 'text', text }] }) });

/** Sends a call in the session on a connection that the test can break. */
async function rawCall(session: RawSession, body: object = call): Promise<RawConnection> {
  const text = JSON.stringify(body);
  const connection = await rawConnection(new URL(session.url).origin);
  connection.write(
    `POST /mcp HTTP/1.1\r\nHost: ${new URL(session.url).host}\r\nContent-Type: application/json\r\n` +
      `Accept: ${acceptBoth}\r\nMcp-Session-Id: ${session.id}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  return connection;
}

/** Resumes a stream. */
function resume(session: RawSession, id: string): Promise<Response> {
  const headers = { accept: 'text/event-stream', 'mcp-session-id': session.id, 'last-event-id': id };
  return fetch(session.url, { headers });
}

/** All events of a resumed stream up to its end. */
async function resumed(session: RawSession, id: string): Promise<StreamEvent[]> {
  const response = await resume(session, id);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  return eventsIn(await within('the end of the stream', response.text()));
}

/** Reads a stream piece by piece. */
function textReader(response: Response) {
  if (response.body === null) throw new Error('the response has no body');
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

describe('a call whose connection is lost', () => {
  test('goes on, and its client gets what it missed and the rest', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    const exchange = await called();
    progress(exchange, 1);
    const seen = eventsIn(await connection.received('"progress":1}}\n\n'));
    connection[Symbol.dispose]();
    progress(exchange, 2);
    const response = await resume(session, seen.at(-1)?.id as string);
    progress(exchange, 3);
    done(exchange);
    const rest = eventsIn(await response.text());
    expect(steps(rest)).toEqual([2, 3]);
    expect(rest.at(-1)?.message).toMatchObject({ id: 'c', result: { content: [{ text: 'done' }] } });
    expect(exchange.signal.aborted).toBe(false);
  });

  test('has its answer kept', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    const exchange = await called();
    progress(exchange, 1);
    const text = await connection.received('"progress":1}}\n\n');
    connection[Symbol.dispose]();
    await Bun.sleep(20);
    done(exchange);
    const [priming, step] = eventsIn(text.slice(text.indexOf('id: '))) as [StreamEvent, StreamEvent];
    expect([priming.message, steps([step])]).toEqual([null, [1]]);
    for (const [id, expected] of [
      [priming.id as string, [1]],
      [step.id as string, []],
    ] satisfies [string, number[]][]) {
      const rest = await resumed(session, id);
      expect(steps(rest)).toEqual(expected);
      expect(rest.at(-1)?.message?.id).toBe('c');
    }
  });

  test('has a long answer kept, which can be asked for again', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    const exchange = await called();
    progress(exchange, 1);
    const seen = eventsIn(await connection.received('"progress":1}}\n\n'));
    const long = 'é'.repeat(500_000);
    done(exchange, long);
    await connection.received('éééé');
    connection[Symbol.dispose]();
    for (let times = 0; times < 2; times++) {
      const rest = await resumed(session, seen.at(-1)?.id as string);
      expect(rest.at(-1)?.message?.result.content[0].text === long).toBe(true);
    }
  });

  test('gets an error in place of an answer that is too long to keep', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    const exchange = await called();
    progress(exchange, 1);
    const seen = eventsIn(await connection.received('"progress":1}}\n\n'));
    connection[Symbol.dispose]();
    await waitUntil('the loss', () => exchange.notify('notifications/progress', '{}') === undefined);
    done(exchange, 'x'.repeat(11 * 1024 * 1024));
    const rest = await resumed(session, seen.at(-1)?.id as string);
    expect(rest.at(-1)?.message).toMatchObject({
      id: 'c',
      error: { code: -32000, message: expect.stringContaining('too long to keep') },
    });
  });

  test('has questions kept, and their answers go back', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url, { capabilities: { roots: {} } });
    const connection = await rawCall(session);
    const exchange = await called();
    progress(exchange, 1);
    const seen = eventsIn(await connection.received('"progress":1}}\n\n'));
    connection[Symbol.dispose]();
    await Bun.sleep(20);
    const answering = ask(exchange, 'roots/list');
    const response = await resume(session, seen.at(-1)?.id as string);
    await session.post({ jsonrpc: '2.0', id: 1, result: { roots: [] } });
    expect(await answering).toEqual({ kind: 'result', text: '{"roots":[]}' });
    done(exchange);
    const methods = eventsIn(await response.text()).map(({ message }) => message?.method);
    expect(methods).toEqual(['roots/list', undefined]);
  });

  test('while nothing was sent goes on, but its client can neither be asked nor come back', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url, { capabilities: { roots: {} } });
    const connection = await rawCall(session);
    const exchange = await called();
    // From then on the reply watches its client.
    await Bun.sleep(100);
    connection[Symbol.dispose]();
    await Bun.sleep(50);
    expect(exchange.signal.aborted).toBe(false);
    expect((await ask(exchange, 'roots/list')).text).toContain('the client is disconnected');
    done(exchange);
    expect((await resume(session, 'p1-0')).status).toBe(400);
  });

  test('in a batch keeps all answers', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session, [call, { ...call, id: 'd' }] as object);
    const first = await called();
    const second = await called(2);
    done(first);
    progress(second, 1);
    const seen = eventsIn(await connection.received('"progress":1}}\n\n'));
    connection[Symbol.dispose]();
    await Bun.sleep(20);
    done(second);
    const rest = await resumed(session, seen[0]?.id as string);
    expect(rest.map(({ message }) => message?.id)).toEqual(['c', undefined, 'd']);
  });

  test('without a session is cancelled', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    const abort = new AbortController();
    const answering = fetch(edge.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: acceptBoth },
      body: JSON.stringify(call),
      signal: abort.signal,
    });
    const exchange = await called();
    progress(exchange, 1);
    await (await answering).body?.getReader().read();
    abort.abort();
    await waitUntil('the cancellation', () => exchange.signal.aborted);
  });
});

describe('the id of an event', () => {
  test('belongs to one stream: no event of another one is sent again', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const ids: string[] = [];
    for (const id of ['c', 'd']) {
      const connection = await rawCall(session, { ...call, id });
      const exchange = await called(ids.length + 1);
      progress(exchange, 1);
      progress(exchange, 2);
      ids.push(eventsIn(await connection.received('"progress":2}}\n\n'))[1]?.id as string);
      connection[Symbol.dispose]();
    }
    await Bun.sleep(20);
    done(await called(1), 'first');
    done(await called(2), 'second');
    for (const index of [0, 1]) {
      const rest = await resumed(session, ids[index] as string);
      expect(steps(rest)).toEqual([2]);
      expect(rest.at(-1)?.message?.result.content[0].text).toBe(index === 0 ? 'first' : 'second');
    }
  });

  test('of another session, or of no stream, is refused', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    await using other = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    progress(await called(), 1);
    const id = eventsIn(await connection.received('"progress":1}}\n\n')).at(-1)?.id as string;
    for (const [by, wrong] of [
      [other, id],
      [session, 'p9-1'],
      [session, 'p1-2'],
      [session, 'x'],
      [session, `${id}0000000000000000`],
    ] as const) {
      const response = await resume(by, wrong);
      expect(response.status).toBe(400);
      expect(((await response.json()) as RpcMessage).error).toMatchObject({
        code: -32600,
        message: expect.stringContaining('Last-Event-ID'),
      });
    }
    done(await called());
    connection[Symbol.dispose]();
  });

  test('of the last event of an ended stream is answered 204, at which clients stop to reconnect', async () => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const connection = await rawCall(session);
    progress(await called(), 1);
    done(await called());
    const events = eventsIn(await connection.received('done"}]}}\n\n'));
    expect((await resume(session, events.at(-1)?.id as string)).status).toBe(204);
    expect(await resumed(session, events.at(-2)?.id as string)).toHaveLength(1);
    connection[Symbol.dispose]();
  });

  test('of a stream of notices that is gone opens a new one', async () => {
    const { edge } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    const response = await resume(session, 'g7-3');
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});

test('the stream of a session is resumed with what was sent while its connection broke', async () => {
  const { edge } = waitingEdge();
  await using _edge = edge;
  await using session = await RawSession.open(edge.url);
  const connection = await rawConnection(new URL(edge.url).origin);
  connection.write(
    `GET /mcp HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\nMcp-Session-Id: ${session.id}\r\n\r\n`,
  );
  await connection.received('id: g1-0');
  const open = edge.sessions.find(session.id, 'none', '');
  const update = (uri: string) => open?.notify('notifications/resources/updated', JSON.stringify({ uri }));
  update('a:1');
  await connection.received('a:1');
  update('a:2');
  connection[Symbol.dispose]();
  await Bun.sleep(50);
  update('a:3');
  update('a:3');
  const response = await resume(session, 'g1-1');
  const reader = textReader(response);
  let text = '';
  while (!text.includes('a:3')) text += (await within('the events', reader.read())).value ?? '';
  expect(eventsIn(text).map(({ id, message }) => [id, message?.params.uri])).toEqual([
    ['g1-2', 'a:2'],
    ['g1-3', 'a:3'],
  ]);
  update('a:4');
  while (!text.includes('a:4')) text += (await within('the next', reader.read())).value ?? '';
  await reader.cancel();
});

test.each(['2025-03-26', '2025-06-18'])(
  'a client of %s gets no event without data',
  async (protocolVersion) => {
    const { edge, called } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url, { protocolVersion });
    const connection = await rawCall(session);
    progress(await called(), 1);
    done(await called());
    const text = await connection.received('done"}]}}\n\n');
    expect(text).not.toContain('data: \n');
    expect(eventsIn(text).map(({ id }) => id)).toEqual(['p1-1', 'p1-2']);
    connection[Symbol.dispose]();
  },
);

describe('a connection that breaks at any moment', () => {
  test('loses no answer of a call that can be resumed', async () => {
    const { edge, exchanges } = waitingEdge();
    await using _edge = edge;
    await using session = await RawSession.open(edge.url);
    /** What the call does between two moments. */
    const acts: ((exchange: Exchange) => void)[] = [
      (exchange) => progress(exchange, 1),
      (exchange) => progress(exchange, 2),
      (exchange) => done(exchange),
    ];
    let last = 0;
    for (let breakAt = 1; breakAt <= acts.length; breakAt++)
      for (const pauseMs of [0, 5, 60]) {
        const connection = await rawCall(session);
        last++;
        const exchange = (await waitUntil('the call', () => exchanges[last - 1])) as Exchange;
        for (const act of acts.slice(0, breakAt)) act(exchange);
        await connection.received('id: p');
        const head = /id: (p\d+)-0/.exec(await connection.received('\ndata: \n\n'))?.[1];
        await Bun.sleep(pauseMs);
        connection[Symbol.dispose]();
        await Bun.sleep(pauseMs);
        for (const act of acts.slice(breakAt)) act(exchange);
        const rest = await resumed(session, `${head}-0`);
        expect(steps(rest)).toEqual([1, 2]);
        expect(rest.at(-1)?.message?.result).toBeDefined();
        expect(exchange.signal.aborted).toBe(false);
      }
  });
});

describe('an elicitation of a v1 SDK server', () => {
  test.each(['before', 'after'])('survives a connection that is lost %s the answer', async (when) => {
    await using server = await startAskingServer();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url, { capabilities: { elicitation: {} } });
    const params = { name: 'up__elicit', arguments: { message: 'who?' } };
    const connection = await rawCall(session, { ...call, params });
    const text = await connection.received('elicitation/create');
    const [priming] = eventsIn(text);
    const id = Number(/"id":(\d+),"method"/.exec(text)?.[1]);
    const answer = () =>
      session.post({
        jsonrpc: '2.0',
        id: Number(id),
        result: { action: 'accept', content: { name: 'Ann' } },
      });
    if (when === 'after') await answer();
    connection[Symbol.dispose]();
    await Bun.sleep(50);
    if (when === 'before') await answer();
    const rest = await resumed(session, priming?.id as string);
    // The question is over, so it is not asked again.
    expect(rest.map(({ message }) => message?.method)).toEqual([undefined]);
    const outcome = JSON.parse(rest[0]?.message?.result.content[0].text);
    expect(outcome.answer).toEqual({ action: 'accept', content: { name: 'Ann' } });
  });

  test('ends with the session of a client that is killed', async () => {
    await using server = await startAskingServer();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const session = await RawSession.open(gateway.url, { capabilities: { elicitation: {} } });
    const connection = await rawCall(session, { ...call, params: { name: 'up__elicit', arguments: {} } });
    await connection.received('elicitation/create');
    connection[Symbol.dispose]();
    await session[Symbol.asyncDispose]();
    await waitUntil('the end of the question', async () => {
      const labels = { kind: 'elicitation', result: 'expired' };
      return (await gateway.metrics()).value('mcpstead_client_requests_total', labels) === 1;
    });
  });
});

/** A fetch that breaks the first streams of answers after their first message. */
function breakingFetch(breaks: number) {
  let left = breaks;
  const seen: string[] = [];
  const fetchOnce = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers);
    const id = headers.get('last-event-id');
    if (id !== null) seen.push(id);
    const response = await fetch(input, init);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (left === 0 || !isStream || (init?.method === 'GET' && id === null) || !response.body) return response;
    left--;
    const reader = response.body.getReader();
    const broken = new ReadableStream<Uint8Array>({
      async start(controller) {
        let text = '';
        while (!text.includes('"jsonrpc"')) {
          const { value, done: isOver } = await reader.read();
          if (isOver) break;
          text += Buffer.from(value);
          controller.enqueue(value);
        }
        await reader.cancel();
        controller.error(new Error('broken by the test'));
      },
    });
    return new Response(broken, { status: response.status, headers: response.headers });
  };
  return { fetch: fetchOnce as typeof fetch, seen };
}

/** Reports a step, asks, and answers with the client's answer, with time in between. */
const slowAsking = async (exchange: Exchange) => {
  progress(exchange, 1);
  await Bun.sleep(100);
  const { text } = await ask(exchange, 'elicitation/create', {
    message: 'm',
    requestedSchema: { type: 'object', properties: {} },
  });
  done(exchange, text);
};

test('a v1 SDK client reconnects by itself, is asked what it missed, and gets its answer', async () => {
  await using edge = legacyEdge((exchange) => void slowAsking(exchange));
  const breaking = breakingFetch(2);
  const client = new ClientV1({ name: 'c', version: '1' }, { capabilities: { elicitation: {} } });
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: 'accept', content: {} }));
  const transport = new TransportV1(new URL(edge.url), { fetch: breaking.fetch });
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  const result = await client.callTool({ name: 'up__tool' });
  expect((result.content as { text: string }[])[0]?.text).toBe('{"action":"accept","content":{}}');
  expect(breaking.seen).toHaveLength(2);
  await client.close();
}, 20_000);

test('a v2 SDK client reconnects by itself, is asked what it missed, and gets its answer', async () => {
  await using edge = legacyEdge((exchange) => void slowAsking(exchange));
  const breaking = breakingFetch(2);
  const client = new ClientV2(
    { name: 'c', version: '1' },
    { versionNegotiation: { mode: 'legacy' }, capabilities: { elicitation: {} } },
  );
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: {} }));
  await client.connect(new TransportV2(new URL(edge.url), { fetch: breaking.fetch }));
  const result = await client.callTool({ name: 'up__tool' });
  expect((result.content as { text: string }[])[0]?.text).toBe('{"action":"accept","content":{}}');
  expect(breaking.seen).toHaveLength(2);
  await client.close();
}, 20_000);

test('another v1 SDK client of the same session resumes a call by its resumption token', async () => {
  const { edge, called } = waitingEdge();
  await using _edge = edge;
  const first = new ClientV1({ name: 'c', version: '1' });
  const transport = new TransportV1(new URL(edge.url));
  await first.connect(transport as Parameters<ClientV1['connect']>[0]);
  let token = '';
  const calling = first.callTool({ name: 'up__tool' }, undefined, {
    onresumptiontoken: (latest: string) => {
      token = latest;
    },
    onprogress: () => {},
  });
  calling.catch(() => {});
  const exchange = await called();
  progress(exchange, 1);
  await waitUntil('a token', () => token !== '');
  await first.close();
  const second = new ClientV1({ name: 'c', version: '1' });
  const again = new TransportV1(new URL(edge.url), { sessionId: transport.sessionId as string });
  await second.connect(again as Parameters<ClientV1['connect']>[0]);
  const resuming = second.request(
    { method: 'tools/call', params: { name: 'up__tool' } },
    CallToolResultSchema,
    { resumptionToken: token },
  );
  await Bun.sleep(50);
  done(exchange, 'resumed');
  expect((await within('the answer', resuming)).content).toEqual([{ type: 'text', text: 'resumed' }]);
  await second.close();
});

test('an answer that is an error ends a v1 SDK client’s reconnections', async () => {
  await using edge = legacyEdge((exchange) => {
    progress(exchange, 1);
    exchange.fail(new GatewayError('invalid_params', 'no'));
  });
  const breaking = breakingFetch(0);
  const problems: Error[] = [];
  const client = new ClientV1({ name: 'c', version: '1' });
  client.onerror = (error) => void problems.push(error);
  const transport = new TransportV1(new URL(edge.url), { fetch: breaking.fetch });
  await client.connect(transport as Parameters<ClientV1['connect']>[0]);
  await expect(client.callTool({ name: 'up__tool' })).rejects.toThrow('no');
  // It takes an error for a broken stream, and comes back once.
  await waitUntil('the reconnection', () => breaking.seen.length === 1);
  await Bun.sleep(2_500);
  expect(breaking.seen).toHaveLength(1);
  expect(problems.filter(({ message }) => /reconnect/i.test(message))).toEqual([]);
  await client.close();
}, 20_000);

test('a response to a request of an earlier process is not taken for another one’s', async () => {
  const state = volatileState();
  const before = legacyEdge(() => {}, state);
  const session = await RawSession.open(before.url, { capabilities: { roots: {} } });
  await before[Symbol.asyncDispose]();
  const exchanges: Exchange[] = [];
  await using edge = legacyEdge((exchange) => void exchanges.push(exchange), state);
  const post = (body: object) => rawPost(edge.url, body, { 'mcp-session-id': session.id });
  const answering = post(call);
  await waitUntil('the call', () => exchanges.length === 1);
  const answered = ask(exchanges[0] as Exchange, 'roots/list');
  const question = /"id":(\d+),"method"/.exec(await streamStart(await answering))?.[1];
  expect(Number(question)).toBeGreaterThan(1_000_000);
  await post({ jsonrpc: '2.0', id: 1, result: { roots: [{ uri: 'file:///old' }] } });
  await post({ jsonrpc: '2.0', id: Number(question), result: { roots: [] } });
  expect((await answered).text).toBe('{"roots":[]}');
});

/** The text of a stream up to its first request. */
async function streamStart(response: Response): Promise<string> {
  const reader = textReader(response);
  let text = '';
  while (!text.includes('"method"')) text += (await within('a request', reader.read())).value ?? '';
  return text;
}
