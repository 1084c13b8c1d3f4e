import { describe, expect, test } from 'bun:test';
import { Members, ObjectText } from '../../../src/json/object.ts';
import {
  checkEnd,
  elementPlaces,
  elements,
  numberAt,
  skipSpace,
  skipValue,
  stringAt,
  TooManyError,
} from '../../../src/json/scan.ts';
import { Random, randomJson, randomJsonObject, spoilers } from '../../support/random.ts';

const rounds = 3_000;

/** The members of an object: their keys, and the texts of their values. */
function members(object: string): [string, string][] {
  const found: [string, string][] = [];
  const member = new Members(object);
  while (member.next()) {
    const key = JSON.parse(object.slice(member.keyStart, member.keyEnd)) as string;
    found.push([key, member.text()]);
  }
  return found;
}

/** The result of a function, or `refused` if it throws a SyntaxError. */
function outcome<T>(work: (text: string) => T, text: string): T | 'refused' {
  try {
    return work(text);
  } catch (error) {
    expect(error, text.slice(0, 200)).toBeInstanceOf(SyntaxError);
    return 'refused';
  }
}

const checkValue = (text: string) => checkEnd(text, skipValue(text, skipSpace(text, 0)));
const isTaken = (text: string) => outcome(checkValue, text) !== 'refused';
const isJson = (text: string) => outcome((json) => void JSON.parse(json), text) !== 'refused';

