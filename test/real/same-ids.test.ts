import { expect, setDefaultTimeout, test } from 'bun:test';
import { startEverything } from '../support/everything.ts';
import { startGateway } from '../support/gateway.ts';
import { askModern } from '../support/modern-rpc.ts';
import { RawSession, type RpcMessage } from '../support/rpc.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { startSdkV2Modern } from '../support/sdk-v2.ts';

setDefaultTimeout(30_000);

// Sent on as they come, equal ids in flight make server-everything (and every server on an MCP SDK) deliver
// one client's answer to the other, or to nobody.

const transports = ['streamableHttp', 'sse'] as const;

/** Calls the tool with a number of steps, always with the same id and progress token. */
async function takeSteps(session: RawSession, steps: number) {
  const params = {
    name: 'up__trigger-long-running-operation',
    arguments: { duration: 0.01, steps },
    _meta: { progressToken: 'same token' },
  };
  const { answer, before } = await session.request('tools/call', params, 'same id');
  return {
    id: answer.id,
    text: answer.result?.content[0].text,
    progress: before.map(({ params }) => [params.progressToken, params.progress, params.total]),
  };
}

test.each(transports)(
  'two clients with equal ids and tokens get their own answers over %s, 100 times',
  async (transport) => {
    await using server = await startEverything(transport);
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using first = await RawSession.open(gateway.url);
    await using second = await RawSession.open(gateway.url);
    for (let round = 1; round <= 100; round++) {
      const answers = await Promise.all([takeSteps(first, 2), takeSteps(second, 3)]);
      expect(answers, `round ${round}`).toEqual([
        {
          id: 'same id',
          text: 'Long running operation completed. Duration: 0.01 seconds, Steps: 2.',
          progress: [
            ['same token', 1, 2],
            ['same token', 2, 2],
          ],
        },
        {
          id: 'same id',
          text: 'Long running operation completed. Duration: 0.01 seconds, Steps: 3.',
          progress: [
            ['same token', 1, 3],
            ['same token', 2, 3],
            ['same token', 3, 3],
          ],
        },
      ]);
    }
  },
  60_000,
);

test.each(transports)(
  'fifty concurrent clients with one id get their own answers over %s',
  async (transport) => {
    await using server = await startEverything(transport);
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    const sessions = await Promise.all(Array.from({ length: 50 }, () => RawSession.open(gateway.url)));
    const answers = await Promise.all(
      sessions.map(async (session, index) => {
        const params = { name: 'up__echo', arguments: { message: `client ${index}` } };
        return (await session.request('tools/call', params, 1)).answer.result?.content[0].text;
      }),
    );
    expect(answers).toEqual(sessions.map((_, index) => `Echo: client ${index}`));
    await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()));
  },
  30_000,
);

test.each([
  ['legacy', startSdkV1],
  ['modern', startSdkV2Modern],
])(
  'clients of both eras with equal ids and tokens get their own answers from a %s server',
  async (_, start) => {
    await using server = await start();
    await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
    await gateway.connected();
    await using session = await RawSession.open(gateway.url);
    const paramsOf = (steps: number) => ({
      name: 'up__steps',
      arguments: { steps },
      _meta: { progressToken: 'same token' },
    });
    const seen = ({ before, answer }: { before: RpcMessage[]; answer: RpcMessage }) => ({
      id: answer.id,
      text: answer.result?.content[0].text,
      progress: before.map(({ params }) => [params.progressToken, params.progress]),
    });
    const stepsTo = (steps: number) => ({
      id: 'same id',
      text: `${steps} steps done`,
      progress: Array.from({ length: steps }, (_step, index) => ['same token', index + 1]),
    });
    const modern = (steps: number) =>
      askModern(gateway.url, 'tools/call', { params: paramsOf(steps), id: 'same id' });
    const legacy = (steps: number) => session.request('tools/call', paramsOf(steps), 'same id');
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all([legacy(1), modern(2), legacy(3), modern(4)]);
      expect(answers.map(seen), `round ${round}`).toEqual([1, 2, 3, 4].map(stepsTo));
    }
  },
);
