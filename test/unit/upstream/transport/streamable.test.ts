import { describe, expect, test } from 'bun:test';
import type { Message } from '../../../../src/protocol/messages.ts';
import { textOf } from '../../../../src/runtime/owned-bytes.ts';
import { StreamableTransport } from '../../../../src/upstream/transport/streamable.ts';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { type RawRequest, rawServer } from '../../../support/raw-server.ts';
import { failOnStrayErrors } from '../../../support/stray-errors.ts';

failOnStrayErrors();

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const end = '0\r\n\r\n';
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (message: object) => `event: message\ndata: ${JSON.stringify(message)}\n\n`;

const answer = event({ jsonrpc: '2.0', id: 7, result: { a: 'é' } });
const progress = event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 1 } });
const primer = 'id: 1\ndata:\n\n';

function cutWithinCharacter(): (string | Buffer)[] {
  const bytes = Buffer.from(head + chunk(answer) + end);
  const at = bytes.indexOf('é') + 1;
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Writes pieces so far apart that each comes alone. */
async function write({ socket }: RawRequest, pieces: readonly (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece);
    await Bun.sleep(10);
  }
}

/** What a transport makes of the pieces of an answer to the request 7: messages, and the answer, in order. */
async function takenFrom(pieces: readonly (string | Buffer)[]): Promise<string[]> {
  using server = await rawServer((request) => write(request, pieces));
  await using client = httpClient(server.origin);
  const taken: string[] = [];
  const onMessage = (message: Message) => void taken.push(message.kind);
  const transport = new StreamableTransport(
    client,
    'legacy',
    { onMessage, onClosed() {}, onSuspect() {}, onDeaf() {} },
    () => false,
  );
  const ask = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    transport.request(7, '{}', unaborted, {
      resolve({ payload }) {
        taken.push(textOf(payload));
        resolve();
      },
      reject,
      begin() {},
      defer: () => reject(new Error('deferred')),
    });
    return promise;
  };
  for (let round = 0; round < 2; round++) {
    await ask();
    // The rest of the stream.
    await Bun.sleep(50);
  }
  expect(server.connections()).toBe(1);
  expect(taken.slice(taken.length / 2)).toEqual(taken.slice(0, taken.length / 2));
  return taken.slice(taken.length / 2);
}

describe('an answer as an event', () => {
  test.each([
    ['with head and end at once', [head + chunk(answer) + end]],
    ['after the head, with the end', [head, chunk(answer) + end]],
    ['with the head, before the end', [head + chunk(answer), end]],
    ['alone', [head, chunk(answer), end]],
    ['in two pieces', [head + chunk(answer.slice(0, 30)), chunk(answer.slice(30)) + end]],
    ['in two chunks of one piece', [head + chunk(answer.slice(0, 30)) + chunk(answer.slice(30)) + end]],
    ['cut within a character', cutWithinCharacter()],
    ['after a priming event', [head, chunk(primer) + chunk(answer) + end]],
    ['after a priming event in the same chunk', [head, chunk(primer + answer) + end]],
    ['before an event of [DONE]', [head, chunk(`${answer}data: [DONE]\n\n`) + end]],
  ])('that comes %s is taken, and its connection used again', async (_how, pieces) => {
    expect(await takenFrom(pieces)).toEqual(['{"a":"é"}']);
  });

  test('is none where a blank stands before its field, even in a piece of its own', async () => {
    const pieces = [head, chunk(' '), chunk(answer.replace(/^event.*\n/, '')) + end];
    await expect(takenFrom(pieces)).rejects.toThrow('ended its stream without an answer');
  });

  test.each([
    ['at once', [head + chunk(progress + answer) + end]],
    ['in chunks of their own', [head, chunk(progress) + chunk(answer) + end]],
    ['one by one', [head, chunk(progress), chunk(answer), end]],
  ])('comes after the messages before it, sent %s', async (_how, pieces) => {
    expect(await takenFrom(pieces)).toEqual(['notification', '{"a":"é"}']);
  });

  test.each([
    ['in the same chunk', [head, chunk(answer + progress) + end]],
    ['later', [head, chunk(answer), chunk(progress), end]],
  ])('does not keep messages from coming that are sent after it, %s', async (_how, pieces) => {
    expect(await takenFrom(pieces)).toEqual(['{"a":"é"}', 'notification']);
  });
});
