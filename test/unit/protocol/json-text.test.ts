import { describe, expect, test } from 'bun:test';
import { elements, Members, memberText, parseJson, withMember } from '../../../src/protocol/json-text.ts';
import { Random, randomJson, randomJsonObject, spoilers } from '../../support/random.ts';

const rounds = 3_000;

function members(object: string): { key: string; start: number; end: number }[] {
  const found: { key: string; start: number; end: number }[] = [];
  for (const member = new Members(object); member.next(); ) {
    found.push({ key: member.key, start: member.start, end: member.end });
  }
  return found;
}

describe('members', () => {
  test('have keys, and places of their values', () => {
    const text = ' { "a" : 1 , "b":{"c":[2]},"d":"x" } ';
    const found = members(text).map(({ key, start, end }) => [key, text.slice(start, end)]);
    expect(found).toEqual([
      ['a', '1'],
      ['b', '{"c":[2]}'],
      ['d', '"x"'],
    ]);
  });

  test('have their keys decoded, and are found among quotes and braces in strings', () => {
    const text = String.raw`{"\u0061\"":"}\\","b\\":"\\\"{"}`;
    const found = members(text).map(({ key, start, end }) => [key, text.slice(start, end)]);
    expect(found).toEqual([
      ['a"', String.raw`"}\\"`],
      ['b\\', String.raw`"\\\"{"`],
    ]);
  });

  test('come as often as they stand there', () => {
    expect(members('{"a":1,"a":2}').map(({ key }) => key)).toEqual(['a', 'a']);
  });

  test('of an empty object there are none', () => {
    expect(members('{ }')).toEqual([]);
  });

  test('agree with JSON.parse on thousands of generated objects', () => {
    const random = new Random(1);
    for (let round = 0; round < rounds; round++) {
      const text = randomJsonObject(random);
      // Of a repeated key the last counts; defineProperty, for `__proto__` is a key like any other.
      const value = {};
      for (const { key, start, end } of members(text)) {
        Object.defineProperty(value, key, {
          value: JSON.parse(text.slice(start, end)),
          enumerable: true,
          configurable: true,
        });
      }
      expect(JSON.stringify(value), text).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  test('are told by their names, escaped or not', () => {
    const random = new Random(2);
    for (let round = 0; round < rounds; round++) {
      for (const member = new Members(randomJsonObject(random)); member.next(); ) {
        const { key } = member;
        expect([member.is(key), member.is(`${key}x`), member.is(key.slice(0, -1))]).toEqual([
          true,
          false,
          key === '',
        ]);
      }
    }
  });

  test('take an object two million levels deep', () => {
    const levels = 2_000_000;
    const deep = '['.repeat(levels) + ']'.repeat(levels);
    expect(members(`{"deep":${deep},"after":1}`)).toEqual([
      { key: 'deep', start: 8, end: 8 + 2 * levels },
      { key: 'after', start: 17 + 2 * levels, end: 18 + 2 * levels },
    ]);
  });
});

describe('elements', () => {
  test('are the texts of the elements, as they stand there', () => {
    expect(elements(' [ 1.0 , "a,]" ,[ 2,3 ], {"b":[]} ] ')).toEqual(['1.0', '"a,]"', '[ 2,3 ]', '{"b":[]}']);
  });

  test('of an empty array there are none', () => {
    expect(elements('[ ]')).toEqual([]);
  });

  test('agree with JSON.parse on thousands of generated arrays', () => {
    const random = new Random(2);
    for (let round = 0; round < rounds; round++) {
      const texts = Array.from({ length: random.below(5) }, () => randomJson(random));
      const array = `[${texts.join(', ')}]`;
      expect(elements(array)).toEqual(texts);
    }
  });
});

describe('memberText', () => {
  test('is the very text of the value', () => {
    expect(memberText('{"id": 12345678901234567890 }', 'id')).toBe('12345678901234567890');
  });

  test('is that of the last of a repeated key, as for JSON.parse', () => {
    expect(memberText('{"a":1,"b":2,"a":3}', 'a')).toBe('3');
  });

  test('is undefined where the key is absent, also when an object inherits one of that name', () => {
    expect(memberText('{"a":1}', 'toString')).toBeUndefined();
  });
});

describe('withMember', () => {
  test('changes a value and leaves every other byte as it is', () => {
    const text = String.raw`{ "big":12345678901234567890, "one" :1.0,"\u006eame" : "old","esc":"\u00e9\/" }`;
    expect(withMember(text, 'name', '"new"')).toBe(
      String.raw`{ "big":12345678901234567890, "one" :1.0,"\u006eame" : "new","esc":"\u00e9\/" }`,
    );
  });

  test('changes a repeated key wherever it stands, so that no reader finds the old value', () => {
    expect(withMember('{"a":1,"b":2,"a":3}', 'a', '9')).toBe('{"a":9,"b":2,"a":9}');
  });

  test('appends what was absent', () => {
    expect(withMember('{"a":1 }', 'b', '2')).toBe('{"a":1 ,"b":2}');
    expect(withMember('{}', 'b', '2')).toBe('{"b":2}');
  });

  test('takes replacements literally, dollar signs included', () => {
    expect(withMember('{"a":1}', 'a', '"$&$1"')).toBe('{"a":"$&$1"}');
  });

  test('changes the named member alone in thousands of generated objects', () => {
    const random = new Random(3);
    for (let round = 0; round < rounds; round++) {
      const text = randomJsonObject(random);
      const expected = JSON.parse(text) as Record<string, unknown>;
      expected.name = 'new';
      expect(JSON.stringify(JSON.parse(withMember(text, 'name', '"new"'))), text).toBe(
        JSON.stringify(expected),
      );
    }
  });
});

test('no text that is not JSON makes these functions hang or throw anything but what JSON.parse throws', () => {
  const random = new Random(4);
  for (let round = 0; round < rounds; round++) {
    const text = randomJson(random);
    const cut = text.slice(0, random.below(text.length + 1)) + random.pick(['', '"', '{', ']', '\\', ',']);
    for (const work of [members, elements]) {
      try {
        work(cut);
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }
  }
});

describe('a long text', () => {
  const long = 'x'.repeat(100_000);

  test.each([
    ['a string that is most of it', `{"a":[1,"${long}"],"b":2}`, { a: [1, ''], b: 2 }],
    ['that is a string', `"${long}"`, ''],
    ['a string after an escaped quote', `{"a":"\\"${long}","b":2}`, { a: '"', b: 2 }],
    ['a long key', `{"${long}":1}`, { '': 1 }],
  ])('is parsed without its content: %s', (_what, text, expected) => {
    expect(parseJson(text)).toEqual(expected);
  });

  test.each([
    ['with escapes', `["a\\n${long}\\n${long}"]`],
    ['beyond ASCII', `["é${long}€", 1.5]`],
    ['not long enough', `["${long.slice(0, 60_000)}"]`],
    ['numbers between strings', `["a",${'1,'.repeat(50_000)}"b"]`],
    ['blanks between strings', `["a",${' '.repeat(100_000)}"b"]`],
    ['no quotes at all', `[${'1,'.repeat(50_000)}1]`],
    ['an escaped backslash before the quote', `{"a\\\\":${' '.repeat(100_000)}"b"}`],
  ])('is parsed as it is otherwise: %s', (what, text) => {
    const parsed = parseJson(text);
    expect(JSON.stringify(parsed)).toBe(
      what === 'beyond ASCII' ? '["",1.5]' : JSON.stringify(JSON.parse(text)),
    );
  });

  test('is refused where JSON.parse refuses it, and only there', () => {
    const random = new Random(5);
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const text = `{"before":${randomJson(random)},"long":"${long}","after":${randomJson(random)}}`;
      // Mostly within the long string, and about its ends.
      const at = random.pick([
        random.below(text.length),
        text.indexOf('x'.repeat(100)) + random.below(4) - 2,
        text.lastIndexOf('x'.repeat(100)) + 98 + random.below(4),
      ]);
      const put = random.pick(spoilers);
      const cut = random.below(3);
      const changed = text.slice(0, at) + put + text.slice(at + cut);
      const outcome = (parse: (text: string) => unknown) => {
        try {
          parse(changed);
          return 'taken';
        } catch (error) {
          return (error as Error).constructor.name;
        }
      };
      const expected = outcome(JSON.parse);
      if (expected !== 'taken') refused++;
      expect(outcome(parseJson), `${put} at ${at} of ${text.length}`).toBe(expected);
    }
    expect(refused).toBeGreaterThan(100);
    expect(refused).toBeLessThan(500);
  });
});
