import { describe, expect, test } from 'bun:test';
import { type Line, LineSplitter, OverlongLine } from '../../../src/process/line-splitter.ts';
import { OwnedBytes } from '../../../src/runtime/owned-bytes.ts';

function textOf(line: Line): string {
  if (line instanceof OverlongLine) return `too long: ${line.length}`;
  return line instanceof OwnedBytes ? line.toString() : Buffer.from(line).toString();
}
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));

/** The lines of chunks, and what has no end. */
function split(chunks: readonly Uint8Array[], maxBytes = 100): string[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => splitter.push(chunk).map(textOf));
  const last = splitter.end();
  return last === null ? lines : [...lines, `unended ${textOf(last)}`];
}

describe('lines', () => {
  test.each([
    ['a\nb\n', ['a', 'b']],
    ['a\r\n\r\nb\rc\n', ['a', '', 'b\rc']],
    ['\n\n', ['', '']],
    ['a\nb', ['a', 'unended b']],
    ['', []],
  ])('of %j are %j', (text, lines) => {
    expect(split([bytesOf(text)])).toEqual(lines);
  });

  test('are the same however the bytes are cut, also within characters and before the line feed', () => {
    const text = 'größer € 😀\r\n\nzweite\n';
    const bytes = bytesOf(text);
    for (let at = 0; at <= bytes.length; at++)
      expect(split([bytes.slice(0, at), bytes.slice(at)])).toEqual(['größer € 😀', '', 'zweite']);
    expect(split([...bytes].map((byte) => new Uint8Array([byte])))).toEqual(['größer € 😀', '', 'zweite']);
  });

  test('of bytes that are not UTF-8 are not touched', () => {
    const [line] = new LineSplitter(100).push(new Uint8Array([0xff, 0x80, 0x0a]));
    expect(line).toEqual(new Uint8Array([0xff, 0x80]));
  });

  test('may be as long as the limit', () => {
    const long = 'x'.repeat(100);
    expect(split([bytesOf(`${long}\nb\n`)])).toEqual([long, 'b']);
    expect(split([bytesOf(long.slice(50)), bytesOf(long.slice(50)), bytesOf('\nb\n')])).toEqual([long, 'b']);
  });
});

describe('a line over the limit', () => {
  test.each([1, 7, 50, 1_000])('is skipped alone, in chunks of %d bytes, and its ends are kept', (size) => {
    const text = `a\n{"id":1,${'x'.repeat(5_000)},"end":2}\nb\n`;
    const bytes = bytesOf(text);
    const splitter = new LineSplitter(100);
    const lines: Line[] = [];
    for (let at = 0; at < bytes.length; at += size)
      lines.push(
        ...splitter
          .push(bytes.slice(at, at + size))
          .map((line) => (line instanceof OwnedBytes || line instanceof OverlongLine ? line : line.slice())),
      );
    expect(lines.map(textOf)).toEqual(['a', 'too long: 5017', 'b']);
    const overlong = lines[1] as OverlongLine;
    expect([overlong.head.slice(0, 8), overlong.tail.slice(-8)]).toEqual(['{"id":1,', '"end":2}']);
    expect(overlong.tail.length).toBeLessThanOrEqual(1_024);
  });

  test('without an end is reported at the end', () => {
    expect(split([bytesOf('x'.repeat(101))])).toEqual(['unended too long: 101']);
  });

  test('is also one that the caller has no room for', () => {
    const splitter = new LineSplitter(100);
    expect(splitter.push(bytesOf('begun'))).toEqual([]);
    splitter.skip();
    expect(splitter.push(bytesOf(' and on\nnext\n')).map(textOf)).toEqual(['too long: 12', 'next']);
  });
});
