import { describe, expect, test } from 'bun:test';
import { LongText } from '../../../src/json/long-text.ts';
import { Members } from '../../../src/json/object.ts';
import { Random, randomJson, spoilers } from '../../support/random.ts';

const long = 'x'.repeat(10_000);

/** Where the text begins within its buffer decides how it is looked through. */
function longText(text: string, offset = 0): LongText {
  const bytes = new Uint8Array(offset + text.length + 8).fill(1);
  bytes.set(Buffer.from(text, 'latin1'), offset);
  return LongText.of(bytes.subarray(offset, offset + text.length));
}

describe('the text of a long body', () => {
  test.each([
    ['a string that is most of it', `{"a":[1,"${long}"],"b":2}`, '{"a":[1,""],"b":2}'],
    ['one that is all of it', `"${long}"`, '""'],
    ['one with an escaped quote before', `{"a":"\\"${long}","b":2}`, '{"a":"\\"","b":2}'],
    ['a long key', `{"${long}":1}`, '{"":1}'],
  ])('lacks the content of %s', (_what, whole, text) => {
    expect(longText(whole).text).toBe(text);
  });

  test.each([
    ['escapes', `["${long}\\n${long}"]`],
    ['many strings', JSON.stringify(Array(1_000).fill('abc'))],
    ['a long string in its first half', `["${long}", ${'1,'.repeat(10_000)}1]`],
    ['no strings', `[${'1,'.repeat(10_000)}1]`],
    ['one quote', `[${'1,'.repeat(5_000)}"${'1,'.repeat(1_000)}`],
    ['nothing', ''],
  ])('is complete without such a string: %s', (_what, whole) => {
    expect(longText(whole).text).toBe(whole);
  });

  test('is complete if the string has a control character anywhere', () => {
    for (let offset = 0; offset < 4; offset++) {
      for (let code = 0; code <= 0x7f; code++) {
        const character = String.fromCharCode(code);
        if (character === '"' || character === '\\') continue;
        for (const at of [0, 1, 2, 3, 5_000, 9_996, 9_997, 9_998, 9_999]) {
          const whole = `["${long.slice(0, at)}${character}${long.slice(at + 1)}"]`;
          expect(longText(whole, offset).text).toBe(code < 0x20 ? whole : '[""]');
        }
      }
    }
  });

  test('maps the offsets of its values to the bytes', () => {
    const random = new Random(6);
    for (let round = 0; round < 300; round++) {
      const [before, after] = [randomJson(random), randomJson(random)].map((json) =>
        // biome-ignore lint/suspicious/noControlCharactersInRegex: a body with others has no such text.
        json.replace(/[^\x00-\x7f]/g, 'u'),
      );
      const whole = `{"before":${before},"long":["${long.repeat(3)}"],"after":${after}}`;
      const text = longText(whole, random.below(4));
      expect(text.text).toBe(`{"before":${before},"long":[""],"after":${after}}`);
      const inWhole = new Members(whole);
      const member = new Members(text.text);
      while (member.next()) {
        inWhole.next();
        expect([text.place(member.start), text.place(member.end)]).toEqual([inWhole.start, inWhole.end]);
      }
    }
  });

  test('is valid JSON exactly if the body is', () => {
    const random = new Random(7);
    let refused = 0;
    for (let round = 0; round < 1_000; round++) {
      const text = `{"before":[1,"a"],"long":"${long}","after":"b\\\\"}`;
      const start = text.indexOf(long);
      const at = random.pick([
        random.below(text.length),
        start + random.below(4) - 2,
        start + 9_998 + random.below(4),
      ]);
      const put = random.pick(spoilers);
      const changed = text.slice(0, at) + put + text.slice(at + random.below(3));
      const isJson = (json: string) => {
        try {
          JSON.parse(json);
          return true;
        } catch {
          return false;
        }
      };
      if (!isJson(changed)) refused++;
      const without = longText(changed).text;
      // What is left may be no JSON where the whole is: then the whole has to tell. Never the other way round.
      if (isJson(without)) expect(isJson(changed), `${put} at ${at}`).toBe(true);
      if (without === changed || put === 'x')
        expect(isJson(without), `${put} at ${at}`).toBe(isJson(changed));
    }
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(900);
  });
});
