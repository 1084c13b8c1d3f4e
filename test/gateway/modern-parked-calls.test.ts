import { describe, expect, test } from 'bun:test';
import { Client, type ElicitResult, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { volatileState } from '../../src/state/state.ts';
import { askedForm, startAskingV1 } from '../support/asking-v1.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';
import { askModern, postModern } from '../support/modern-rpc.ts';
import { messagesOf } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

// Clients of revision 2026-07-28 in front of a real server of the legacy era, made with the v1 SDK, that asks.

failOnStrayErrors();

const everything = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const accepted = { action: 'accept', content: { name: 'Ann' } } as const;

interface Asked {
  readonly client: Client;
  /** The questions so far. */
  readonly asked: unknown[];
}

/** A v2 SDK client pinned to 2026-07-28, which answers and resumes by itself. */
async function connect(
  url: string,
  answer: (question: object) => ElicitResult | Promise<ElicitResult> = () => accepted,
  capabilities: object = everything,
): Promise<Asked & AsyncDisposable> {
  const client = new Client(
    { name: 'modern', version: '1.0.0' },
    { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  const asked: unknown[] = [];
  const declared = capabilities as Partial<typeof everything>;
  if (declared.elicitation)
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params);
      return answer(params);
    });
  if (declared.sampling)
    client.setRequestHandler('sampling/createMessage', () => {
      asked.push('sampling');
      return { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } };
    });
  if (declared.roots)
    client.setRequestHandler('roots/list', () => {
      asked.push('roots');
      return { roots: [{ uri: 'file:///a' }] };
    });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return { client, asked, [Symbol.asyncDispose]: () => client.close() };
}

async function pair() {
  const server = await startAskingV1();
  const gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  return {
    server,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

const call = async ({ client }: Asked, name: string) => {
  const { content, isError } = await client.callTool({ name: `up__${name}`, arguments: {} });
  const text = (content[0] as { text: string }).text;
  return isError ? `error: ${text}` : text;
};

const parked = async (gateway: TestGateway) => (await gateway.metrics()).value('mcpstead_parked_calls');
const counted = async (gateway: TestGateway, kind: string, result: string) =>
  (await gateway.metrics()).value('mcpstead_client_requests_total', { kind, result });

/** Sends a call as raw JSON. */
const post = (url: string, name: string, params: object = {}, capabilities: object = everything) =>
  askModern(url, 'tools/call', {
    params: {
      name: `up__${name}`,
      arguments: {},
      ...params,
      _meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities },
    },
  });

/** Calls a tool that asks; returns the retry that answers it. */
async function park(url: string, name: string) {
  const { answer } = await post(url, name);
  expect(answer.result?.resultType).toBe('input_required');
  const { requestState } = answer.result as { requestState: string };
  return { requestState, inputResponses: { 'elicitation-1': accepted } };
}

describe('a modern client of a legacy server', () => {
  test('is asked for forms, URLs, completions and roots, and gets the result', async () => {
    await using both = await pair();
    await using client = await connect(both.gateway.url);
    expect(await call(client, 'form')).toBe('Ann');
    expect(await call(client, 'link')).toBe('accept');
    expect(client.asked).toEqual([
      { mode: 'form', ...askedForm },
      { mode: 'url', url: 'https://example.com/sign-in', message: 'Sign in' },
    ]);
    expect(await call(client, 'all')).toBe('Ann, hi, file:///a');
    expect(await call(client, 'twice')).toBe('Ann Ann');
    expect(['form', 'link', 'all', 'twice'].map(both.server.runs)).toEqual([1, 1, 1, 1]);
    expect(await parked(both.gateway)).toBe(0);
    expect(await counted(both.gateway, 'elicitation', 'answered')).toBe(5);
    expect(await counted(both.gateway, 'sampling', 'answered')).toBe(1);
    expect(await counted(both.gateway, 'roots', 'answered')).toBe(1);
  });

  test('is asked by prompts and resources, too', async () => {
    await using both = await pair();
    await using client = await connect(both.gateway.url);
    const prompt = await client.client.getPrompt({ name: 'up__greet' });
    expect(prompt.messages[0]?.content).toMatchObject({ text: 'Hello Ann' });
    const read = await client.client.readResource({ uri: 'test://secret' });
    expect(read.contents[0]).toMatchObject({ text: 'for Ann' });
  });

  test.each(['decline', 'cancel'] as const)('may %s', async (action) => {
    await using both = await pair();
    await using client = await connect(both.gateway.url, () => ({ action }));
    expect(await call(client, 'form')).toBe(action);
    expect(await counted(both.gateway, 'elicitation', 'declined')).toBe(1);
  });

  test('is asked for all at once that the server asks at once', async () => {
    await using both = await pair();
    const { answer } = await post(both.gateway.url, 'all');
    expect(Object.keys(answer.result.inputRequests).toSorted()).toEqual([
      'elicitation-1',
      'roots-3',
      'sampling-2',
    ]);
  });

  test('gets the progress of a resumed call on the retry, with its token', async () => {
    await using both = await pair();
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': everything, progressToken: 1 };
    const params = { name: 'up__work', arguments: {} };
    const first = await askModern(both.gateway.url, 'tools/call', { params: { ...params, _meta } });
    const { requestState } = first.answer.result;
    const retry = { ...params, requestState, inputResponses: { 'elicitation-1': accepted } };
    const second = await postModern(both.gateway.url, 'tools/call', {
      params: { ...retry, _meta: { ..._meta, progressToken: 'mine' } },
    });
    const messages = messagesOf(second);
    expect((await within('progress', messages.next())).value).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'mine', progress: 1 },
    });
    await waitUntil('it works', () => both.server.working() === 1);
    both.server.finish();
    expect((await within('the answer', messages.next())).value.result.content[0].text).toBe('Ann 1');
  });

  test.each([
    ['form', {}, 'elicitation'],
    ['form', { elicitation: { url: {} } }, 'elicitation.form'],
    ['link', { elicitation: {} }, 'elicitation.url'],
    ['sample', { elicitation: {} }, 'sampling'],
  ])(
    'without the capability makes the server of %s hear so at once: %p',
    async (tool, capabilities, missing) => {
      await using both = await pair();
      const beganMs = performance.now();
      const { status, answer } = await post(both.gateway.url, tool, {}, capabilities);
      expect(status).toBe(400);
      expect(answer.error).toMatchObject({
        code: -32021,
        message: `the server has to ask the client, but the request does not declare the capability "${missing}"`,
      });
      expect(performance.now() - beganMs).toBeLessThan(2_000);
    },
  );

  test('that must visit a URL first is asked to, then its call is sent anew', async () => {
    await using both = await pair();
    await using client = await connect(both.gateway.url, () => ({ action: 'accept' }));
    expect(await call(client, 'guarded')).toBe('signed in 2');
    expect(client.asked).toEqual([{ mode: 'url', url: 'https://example.com/sign-in', message: 'Sign in' }]);
  });

  test('that must visit a URL, but cannot, hears which capability it lacks', async () => {
    await using both = await pair();
    const { status, answer } = await post(both.gateway.url, 'guarded', {}, { elicitation: { form: {} } });
    expect(status).toBe(400);
    expect(answer.error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { elicitation: { url: {} } } },
    });
  });

  test('is asked at most ten times', async () => {
    await using both = await pair();
    let { answer } = await post(both.gateway.url, 'forever');
    for (let round = 1; round <= 10; round++) {
      const { requestState } = answer.result;
      const inputResponses = { [`elicitation-${round}`]: accepted };
      ({ answer } = await post(both.gateway.url, 'forever', { requestState, inputResponses }));
    }
    expect(answer.error).toMatchObject({
      code: -32603,
      message: 'upstream "up": it asked for input more than 10 times, which is the most for one call',
    });
    await waitUntil('the server is told', () => both.server.cancelled() === 1);
    expect(await parked(both.gateway)).toBe(0);
  });
});

