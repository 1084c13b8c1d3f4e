import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { volatileState } from '../../src/state/state.ts';
import { startAskingV2, startRawModern } from '../support/asking-v2.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { settle, waitUntil, within } from '../support/wait.ts';

// Clients of revision 2026-07-28 in front of servers of the same, whose questions pass through.

failOnStrayErrors();

const everything = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const accepted = { who: { action: 'accept', content: { name: 'Ann' } } };

const paramsOf = (name: string, retry: object = {}, capabilities: object = everything) => ({
  name: `up__${name}`,
  arguments: {},
  ...retry,
  _meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities },
});
const post = (url: string, name: string, retry: object = {}, capabilities: object = everything) =>
  askModern(url, 'tools/call', { params: paramsOf(name, retry, capabilities) });

/** Calls a tool that asks; returns the retry with the answer. */
async function ask(url: string, name: string) {
  const { answer } = await post(url, name);
  expect(answer.result?.inputRequests).toEqual({
    who: {
      method: 'elicitation/create',
      params: { message: 'Who are you?', mode: 'form', requestedSchema: { type: 'object', properties: {} } },
    },
  });
  return { requestState: answer.result.requestState as string, inputResponses: accepted };
}

async function pair() {
  const server = await startAskingV2();
  const state = volatileState();
  const config = { servers: [{ name: 'up', url: server.url }] };
  const gateway = await startGateway(config, {}, state);
  await gateway.connected();
  return {
    server,
    gateway,
    url: gateway.url,
    state,
    config,
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

const textOf = ({ answer }: Awaited<ReturnType<typeof askModern>>) => answer.result?.content?.[0]?.text;

test('a pinned v2 SDK client answers and resumes by itself', async () => {
  await using both = await pair();
  const client = new Client(
    { name: 'modern', version: '1.0.0' },
    { capabilities: everything, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ann' } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(both.url)));
  const call = async (name: string) => (await client.callTool({ name, arguments: {} })).content;
  expect(await call('up__form')).toEqual([{ type: 'text', text: 'Ann, state "é", 1' }]);
  expect(await call('up__later')).toEqual([{ type: 'text', text: 'done, busy' }]);
  await client.close();
  const metrics = await both.gateway.metrics();
  const answered = { kind: 'elicitation', result: 'answered' };
  expect(metrics.value('mcpstead_client_requests_total', answered)).toBe(1);
  expect(metrics.value('mcpstead_parked_calls')).toBe(0);
});

test('the state of the server is not shown to the client', async () => {
  await using both = await pair();
  const { requestState } = await ask(both.url, 'form');
  expect(Buffer.from(requestState, 'base64url').toString()).not.toContain('state');
});

test('a retry goes on at another gateway with the same key, also without its predecessor', async () => {
  await using both = await pair();
  const retry = await ask(both.url, 'form');
  await both.gateway.gateway.stop();
  await using next = await startGateway(both.config, {}, both.state);
  await next.connected();
  expect(textOf(await post(next.url, 'form', retry))).toBe('Ann, state "é", 1');
});

test('a retry of another principal is refused, as if it were forged', async () => {
  await using both = await pair();
  const retry = await ask(both.url, 'form');
  const token = 'a-token-of-enough-length';
  const config = { ...both.config, mcp: { auth: { mode: 'bearer' } } };
  await using other = await startGateway(config, { MCPSTEAD_BEARER_TOKEN: token }, both.state);
  await other.connected();
  const { answer } = await askModern(other.url, 'tools/call', {
    params: paramsOf('form', retry),
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.error).toMatchObject({
    code: -32602,
    message: expect.stringContaining('is not one that this gateway gave to this client'),
  });
  expect(both.server.resumed('form')).toBe(0);
});

test.each<[string, (retry: Record<string, unknown>) => object]>([
  ['a tampered state', (retry) => ({ ...retry, requestState: `${retry.requestState}-TAMPERED` })],
  ['other arguments', (retry) => ({ ...retry, arguments: { a: 1 } })],
  ['the state of the server itself', (retry) => ({ ...retry, requestState: 'state "é"' })],
  ['malformed answers', (retry) => ({ ...retry, inputResponses: { who: 12345 } })],
])('a retry with %s is refused', async (_, change) => {
  await using both = await pair();
  const retry = await ask(both.url, 'form');
  expect((await post(both.url, 'form', change(retry))).answer.error).toMatchObject({ code: -32602 });
  expect(both.server.resumed('form')).toBe(0);
});

test('a retry without an answer is asked again by the server, with a new state', async () => {
  await using both = await pair();
  const retry = await ask(both.url, 'form');
  const { answer } = await post(both.url, 'form', { ...retry, inputResponses: {} });
  expect(answer.result.inputRequests.who).toBeDefined();
  expect(answer.result.requestState).not.toBe(retry.requestState);
  const { requestState } = answer.result;
  expect(textOf(await post(both.url, 'form', { ...retry, requestState }))).toBe('Ann, state "é", 1');
});

test('a retry that is repeated is executed once, while it runs and afterwards', async () => {
  await using both = await pair();
  const retry = await ask(both.url, 'work');
  const [first, second] = [post(both.url, 'work', retry), post(both.url, 'work', retry)];
  await waitUntil('it runs', () => both.server.resumed('work') === 1);
  await settle();
  both.server.finish();
  const texts = [textOf(await first), textOf(await second), textOf(await post(both.url, 'work', retry))];
  expect(texts).toEqual(Array(3).fill('Ann, state "é", 1'));
  const other = { ...retry, inputResponses: { who: { action: 'decline' } } };
  expect((await post(both.url, 'work', other)).answer.error).toMatchObject({ code: -32602 });
});

test('a call that asks without end fails after ten rounds', async () => {
  await using both = await pair();
  let { answer } = await post(both.url, 'forever');
  let rounds = 0;
  for (; answer.result !== undefined; rounds++)
    ({ answer } = await post(both.url, 'forever', { requestState: answer.result.requestState }));
  expect(rounds).toBe(10);
  expect(answer.error.message).toContain('asked for input more than 10 times');
});

describe('when something ends in the middle', () => {
  test('a server that is gone fails the retry, which works again when it is back', async () => {
    await using both = await pair();
    const retry = await ask(both.url, 'form');
    await both.server.stop();
    const { answer } = await within('the answer', post(both.url, 'form', retry));
    expect(answer.error).toMatchObject({ code: -32603, data: { server: 'up' } });
    await both.server.start();
    await both.gateway.connected();
    expect(textOf(await post(both.url, 'form', retry))).toBe('Ann, state "é", 1');
  });

  test('a client that disconnects from a retry finds the same call again', async () => {
    await using both = await pair();
    const retry = await ask(both.url, 'work');
    const abort = new AbortController();
    const params = paramsOf('work', retry);
    const gone = askModern(both.url, 'tools/call', { params, signal: abort.signal });
    gone.catch(() => {});
    await waitUntil('it runs', () => both.server.resumed('work') === 1);
    await settle();
    abort.abort();
    const parked = async () => (await both.gateway.metrics()).value('mcpstead_parked_calls');
    await waitUntil('the client is gone', async () => (await parked()) === 1);
    expect(both.server.cancelled()).toBe(0);
    const again = post(both.url, 'work', retry);
    await waitUntil('it is back', async () => (await parked()) === 0);
    both.server.finish();
    expect(textOf(await again)).toBe('Ann, state "é", 1');
  });

  test('a gateway that stops cancels what its clients have left', async () => {
    await using both = await pair();
    const retry = await ask(both.url, 'work');
    const gone = post(both.url, 'work', retry);
    await waitUntil('it runs', () => both.server.resumed('work') === 1);
    await both.gateway.gateway.stop();
    expect((await within('the answer', gone)).answer.error).toMatchObject({ code: -32603 });
    await waitUntil('the server is told', () => both.server.cancelled() === 1);
  });
});

describe('a server that asks as it must not', () => {
  const asksFor = (result: object) => ({ resultType: 'input_required', ...result });
  const question = { method: 'elicitation/create', params: { message: 'm', requestedSchema: {} } };

  test.each([
    ['nothing', {}, 'neither inputRequests nor a requestState'],
    ['by another method', { inputRequests: { k: { method: 'tools/call', params: {} } } }, 'an input request'],
    ['with a state of 17 KiB', { requestState: 'x'.repeat(17 * 1024) }, 'at most 16384 are passed on'],
    ['with a state that is no text', { requestState: { a: 1 } }, 'a requestState that is not a string'],
  ])('for %s fails its call', async (_, result, problem) => {
    await using server = startRawModern(() => asksFor(result));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    expect((await post(gateway.url, 'tool')).answer.error).toMatchObject({
      code: -32603,
      message: expect.stringContaining(problem),
      data: { server: 'up', reason: 'upstream_protocol_error' },
    });
  });

  test.each([
    [{}, question, { elicitation: {} }],
    [
      { elicitation: {} },
      { ...question, params: { mode: 'url', message: 'm', url: 'u' } },
      { elicitation: { url: {} } },
    ],
    [
      { sampling: {} },
      { method: 'sampling/createMessage', params: { tools: [] } },
      { sampling: { tools: {} } },
    ],
  ])('without the capability fails its call with -32021: %p', async (capabilities, asked, lacking) => {
    await using server = startRawModern(() => asksFor({ inputRequests: { k: asked } }));
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const { status, answer } = await post(gateway.url, 'tool', {}, capabilities);
    expect(status).toBe(400);
    expect(answer.error).toMatchObject({ code: -32021, data: { requiredCapabilities: lacking } });
  });

  test('may have a state of 16 KiB', async () => {
    const state = 'x'.repeat(16 * 1024);
    await using server = startRawModern((params) =>
      params.requestState === state
        ? { resultType: 'complete', content: [] }
        : asksFor({ requestState: state }),
    );
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const { requestState } = (await post(gateway.url, 'tool')).answer.result;
    expect((await post(gateway.url, 'tool', { requestState })).answer.result.resultType).toBe('complete');
  });
});
