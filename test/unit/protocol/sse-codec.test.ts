import { describe, expect, test } from 'bun:test';
import { type SseEvent, SseParser, SseTooLargeError, sseMessage } from '../../../src/protocol/sse-codec.ts';
import { Random } from '../../support/random.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => new SseParser(1_000).push(bytes(text));

describe('a stream of events', () => {
  test('yields the type, data and id of each event', () => {
    expect(parse('event: note\nid: 7\ndata: one\n\ndata: two\n\n')).toEqual([
      { event: 'note', data: 'one', id: '7' },
      { event: 'message', data: 'two', id: '7' },
    ]);
  });

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('may end its lines with %s', (_name, end) => {
    expect(parse(`data: one${end}data: two${end}${end}`)).toEqual([
      { event: 'message', data: 'one\ntwo', id: '' },
    ]);
  });

  test('may begin with a byte order mark and have fields without a space or a value', () => {
    expect(parse('\ufeffdata:one\n\ndata\n\n')).toEqual([
      { event: 'message', data: 'one', id: '' },
      { event: 'message', data: '', id: '' },
    ]);
  });

  test('skips comments, unknown fields and events without data', () => {
    expect(parse(': hello\nother: x\nevent: nothing\n\n:\ndata: one\n\n')).toEqual([
      { event: 'message', data: 'one', id: '' },
    ]);
  });

  test('drops only one space after the colon', () => {
    expect(parse('data:  two blanks\n\n')).toEqual([{ event: 'message', data: ' two blanks', id: '' }]);
  });

  test('drops an incomplete last event', () => {
    expect(parse('data: one\n\ndata: half\n')).toEqual([{ event: 'message', data: 'one', id: '' }]);
  });

  test('sets the retry delay, in whole milliseconds only', () => {
    const parser = new SseParser(1_000);
    expect(parser.retryMs).toBeNull();
    parser.push(bytes('retry: 250\nretry: soon\nretry: -1\n\n'));
    expect(parser.retryMs).toBe(250);
  });

  test('ignores an id that contains a null character', () => {
    expect(parse('id: a\0b\ndata: one\n\n')).toEqual([{ event: 'message', data: 'one', id: '' }]);
  });
});

describe('the limit of an event', () => {
  test.each([
    ['one long line', 'data: ', 'x'.repeat(200)],
    ['many short lines', '', 'data: x\n'.repeat(20)],
    ['lines with nothing in them', '', 'data\n'.repeat(4)],
    ['fields that carry nothing', '', 'other: x\n'.repeat(20)],
  ])('holds for %s', (_name, head, rest) => {
    const parser = new SseParser(100);
    parser.push(bytes(head));
    expect(() => parser.push(bytes(rest))).toThrow(SseTooLargeError);
  });

  test('does not count earlier events and comments', () => {
    const parser = new SseParser(100);
    let events = 0;
    for (let round = 0; round < 1_000; round++) {
      events += parser.push(bytes(`: ${'c'.repeat(80)}\ndata: ${'x'.repeat(80)}\n\n`)).length;
    }
    expect(events).toBe(1_000);
  });
});

test('an event may have thousands of lines', () => {
  for (const count of [4_095, 4_096, 4_097, 20_000]) {
    const lines = Array.from({ length: count }, (_, i) => String(i));
    const text = lines.map((line) => `data: ${line}\n`).join('');
    const events = new SseParser(10_000_000).push(bytes(`data: first\n\n${text}\ndata: last\n\n`));
    expect(events.map(({ data }) => data === lines.join('\n'))).toEqual([false, true, false]);
  }
});

test('chunks of any size yield the same events', () => {
  const random = new Random(5);
  const lines = [
    ...['data: {"a":1}', 'data:é😀', 'data', 'event: custom', 'event:', 'id: 12', 'id', 'retry: 10'],
    ...[': comment', ':', 'nonsense', 'data: \ufeffx', ' data: blank first'],
  ];
  for (let round = 0; round < 1_500; round++) {
    const end = random.pick(['\n', '\r\n', '\r']);
    const mixed = () => (random.below(4) > 0 ? end : random.pick(['\n', '\r\n', '\r']));
    let text = random.pick(['', '\ufeff']);
    for (let line = random.below(20); line > 0; line--) {
      text += (random.below(3) > 0 ? random.pick(lines) : '') + mixed();
    }
    const whole = bytes(text);
    const expected = new SseParser(10_000).push(whole);
    const parser = new SseParser(10_000);
    const events: SseEvent[] = [];
    for (let at = 0; at < whole.length; ) {
      const next = at + random.below(6);
      events.push(...parser.push(whole.subarray(at, next)));
      at = next;
    }
    expect(events, JSON.stringify(text)).toEqual(expected);
  }
});

// A parser that searches the rest again after each comment needs hours.
test.each([
  ['CR', ':\r'],
  ['LF', ':\n'],
])('two million comments that end with %s are skipped in one pass', (_, comment) => {
  const parser = new SseParser(10_000);
  expect(parser.pushText(comment.repeat(2_000_000))).toEqual([]);
});

test('a message becomes one event, whatever line breaks its JSON text has', () => {
  const json = '{\r\n  "a":\n\n[1,\r2]}';
  const events = parse(sseMessage(json));
  expect(events.map(({ event }) => event)).toEqual(['message']);
  expect(JSON.parse(events[0]?.data ?? '')).toEqual({ a: [1, 2] });
});