describe('the scan accepts exactly the texts that JSON.parse accepts:', () => {
  test.each([
    ...[
      '',
      ' ',
      '{',
      '}',
      '[',
      ']',
      '{}',
      '[]',
      '{]',
      '[}',
      ' { } ',
      '[ ]',
      '{}{}',
      '[],',
      '[,]',
      '[1,]',
      '[,1]',
    ],
    ...[
      '[1 2]',
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{,"a":1}',
      '{"a":1 "b":2}',
      '{"a" 1}',
      '{a:1}',
      "{'a':1}",
      '{1:1}',
    ],
    ...['[[]', '[]]', '{"a":{}', '{"a":1}}', '{"a":[}]', '[{"a":]}', '[1]x', 'x[1]', '[1]\u00a0', '\ufeff[]'],
    ...[
      'true',
      'false',
      'null',
      'True',
      'nul',
      'nulls',
      'truefalse',
      'undefined',
      'NaN',
      'Infinity',
      '-',
      '+1',
    ],
    ...[
      '0',
      '-0',
      '00',
      '01',
      '-01',
      '1.',
      '.5',
      '1.5',
      '1.5.5',
      '1e',
      '1e+',
      '1e5',
      '1E-05',
      '1.e5',
      '1e5.5',
      '0e0',
    ],
    ...['0x1', '1_000', '1n', '--1', '1-1', '12345678901234567890123', '1e999', '-1e-999', '1e5e5', '\u0661'],
    ...[
      '"',
      '""',
      '"a',
      '"a"b"',
      '"\\"',
      '"\\""',
      '"\\\\"',
      '"\\/\\b\\f\\n\\r\\t"',
      '"\\a"',
      '"\\x41"',
      '"\\0"',
      '"\\',
    ],
    ...[
      '"\\u0041"',
      '"\\u00e"',
      '"\\u00eg"',
      '"\\u"',
      '"\\U0041"',
      '"\\u 041"',
      '"\\u+041"',
      '"\\ud800"',
      '"\ud800"',
    ],
    ...[
      '"\n"',
      '"\t"',
      '"\0"',
      '"\x1f"',
      '"\x7f"',
      '"\u2028"',
      '/**/1',
      '1//',
      '[1]\0',
      '\v1',
      '\f1',
      '\r\n\t 1',
    ],
  ])('%j', (text) => {
    expect(isTaken(text)).toBe(isJson(text));
    // Where a value may stand, it is not the end of the text that ends it.
    expect(isTaken(`[${text} ]`)).toBe(isJson(`[${text} ]`));
    expect(isTaken(`{"a":${text} }`)).toBe(isJson(`{"a":${text} }`));
  });

  test('thousands of generated, truncated and corrupted texts', () => {
    const random = new Random(4);
    const blunders = [
      ...spoilers,
      '{',
      '}',
      '[',
      ']',
      ':',
      '1',
      '-',
      '.',
      'e',
      '\\u12',
      'tru',
      '\ud83d',
      '\u2028',
    ];
    let refused = 0;
    for (let round = 0; round < 30_000; round++) {
      const text = randomJson(random);
      const at = random.below(text.length + 1);
      const spoilt = text.slice(0, at) + random.pick(blunders) + text.slice(at + random.below(3));
      const cut = text.slice(0, at);
      for (const one of [text, spoilt, cut]) {
        const expected = isJson(one);
        if (!expected) refused++;
        expect(isTaken(one), one).toBe(expected);
      }
    }
    expect(refused).toBeGreaterThan(20_000);
    expect(refused).toBeLessThan(60_000);
  });

  test('texts with a long string, corrupted within it and around its ends', () => {
    const long = 'x'.repeat(5_000);
    const random = new Random(5);
    let refused = 0;
    for (let round = 0; round < 2_000; round++) {
      const letter = random.pick(['', 'é', '€']);
      const text = `{"before":${randomJson(random)},"long":"${letter}${long}","after":${randomJson(random)}}`;
      const at = random.pick([
        random.below(text.length),
        text.indexOf(long) + random.below(40) - 2,
        text.indexOf(long) + 4_998 + random.below(4),
      ]);
      const spoilt = text.slice(0, at) + random.pick(spoilers) + text.slice(at + random.below(3));
      const expected = isJson(spoilt);
      if (!expected) refused++;
      expect(isTaken(spoilt), `${at} of ${text.length}`).toBe(expected);
    }
    expect(refused).toBeGreaterThan(300);
    expect(refused).toBeLessThan(1_700);
  });

  test('a text two million levels deep, closed or not', () => {
    const levels = 2_000_000;
    const [open, close] = ['['.repeat(levels), ']'.repeat(levels)];
    expect(members(`{"deep":${open}${close},"after":1}`).map(([key, { length }]) => [key, length])).toEqual([
      ['deep', 2 * levels],
      ['after', 1],
    ]);
    expect(isTaken(open + close.slice(1))).toBe(false);
    expect(isTaken(`${open}${close}]`)).toBe(false);
  });

  test.each([1, 28, 29, 30, 31, 32, 57, 58, 59, 60, 100])(
    'arrays in objects in arrays, %d levels deep',
    (levels) => {
      const random = new Random(levels);
      const isObject = Array.from({ length: levels }, () => random.below(2) === 1);
      const open = isObject.map((object) => (object ? '{"a":' : '[0,')).join('');
      const close = (kinds: readonly boolean[]) =>
        kinds
          .toReversed()
          .map((object) => (object ? ',"b":1}' : ',1]'))
          .join('');
      expect(isTaken(`${open}2${close(isObject)}`)).toBe(true);
      for (let level = 0; level < levels; level++) {
        const wrong = isObject.with(level, !isObject[level]);
        expect(isTaken(`${open}2${close(wrong)}`)).toBe(false);
      }
    },
  );
});

test('millions of escapes in a string are scanned', () => {
  expect(isTaken(`"${'\\n'.repeat(2_000_000)}"`)).toBe(true);
  expect(isTaken(`"${'\\\\'.repeat(2_000_000)}\\"`)).toBe(false);
});