describe('a raw retry', () => {
  test('that is repeated gets the same answer, and the tool runs once', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'work');
    const [first, second] = [post(both.gateway.url, 'work', retry), post(both.gateway.url, 'work', retry)];
    await waitUntil('both wait', async () => (await parked(both.gateway)) === 0);
    await waitUntil('it works', () => both.server.working() === 1);
    await settle();
    both.server.finish();
    const answers = [await first, await second, await post(both.gateway.url, 'work', retry)];
    expect(answers.map(({ answer }) => answer.result?.content[0].text)).toEqual(['Ann 1', 'Ann 1', 'Ann 1']);
    expect(both.server.runs('work')).toBe(1);
  });

  test('with other answers than before is refused', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'form');
    await post(both.gateway.url, 'form', retry);
    const other = { ...retry, inputResponses: { 'elicitation-1': { action: 'decline' } } };
    expect((await post(both.gateway.url, 'form', other)).answer.error).toMatchObject({ code: -32602 });
    expect(both.server.runs('form')).toBe(1);
  });

  test.each<[string, (retry: Record<string, unknown>) => object]>([
    ['a tampered state', (retry) => ({ ...retry, requestState: `${retry.requestState}-TAMPERED` })],
    ['other arguments', (retry) => ({ ...retry, arguments: { a: 1 } })],
    ['malformed answers', (retry) => ({ ...retry, inputResponses: { 'elicitation-1': 12345 } })],
    ['answers that are no object', (retry) => ({ ...retry, inputResponses: [] })],
  ])('with %s is refused, and leaves the call as it was', async (_, change) => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'form');
    expect((await post(both.gateway.url, 'form', change(retry))).answer.error).toMatchObject({
      code: -32602,
    });
    expect(await parked(both.gateway)).toBe(1);
    expect((await post(both.gateway.url, 'form', retry)).answer.result.content[0].text).toBe('Ann');
  });

  test('without an answer is asked again', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'form');
    const again = await post(both.gateway.url, 'form', { ...retry, inputResponses: { other: accepted } });
    expect(Object.keys(again.answer.result.inputRequests)).toEqual(['elicitation-1']);
    const { requestState } = again.answer.result;
    const done = await post(both.gateway.url, 'form', { ...retry, requestState });
    expect(done.answer.result.content[0].text).toBe('Ann');
  });

  test('answers the call of its state and no other, once', async () => {
    await using both = await pair();
    const [first, second] = [await park(both.gateway.url, 'form'), await park(both.gateway.url, 'form')];
    const answered = (name: string) => ({ 'elicitation-1': { action: 'accept', content: { name } } });
    const textOf = async (retry: object) => (await post(both.gateway.url, 'form', retry)).answer;
    expect((await textOf({ ...second, inputResponses: answered('Bob') })).result.content[0].text).toBe('Bob');
    expect(await parked(both.gateway)).toBe(1);
    expect((await textOf({ ...second, inputResponses: answered('Eve') })).error.code).toBe(-32602);
    // The state is of a call of another tool.
    expect((await post(both.gateway.url, 'twice', first)).answer.error?.code).toBe(-32602);
    expect((await textOf({ ...first, inputResponses: answered('Ann') })).result.content[0].text).toBe('Ann');
    expect(both.server.runs('form')).toBe(2);
    expect(both.server.runs('twice')).toBe(0);
  });

  test('in another view is refused', async () => {
    await using both = await pair();
    const { requestState, inputResponses } = await park(both.gateway.url, 'form');
    const { answer } = await askModern(`${both.gateway.url}/up`, 'tools/call', {
      params: { name: 'form', arguments: {}, requestState, inputResponses },
    });
    expect(answer.error).toMatchObject({ code: -32602 });
  });
});

