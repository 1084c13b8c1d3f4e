import { expect, test } from 'bun:test';
import { Abort } from '../../../src/abort.ts';
import type { UpstreamFailure } from '../../../src/upstream/failure.ts';
import { SseTransport } from '../../../src/upstream/transport/sse.ts';
import { httpClient, unaborted } from '../../support/http-client.ts';
import { type RawRequest, rawServer } from '../../support/raw-server.ts';
import { failOnStrayErrors } from '../../support/stray-errors.ts';

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
  const events = { onMessage: () => undefined, onClosed() {}, onSuspect() {} };
  const transport = new SseTransport(client, server.origin, events, () => false);
  await transport.open(unaborted);
  const told: string[] = [];
  const abort = new Abort();
  transport.request(7, '{}', abort, {
    onAnswer: ({ text }) => void told.push(text),
    onFailure: (reason) => void told.push((reason as UpstreamFailure).kind),
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

test('a request is told its answer once, though its POST fails after that, and the stream ends', async () => {
  await using played = await playedTransport();
  await played.write('stream', answer);
  expect(played.told).toEqual(['{"a":1}']);
  await played.write('post', 'HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n');
  await played.write('stream', answer);
  played.abort.abort();
  await played.endStream();
  expect(played.told).toEqual(['{"a":1}']);
});

test('a request is told once that its POST failed, though its answer comes after that', async () => {
  await using played = await playedTransport();
  await played.write('post', 'HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n');
  expect(played.told).toEqual(['protocol']);
  await played.write('stream', answer);
  await played.endStream();
  expect(played.told).toEqual(['protocol']);
});

test('a request is told once that the stream ended', async () => {
  await using played = await playedTransport();
  await played.write('post', 'HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n');
  await played.endStream();
  played.abort.abort();
  expect(played.told).toEqual(['broken']);
});
