import { expect, test } from 'bun:test';
import type { Message } from '../../../../src/protocol/messages.ts';
import { Abort } from '../../../../src/runtime/abort.ts';
import { textOf } from '../../../../src/runtime/owned-bytes.ts';
import { UpstreamFailure } from '../../../../src/upstream/failure.ts';
import { SseTransport } from '../../../../src/upstream/transport/sse.ts';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { type RawRequest, rawServer } from '../../../support/raw-server.ts';
import { failOnStrayErrors } from '../../../support/stray-errors.ts';

failOnStrayErrors();

const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const endpoint = 'event: endpoint\ndata: /messages\n\n';
const answer = 'data: {"jsonrpc":"2.0","id":7,"result":{"a":1}}\n\n';

/** The transport to a server that a test plays: its stream, and the POST of the request 7; and what is told of that. */
async function playedTransport() {
  const requests: RawRequest[] = [];
  const server = await rawServer((request) => {
    requests.push(request);
    if (request.method === 'GET') request.socket.write(streamHead + endpoint);
  });
  const client = httpClient(server.origin);
  const told: string[] = [];
  const events = {
    onMessage: (message: Message) =>
      void told.push(message.kind === 'response' ? textOf(message.payload) : message.kind),
    onClosed: () => void told.push('closed'),
    onSuspect() {},
    onDeaf() {},
  };
  const transport = new SseTransport(client, server.origin, events, () => false);
  await transport.open(unaborted);
  const abort = new Abort();
  transport.request(7, '{}', abort, {
    resolve: ({ payload }) => void told.push(textOf(payload)),
    reject: (reason) => void told.push((reason as UpstreamFailure).kind),
    begin() {},
    defer: () => void told.push('accepted'),
  });
  while (requests.length < 2) await Bun.sleep(1);
  return {
    told,
    abort,
    /** Writes to the stream, or to the POST. */
    async write(where: 'stream' | 'post', text: string) {
      requests[where === 'stream' ? 0 : 1]?.socket.write(text);
      await Bun.sleep(20);
    },
    async endStream() {
      requests[0]?.socket.end();
      await Bun.sleep(20);
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      await client[Symbol.asyncDispose]();
      server[Symbol.dispose]();
    },
  };
}

test('an answer comes as a message, whatever becomes of the POST', async () => {
  await using played = await playedTransport();
  await played.write('stream', answer);
  expect(played.told).toEqual(['{"a":1}']);
  await played.write('post', 'HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n');
  expect(played.told).toEqual(['{"a":1}', 'protocol']);
});

test('a request is told that its POST was accepted', async () => {
  await using played = await playedTransport();
  await played.write('post', 'HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n');
  expect(played.told).toEqual(['accepted']);
});

test('a request is told that its POST was given up', async () => {
  await using played = await playedTransport();
  played.abort.abort(new UpstreamFailure('timeout', 'late'));
  await Bun.sleep(20);
  expect(played.told).toEqual(['timeout']);
});

test('the end of the stream is told once', async () => {
  await using played = await playedTransport();
  await played.write('post', 'HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n');
  await played.endStream();
  expect(played.told).toEqual(['accepted', 'closed']);
});

test('what is no message is told as such, and the stream goes on', async () => {
  await using played = await playedTransport();
  await played.write('stream', `data: ping\n\ndata: {"type":"heartbeat"}\n\n${answer}`);
  expect(played.told).toEqual(['invalid', 'invalid', '{"a":1}']);
});
