import { describe, expect, test } from 'bun:test';
import { sse, sseEvent } from '../support/answers.ts';
import { type EventChannel, eventChannel } from '../support/event-channel.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { messagesOf, RawSession, type RpcMessage } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { waitUntil, within } from '../support/wait.ts';

// Servers of the legacy era that ask more than anybody could answer.

failOnStrayErrors();

const form = { message: 'more?', requestedSchema: { type: 'object', properties: {} } };
const question = (id: number) => ({ jsonrpc: '2.0', id, method: 'elicitation/create', params: form });
const capabilities = { elicitation: { form: {} } };
const count = 3_000;

/** A server whose tool asks thousands of times at once, and answers when the test says so. */
async function start() {
  const streams: EventChannel[] = [];
  const upstream = await fakeUpstream({
    onPost({ id, method, params }) {
      if (method !== 'tools/call') return undefined;
      if (params.arguments.plain)
        return sse(sseEvent({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'plain' }] } }));
      const stream = eventChannel();
      streams.push(stream);
      for (let n = 1; n <= count; n++) stream.send(question(n));
      return stream.response;
    },
  });
  const gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  await gateway.connected();
  const answers = () =>
    upstream.received.filter(({ message }) => message.method === undefined && message.id !== undefined);
  return {
    gateway,
    upstream,
    refused: () => answers().filter(({ message }) => message.error?.code === -32602).length,
    answered: () => answers().filter(({ message }) => message.result !== undefined).length,
    expired: () => answers().filter(({ message }) => message.error?.code === -32603).length,
    finish() {
      const call = upstream.messages('tools/call').findLast(({ params }) => !params.arguments.plain);
      streams
        .at(-1)
        ?.send({ jsonrpc: '2.0', id: call?.id, result: { content: [{ type: 'text', text: 'over' }] } });
      streams.at(-1)?.end();
    },
    async [Symbol.asyncDispose]() {
      await gateway.gateway.stop();
      await upstream.stop();
    },
  };
}

const plain = { name: 'up__echo', arguments: { plain: true } };
const endless = { name: 'up__echo', arguments: {} };

describe('a server that asks thousands of times at once', () => {
  test('has a hundred questions asked to a legacy client, and the others refused at once', async () => {
    await using all = await start();
    await using session = await RawSession.open(all.gateway.url, { capabilities });
    const messages = messagesOf(
      await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: endless }),
    );
    await waitUntil('the refusals', () => all.refused() === count - 100);
    expect((await session.request('tools/call', plain)).answer.result.content[0].text).toBe('plain');
    all.finish();
    const got: RpcMessage[] = await within('the answer', Array.fromAsync(messages));
    expect(got.filter(({ method }) => method === 'elicitation/create')).toHaveLength(100);
    expect(got.at(-1)?.result.content[0].text).toBe('over');
    await waitUntil('the ends of the others', () => all.expired() === 100);
    const page = await all.gateway.metrics();
    const counted = (result: string) =>
      page.value('mcpstead_client_requests_total', { kind: 'elicitation', result });
    expect([counted('refused'), counted('expired')]).toEqual([count - 100, 100]);
  });

  test('has a hundred questions asked to a modern client, in one request', async () => {
    await using all = await start();
    const meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities };
    const post = (params: object) =>
      askModern(all.gateway.url, 'tools/call', { params: { ...params, _meta: meta } });
    const { answer } = await within('the questions', post(endless));
    await waitUntil('the refusals', () => all.refused() === count - 100);
    const { requestState, inputRequests } = answer.result;
    expect(Object.keys(inputRequests)).toHaveLength(100);
    expect((await post(plain)).answer.result.content[0].text).toBe('plain');
    const accepted = { action: 'accept', content: {} };
    const inputResponses = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, accepted]));
    const retry = post({ ...endless, requestState, inputResponses });
    await waitUntil('the answers', () => all.answered() === 100);
    all.finish();
    expect((await within('the answer', retry)).answer.result.content[0].text).toBe('over');
    expect((await all.gateway.metrics()).value('mcpstead_parked_calls')).toBe(0);
  });
});