describe('members', () => {
  test('have a key and the text of the value', () => {
    expect(members(' { "a" : 1 , "b":{"c":[2]},"d":"x" } ')).toEqual([
      ['a', '1'],
      ['b', '{"c":[2]}'],
      ['d', '"x"'],
    ]);
  });

  test('are found among quotes and braces in strings', () => {
    expect(members(String.raw`{"\u0061\"":"}\\","b\\":"\\\"{"}`)).toEqual([
      ['a"', String.raw`"}\\"`],
      ['b\\', String.raw`"\\\"{"`],
    ]);
  });

  test('with a repeated key all appear', () => {
    expect(members('{"a":1,"a":2}').map(([key]) => key)).toEqual(['a', 'a']);
  });

  test('are none in an empty object', () => {
    expect(members('{ }')).toEqual([]);
  });

  test('give the end of the object after the last one, whether or not their values were read', () => {
    const text = ' {"a":[1], "b":{"c":"}"} } ,';
    const values = new Members(text);
    while (values.next()) values.value();
    expect(text.slice(values.end)).toBe(' ,');
    const passed = new Members(text);
    while (passed.next());
    expect(text.slice(passed.end)).toBe(' ,');
  });

  test('are objects if their value is one, else texts', () => {
    const member = new Members('{"a":{"b":1},"c":[{}]}');
    member.next();
    expect(String(member.value())).toBe('{"b":1}');
    expect(member.value()).toBeInstanceOf(ObjectText);
    member.next();
    expect(member.value()).toBe('[{}]');
  });

  test('agree with JSON.parse on thousands of generated objects', () => {
    const random = new Random(1);
    for (let round = 0; round < rounds; round++) {
      const text = randomJsonObject(random);
      // Of a repeated key the last counts; defineProperty, for `__proto__` is a key like any other.
      const value = {};
      for (const [key, json] of members(text)) {
        Object.defineProperty(value, key, { value: JSON.parse(json), enumerable: true, configurable: true });
      }
      expect(JSON.stringify(value), text).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  test('reject what JSON.parse rejects, up to the end of the object', () => {
    const random = new Random(8);
    let refused = 0;
    for (let round = 0; round < 10_000; round++) {
      const object = randomJsonObject(random);
      const at = 1 + random.below(object.length);
      const spoilt = object.slice(0, at) + random.pick([...spoilers, ':', '1', '}']) + object.slice(at + 1);
      const found = outcome((text) => text.slice(new ObjectText(text, 0).end), spoilt);
      if (found === 'refused') refused++;
      // What comes after the object is for others to judge.
      const expected = isJson(found === 'refused' ? spoilt : spoilt.slice(0, spoilt.length - found.length));
      expect(found !== 'refused', spoilt).toBe(expected);
    }
    expect(refused).toBeGreaterThan(1_000);
    expect(refused).toBeLessThan(9_000);
  });

  test.each([
    '{"a":1 "b":2}',
    '{"a":1,}',
    '{,"a":1}',
    '{"a":1;"b":2}',
    '{"a"=1}',
    '{"a":1',
    '{"a":1]',
    '{"a" "b"}',
  ])('of %s are refused', (text) => {
    expect(() => members(text)).toThrow(SyntaxError);
  });

  test('are found by name, escaped or not', () => {
    const random = new Random(2);
    for (let round = 0; round < rounds; round++) {
      const text = randomJsonObject(random);
      const member = new Members(text);
      while (member.next()) {
        const key = JSON.parse(text.slice(member.keyStart, member.keyEnd)) as string;
        const found = [member.is(key), member.is(`${key}x`), member.is(key.slice(0, -1))];
        expect(found).toEqual([true, false, key === '']);
      }
    }
  });
});

describe('elements', () => {
  test('are the unchanged texts of the elements', () => {
    expect(elements(' [ 1.0 , "a,]" ,[ 2,3 ], {"b":[]} ] ')).toEqual(['1.0', '"a,]"', '[ 2,3 ]', '{"b":[]}']);
  });

  test('are none in an empty array', () => {
    expect(elements('[ ]')).toEqual([]);
  });

  test('beyond the limit are refused without scanning the rest', () => {
    expect(elementPlaces('[1,2]', 2, 'items')).toEqual([1, 2, 3, 4]);
    expect(() => elementPlaces('[1,2,3', 2, 'items')).toThrow(new TooManyError(2, 'items'));
  });

  test.each(['{}', '"[]"', '1', ''])('are null for a value that is not an array: %s', (text) => {
    expect(elements(text)).toBeNull();
  });

  test('agree with JSON.parse on thousands of generated arrays, and reject what it rejects', () => {
    const random = new Random(2);
    for (let round = 0; round < rounds; round++) {
      const texts = Array.from({ length: random.below(5) }, () => randomJson(random));
      const array = `[${texts.join(', ')}]`;
      expect(elements(array)).toEqual(texts);
      const at = 1 + random.below(array.length);
      const spoilt = array.slice(0, at) + random.pick(spoilers) + array.slice(at + random.below(3));
      expect(outcome(elements, spoilt) !== 'refused', spoilt).toBe(isJson(spoilt));
    }
  });
});

describe('an object', () => {
  test('keeps the texts of its members to the last digit', () => {
    expect(new ObjectText('{"id": 12345678901234567890 }').member('id')).toBe('12345678901234567890');
  });

  test('takes the last of repeated keys, as JSON.parse does', () => {
    expect(new ObjectText('{"a":1,"b":2,"a":3}').member('a')).toBe('3');
  });

  test('has no absent members, not even those that every object inherits', () => {
    const object = new ObjectText('{"a":1}');
    expect([object.member('toString'), object.string('b'), object.number('b'), object.object('b')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('gives a string, number or object only if the member is one', () => {
    const object = new ObjectText(
      String.raw`{"s":"\u00e9\"","n":-1.50,"o":{"a":{}},"a":["s",1,{}],"t":true}`,
    );
    const kinds = (name: string) => [
      object.string(name),
      object.number(name),
      object.object(name)?.toString(),
    ];
    expect(['s', 'n', 'o', 'a', 't'].map(kinds)).toEqual([
      ['é"', undefined, undefined],
      [undefined, -1.5, undefined],
      [undefined, undefined, '{"a":{}}'],
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ]);
  });

  test('within another has offsets in the whole text', () => {
    const text = ' {"a":{"b": {"c":1} } }';
    const inner = new ObjectText(text).object('a')?.object('b');
    expect([inner?.start, inner?.end, inner?.member('c'), inner?.with({ name: 'c', value: '2' })]).toEqual([
      12,
      19,
      '1',
      '{"c":2}',
    ]);
  });

  test('with too many members is refused', () => {
    const members = new Array(10_000).fill('"a":0').join();
    expect(new ObjectText(`{${members}}`).member('a')).toBe('0');
    expect(() => new ObjectText(`{${members},"a":0}`)).toThrow(
      new TooManyError(10_000, 'members in an object'),
    );
  });

  test('knows whether a member is an object or absent', () => {
    const object = new ObjectText('{"o":{},"a":[],"n":null,"r":1,"r":{}}');
    const found = ['o', 'a', 'n', 'r', 'x'].filter((name) => object.isObjectOrAbsent(name));
    expect(found).toEqual(['o', 'r', 'x']);
  });

  test.each(['[]', '"{}"', '1', ''])('is not found in the text %j', (text) => {
    expect(ObjectText.of(text)).toBeUndefined();
  });
});

describe('an object with a changed member', () => {
  const withMember = (text: string, name: string, value: string) =>
    new ObjectText(text).with({ name, value });

  test('has that value changed and every other byte unchanged', () => {
    const text = String.raw`{ "big":12345678901234567890, "one" :1.0,"\u006eame" : "old","esc":"\u00e9\/" }`;
    expect(withMember(text, 'name', '"new"')).toBe(
      String.raw`{ "big":12345678901234567890, "one" :1.0,"\u006eame" : "new","esc":"\u00e9\/" }`,
    );
  });

  test.each([
    ['{"a":1,"b":2,"a":3}', '{"b":2,"a":9}'],
    ['{ "a":1 , "a":2,"b":3, "a" :4 }', '{ "b":3, "a" :9 }'],
    [String.raw`{"b":0,"\u0061":1,"c":{"a":5},"a":2,"d":3}`, '{"b":0,"c":{"a":5},"a":9,"d":3}'],
  ])('has it once, in its last place, so that no reader finds the old value: %s', (text, changed) => {
    expect(withMember(text, 'a', '9')).toBe(changed);
  });

  test('takes several edits in one pass, in any order of its members', () => {
    const edits = [
      { name: 'name', value: '"new"' },
      { name: '_meta', value: '{}' },
    ];
    expect(new ObjectText('{"_meta":{"a":1},"name":"x", "z":0,"name":"old"}').with(...edits)).toBe(
      '{"_meta":{},"z":0,"name":"new"}',
    );
    expect(new ObjectText('{ "name":"old" }').with(...edits)).toBe('{ "name":"new" ,"_meta":{}}');
    expect(new ObjectText('{}').with(...edits)).toBe('{"name":"new","_meta":{}}');
  });

  test('is the text around the value, and the value', () => {
    expect(new ObjectText('{ "a" : 1, "b":2,"a" :3 }').around('a')).toEqual(['{ "b":2,"a" :', ' }']);
  });

  test('grows by no more than the new value, however often the key is repeated', () => {
    const value = `"${'x'.repeat(1_000)}"`;
    const repeated = new Array(10_000).fill('"a":0');
    expect(withMember(`{${repeated.join()}}`, 'a', value)).toBe(`{"a":${value}}`);
    const between = new Array(5_000).fill('"a":0,"b":1');
    const kept = new Array(4_999).fill('"b":1');
    expect(withMember(`{${between.join()}}`, 'a', value)).toBe(
      `{${[...kept, `"a":${value}`, '"b":1'].join()}}`,
    );
  });

  test('has an absent member appended', () => {
    expect(withMember('{"a":1 }', 'b', '2')).toBe('{"a":1 ,"b":2}');
    expect(withMember('{}', 'b', '2')).toBe('{"b":2}');
  });

  test('takes replacements literally, dollar signs included', () => {
    expect(withMember('{"a":1}', 'a', '"$&$1"')).toBe('{"a":"$&$1"}');
  });

  test('has only the named member changed in thousands of generated objects', () => {
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

test.each([
  '999999999999999',
  '9007199254740993',
  '72057594037927945',
  '99999999999999999999999',
  '-0',
  '1e2',
])('the number %s is the double that JSON.parse makes of it', (text) => {
  expect(numberAt(text, 0, text.length)).toBe(JSON.parse(text));
});

test('a text is a string or a number if JSON.parse returns one', () => {
  const random = new Random(6);
  for (let round = 0; round < rounds; round++) {
    const text = randomJson(random, 1);
    const value: unknown = JSON.parse(text);
    const [start, end] = [1, 1 + text.length];
    const placed = `[${text}]`;
    expect(stringAt(placed, start, end)).toBe(typeof value === 'string' ? value : (undefined as never));
    expect(numberAt(placed, start, end)).toBe(typeof value === 'number' ? value : (undefined as never));
  }
});

test.each([
  ['[1,x]', 'unexpected "x" at offset 3'],
  ['{"a" 1}', 'unexpected "1" at offset 5'],
  ['[1', 'unexpected end of text'],
  ['"a', 'unexpected end of text'],
  ['"a\n"', 'unexpected "\\n" at offset 2'],
  ['["\\x"]', 'invalid escape at offset 2'],
])('the error for %j says %s', (text, problem) => {
  expect(() => checkValue(text)).toThrow(new SyntaxError(`invalid JSON: ${problem}`));
});
