import { describe, expect, test } from 'bun:test';
import { longValues } from '../../../src/json/long-values.ts';
import { ObjectText } from '../../../src/json/object.ts';
import { SlicedScan, skipValue, TooManyError } from '../../../src/json/scan.ts';
import { parseMessage } from '../../../src/protocol/messages.ts';
import { Random, randomJson, spoilers } from '../../support/random.ts';

const KiB = 1024;

/** The end of a value that is scanned in slices of `chars` characters, or `refused`. */
function endInSlices(text: string, chars: number): number | 'refused' {
  const scan = new SlicedScan(text, 0);
  try {
    for (;;) {
      const end = scan.advance(chars);
      if (end >= 0) return end;
    }
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return 'refused';
  }
}

function endAtOnce(text: string): number | 'refused' {
  try {
    return skipValue(text, 0);
  } catch {
    return 'refused';
  }
}

describe('a value that is scanned in slices', () => {
  test('ends where a single scan ends it, and is refused if that refuses it', () => {
    const random = new Random(5);
    for (let round = 0; round < 3_000; round++) {
      const text = randomJson(random);
      const at = random.below(text.length);
      const spoilt = text.slice(0, at) + random.pick(spoilers) + text.slice(at + random.below(3));
      for (const each of [text, spoilt])
        expect(endInSlices(each, 1 + random.below(20)), each).toBe(endAtOnce(each));
    }
  });

  test('may be paused within a string with escapes, and at any depth', () => {
    for (const text of [`"${'\\u00e9\\n'.repeat(1_000)}"`, `${'[{"a":'.repeat(500)}1${'}]'.repeat(500)}`]) {
      const scan = new SlicedScan(text, 0);
      let slices = 1;
      while (scan.advance(100) < 0) slices++;
      expect(slices).toBeGreaterThan(20);
      expect(endInSlices(text, 100)).toBe(text.length);
    }
  });
});

describe('the long values of a message', () => {
  const long = (count: number) => new Array(count).fill('{"a":[1,"\\n"]}').join();
  const message = (id: number) =>
    `{"jsonrpc":"2.0","id":${id},"result":{"content":[${long(60_000)}],"_meta":{"b":[${long(20_000)}]}}}`;

  test('are recorded by their start, and parsing gives the same message with them', async () => {
    const text = ` ${message(1)} `;
    const ends = await longValues(text, 100, 'messages');
    expect(ends.size).toBe(5);
    for (const [start, end] of ends) expect(skipValue(text, start)).toBe(end);
    expect(parseMessage(text, ends)).toEqual(parseMessage(text));
  });

  test('of a batch are recorded, too', async () => {
    const [first, second] = [message(1), message(2)];
    const text = `[${first}, 5 ,${second}]`;
    const ends = await longValues(text, 100, 'messages');
    expect(ends.get(1)).toBe(1 + first.length);
    expect(ends.get(text.length - 1 - second.length)).toBe(text.length - 1);
  });

  test('are scanned in slices, between which other work runs', async () => {
    let turns = 0;
    let isDone = false;
    const takeTurns = () => {
      turns++;
      if (!isDone) setImmediate(takeTurns);
    };
    setImmediate(takeTurns);
    const text = message(1);
    await longValues(text, 100, 'messages');
    isDone = true;
    expect(text.length).toBeGreaterThan(1_000 * KiB);
    expect(turns).toBeGreaterThan(5);
  });

  test.each([
    ['its end is missing', message(1).slice(0, -1)],
    ['something follows', `${message(1)}x`],
    ['a comma is missing', message(1).replace('},"_meta', '}"_meta').replace('],"_meta', ']"_meta')],
    ['a value deep in it is none', message(1).replace('[1,', '[01,')],
  ])('are refused as invalid JSON if %s', async (_, text) => {
    await expect(longValues(text, 100, 'messages')).rejects.toBeInstanceOf(SyntaxError);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('are refused if there are too many members or elements', async () => {
    const members = '"a":0,'.repeat(100_000);
    await expect(longValues(`{"result":{${members}"a":0}}`, 100, 'messages')).rejects.toEqual(
      new TooManyError(10_000, 'members in an object'),
    );
    await expect(longValues(`[${long(100_000)}]`, 100, 'messages')).rejects.toEqual(
      new TooManyError(100, 'messages'),
    );
  });

  test('may be arguments or structured content with any number of members', async () => {
    const members = Array.from({ length: 60_000 }, (_, i) => `"a${i}":{}`).join();
    const text = `{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{${members}},"b":1}}`;
    const ends = await longValues(text, 100, 'messages');
    expect(parseMessage(text, ends)).toEqual(parseMessage(text));
    expect(ends.size).toBe(3);
  });

  test('save a second scan of the object that has them', async () => {
    const text = message(1);
    const ends = await longValues(text, 100, 'messages');
    const result = new ObjectText(text, 0, ends).object('result');
    expect(result?.toString()).toBe(new ObjectText(text).object('result')?.toString());
  });
});
