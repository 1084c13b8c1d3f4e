import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { HttpResponse } from '../../../../src/http-client/response.ts';
import { SseParser } from '../../../../src/protocol/sse-codec.ts';
import { bodyBudget } from '../../../../src/runtime/byte-budget.ts';
import { readEvents } from '../../../../src/upstream/transport/read-events.ts';
import { httpClient, unaborted } from '../../../support/http-client.ts';
import { rawServer } from '../../../support/raw-server.ts';
import { failOnStrayErrors } from '../../../support/stray-errors.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const ok = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const event = (data: string) => `data: ${data}\n\n`;
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe('the events of a stream', () => {
  test('are taken in order, those that came with its beginning first', async () => {
    using server = await rawServer(({ socket }) => {
      socket.write(`${ok}${chunk(event('c'))}${chunk(event('d'))}0\r\n\r\n`);
    });
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    const taken: string[] = [];
    const head = event('a') + event('b');
    await readEvents(new SseParser(1_000), head, response, ({ data }) => void taken.push(data));
    expect(taken).toEqual(['a', 'b', 'c', 'd']);
  });

  test('wait until the one before is taken', async () => {
    const log: string[] = [];
    const head = event('a') + event('b');
    await readEvents(new SseParser(1_000), head, null, async ({ data }) => {
      log.push(`${data} begins`);
      await Bun.sleep(5);
      log.push(`${data} ends`);
    });
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test.each([
    ['data: {"a":1}', ['{"a":1}']],
    ['data: {"a":1}\n', ['{"a":1}']],
    ['data: {"a":1}\r', ['{"a":1}']],
    ['id: 7\r\ndata: {"a":\r\ndata: 1}', ['{"a":\n1}']],
    ['data: {"a":', []],
    ['data: {"a":1}\n\nid: 8', ['{"a":1}']],
    ['data: ping', []],
  ])('count where the end of the stream cuts one off that is whole: %j', async (text, data) => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}${chunk(text)}0\r\n\r\n`));
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    const taken: string[] = [];
    await readEvents(new SseParser(1_000), '', response, (event) => void taken.push(event.data));
    expect(taken).toEqual(data);
  });

  test('do not count where the stream breaks off within one', async () => {
    using server = await rawServer(({ socket }) => {
      socket.write(`${ok}${chunk('data: {"a":1}')}`);
      setTimeout(() => socket.end(), 20);
    });
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    const taken: string[] = [];
    const reading = readEvents(new SseParser(1_000), '', response, (event) => void taken.push(event.data));
    await expect(reading).rejects.toThrow();
    expect(taken).toEqual([]);
  });

  test('let all others have their turn, however many came at once', async () => {
    const events = 50_000;
    let taken = 0;
    const takenAtTurn: number[] = [];
    const turn = () => {
      takenAtTurn.push(taken);
      if (taken < events) setImmediate(turn);
    };
    setImmediate(turn);
    await readEvents(new SseParser(1_000), event('x').repeat(events), null, () => {
      taken++;
      // A little work each.
      for (let i = 0; i < 100; i++) Math.sqrt(i);
      return undefined;
    });
    expect(takenAtTurn.length).toBeGreaterThan(3);
    expect(taken).toBe(events);
  });

  test('that come in many small chunks are read many at a time', async () => {
    using server = await rawServer(({ socket }) => {
      socket.write(`${ok}${chunk(event('x')).repeat(1_000)}0\r\n\r\n`);
    });
    await using client = httpClient(server.origin);
    const response = await client.fetch({ method: 'GET', signal: unaborted });
    // All of them are there.
    await Bun.sleep(100);
    const pieces: Uint8Array[] = [];
    for (let piece = await response.read(); piece; piece = await response.read()) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(event('x').repeat(1_000));
    expect(pieces.length).toBeLessThan(20);
  });
});

describe('a stream of comments', () => {
  /** Brings the piece so many times, without a pause. */
  const bringing = (piece: string, times: number, end: () => Promise<null> = async () => null) => {
    let left = times;
    return { read: () => (left-- > 0 ? Promise.resolve(Buffer.from(piece)) : end()) } as HttpResponse;
  };

  test('lets others have their turn', async () => {
    let turns = 0;
    let over = false;
    const count = () => {
      turns++;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await readEvents(new SseParser(1_000), '', bringing(':\n'.repeat(10_000), 100), () => undefined);
    over = true;
    expect(turns).toBeGreaterThan(10);
  });

  test('holds nothing while it brings nothing', async () => {
    const quiet = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<null>();
    const response = bringing(':\n'.repeat(100_000), 1, () => {
      quiet.resolve();
      return ended.promise;
    });
    const before = bodyBudget.bytes;
    const reading = readEvents(new SseParser(1_000), '', response, () => undefined);
    await quiet.promise;
    expect(bodyBudget.bytes).toBe(before);
    ended.resolve(null);
    await reading;
  });
});
