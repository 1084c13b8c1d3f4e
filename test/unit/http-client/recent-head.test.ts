import { describe, expect, test } from 'bun:test';
import { RecentHead } from '../../../src/http-client/recent-head.ts';
import type { ResponseHead } from '../../../src/http-client/response-head.ts';
import { ResponseParser } from '../../../src/http-client/response-parser.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

/** The heads that connections to one server find in their responses, each in the pieces in which it comes. */
function headsOf(responses: readonly (readonly string[])[], parsers = 1): ResponseHead[] {
  const heads: ResponseHead[] = [];
  const recent = new RecentHead();
  const sink = { onHead: (head: ResponseHead) => void heads.push(head), onData() {}, onEnd() {} };
  const connections = Array.from({ length: parsers }, () => new ResponseParser(sink, recent));
  responses.forEach((pieces, index) => {
    const parser = connections[index % parsers] as ResponseParser;
    parser.expect();
    for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
  });
  return heads;
}

const lengths = (heads: readonly ResponseHead[]) => heads.map(({ contentLength }) => contentLength);

describe('a head like the one before', () => {
  test('is not parsed again', () => {
    const [first, second] = headsOf([
      [`${ok}Content-Length: 2\r\n\r\n{}`],
      [`${ok}Content-Length: 2\r\n\r\n[]`],
    ]);
    expect(second).toBe(first as ResponseHead);
  });

  test('is not parsed again where the one before came over another connection', () => {
    const same = [`${ok}Content-Length: 2\r\n\r\n{}`];
    const [first, second] = headsOf([same, same], 2);
    expect(second).toBe(first as ResponseHead);
  });

  test('is found where it stands after an interim one', () => {
    const same = `${ok}Content-Length: 2\r\n\r\n{}`;
    const heads = headsOf([[same], [`HTTP/1.1 100 Continue\r\n\r\n${same}`], [same]]);
    expect(lengths(heads)).toEqual([2, 2, 2]);
  });

  test('is found wherever it is cut in two', () => {
    const same = `${ok}Content-Length: 2\r\n\r\n{}`;
    for (let at = 1; at < same.length; at++) {
      const heads = headsOf([[same], [same.slice(0, at), same.slice(at)], [same]]);
      expect(lengths(heads)).toEqual([2, 2, 2]);
    }
  });
});

describe('a head unlike the one before', () => {
  test.each([
    ['by its last byte', `${ok}Content-Length: 3\r\n\r\n{ }`, 3],
    ['by one more line', `${ok}Content-Length: 2\r\nX: y\r\n\r\n{}`, 2],
    ['by the end of its lines', `${ok}Content-Length: 4\n\n1234`, 4],
    ['by being shorter', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345', 5],
  ])('%s is parsed', (_how, response, length) => {
    const [first, second, third] = headsOf([[`${ok}Content-Length: 2\r\n\r\n{}`], [response], [response]]);
    expect(second).not.toBe(first as ResponseHead);
    expect(second?.contentLength).toBe(length);
    expect(third).toBe(second as ResponseHead);
  });

  test('tells the length of its own body', () => {
    const bodies = ['', '1', '12', '123', '12', '1'];
    const heads = headsOf(bodies.map((body) => [`${ok}Content-Length: ${body.length}\r\n\r\n${body}`]));
    expect(lengths(heads)).toEqual([0, 1, 2, 3, 2, 1]);
  });
});

test('a long head is parsed each time', () => {
  const long = `${ok}X: ${'x'.repeat(600)}\r\nContent-Length: 2\r\n\r\n{}`;
  const [first, second] = headsOf([[long], [long]]);
  expect(second).toEqual(first as ResponseHead);
  expect(second).not.toBe(first as ResponseHead);
});

test('heads like the one before count against the bound of interim ones, too', () => {
  const interim = `HTTP/1.1 103 Early Hints\r\nX: ${'x'.repeat(300)}\r\n\r\n`;
  expect(() => headsOf([[interim.repeat(300)]])).toThrow('answered with too long a head');
});