describe('when something ends in the middle of a question', () => {
  test('a server that no longer waits answers as it likes, and the retry gets that', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'impatient');
    await waitUntil('nothing waits', async () => (await parked(both.gateway)) === 0);
    const { answer } = await post(both.gateway.url, 'impatient', retry);
    expect(answer.error?.message).toContain('timed out');
    expect(await counted(both.gateway, 'elicitation', 'expired')).toBe(1);
  });

  test('a server that is gone fails its calls, and the retry hears so', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'form');
    await both.server.stop();
    await waitUntil('nothing waits', async () => (await parked(both.gateway)) === 0);
    const { answer } = await within('the answer', post(both.gateway.url, 'form', retry));
    expect(answer.error).toMatchObject({ code: -32603, data: { server: 'up' } });
  });

  test('a gateway that stops tells the server, and its successor the client', async () => {
    await using server = await startAskingV1();
    const state = volatileState();
    const config = { servers: [{ name: 'up', url: server.url }] };
    const before = await startGateway(config, {}, state);
    await before.connected();
    const retry = await park(before.url, 'form');
    await before.gateway.stop();
    await waitUntil('the server is told', () => server.cancelled() === 1);
    await using after = await startGateway(config, {}, state);
    await after.connected();
    const { answer } = await post(after.url, 'form', retry);
    expect(answer.error).toMatchObject({
      code: -32602,
      message: expect.stringContaining('make the request anew'),
    });
    expect(server.runs('form')).toBe(1);
  });

  test('a gateway that is killed leaves nothing behind once its server notices', async () => {
    await using server = await startAskingV1();
    const state = volatileState();
    const config = { servers: [{ name: 'up', url: server.url }] };
    const before = await startGateway(config, {}, state);
    await before.connected();
    const retry = await park(before.url, 'form');
    before.gateway.kill();
    await using after = await startGateway(config, {}, state);
    await after.connected();
    const { answer } = await post(after.url, 'form', retry);
    expect(answer.error).toMatchObject({ code: -32602 });
    await before.gateway.stop();
  });

  test('a client that disconnects while it is asked has its call parked, and can come back', async () => {
    await using both = await pair();
    let begin = () => {};
    const asked = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const client = await connect(both.gateway.url, async () => {
      begin();
      return new Promise(() => {});
    });
    call(client, 'form').catch(() => {});
    await within('the question', asked);
    await client.client.close();
    expect(await parked(both.gateway)).toBe(1);
    await both.gateway.gateway.stop();
    await waitUntil('the server is told', () => both.server.cancelled() === 1);
  });

  test('a client that disconnects from a resumed call finds it again', async () => {
    await using both = await pair();
    const retry = await park(both.gateway.url, 'work');
    const abort = new AbortController();
    const params = { name: 'up__work', arguments: {}, ...retry };
    const gone = askModern(both.gateway.url, 'tools/call', { params, signal: abort.signal });
    gone.catch(() => {});
    await waitUntil('the call is resumed', async () => (await parked(both.gateway)) === 0);
    await settle();
    abort.abort();
    await waitUntil('the client is gone', async () => (await parked(both.gateway)) === 1);
    expect(both.server.cancelled()).toBe(0);
    const again = post(both.gateway.url, 'work', retry);
    await waitUntil('it is back', async () => (await parked(both.gateway)) === 0);
    await waitUntil('it works', () => both.server.working() === 1);
    both.server.finish();
    expect((await again).answer.result.content[0].text).toBe('Ann 1');
  });
});
