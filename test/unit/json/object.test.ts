import { describe, expect, test } from 'bun:test';
import { longValues } from '../../../src/json/long-values.ts';
import { ObjectText } from '../../../src/json/object.ts';
import { Random, randomJson, randomJsonObject } from '../../support/random.ts';

const edited = (text: string, name: string, value: string | null) => new ObjectText(text).edited(name, value);

describe('an edited object', () => {
  test.each([
    ['{"a":1,"b":2,"c":3}', 'a', null, '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'b', null, '{"a":1,"c":3}'],
    ['{"a":1,"b":2,"c":3}', 'c', null, '{"a":1,"b":2}'],
    ['{ "a" : 1 }', 'a', null, '{  }'],
    ['{ "a" : 1 , "b" : 2 }', 'b', null, '{ "a" : 1 }'],
    ['{"a":1}', 'b', null, '{"a":1}'],
    ['{"a":1,"b":2}', 'a', '[7,8,9]', '{"a":[7,8,9],"b":2}'],
    ['{"a":[7,8,9],"b":2}', 'a', '1', '{"a":1,"b":2}'],
    ['{"a":1}', 'b', '2', '{"a":1,"b":2}'],
    ['{}', 'a', '1', '{"a":1}'],
    ['{"a":1,"b":2,"a":3}', 'a', null, '{"b":2}'],
    ['{"a":1,"b":2,"a":3}', 'a', '4', '{"b":2,"a":4}'],
    [String.raw`{"\u0061":1,"b":2}`, 'a', null, '{"b":2}'],
    [String.raw`{"a\"":1}`, String.raw`a\"`, null, String.raw`{"a\"":1}`],
  ])('%s with %s set to %p is %s', (text, name, value, expected) => {
    expect(edited(text, name, value).toString()).toBe(expected);
  });

  test('finds its members at their new places', () => {
    const object = edited('{"x":{"y":1},"a":1,"b":"two","c":{"d":[3]}}', 'a', '"longer than before"');
    expect(object.string('a')).toBe('longer than before');
    expect(object.string('b')).toBe('two');
    expect(object.object('x')?.number('y')).toBe(1);
    expect(object.object('c')?.member('d')).toBe('[3]');
    expect(object.with({ name: 'c', value: '4' })).toBe(
      '{"x":{"y":1},"a":"longer than before","b":"two","c":4}',
    );
  });

  test('can be edited again, and lies anywhere in a text', () => {
    const outer = new ObjectText('{"before":1,"params":{"a":1,"_meta":{"k":1},"b":2},"after":2}');
    const params = outer.object('params')?.edited('_meta', '{}').edited('a', null);
    expect(params?.toString()).toBe('{"_meta":{},"b":2}');
    expect(params?.number('b')).toBe(2);
    const first = params?.edited('b', null);
    expect(first?.toString()).toBe('{"_meta":{}}');
    expect(first?.with({ name: 'c', value: '3' })).toBe('{"_meta":{},"c":3}');
    const meta = outer.object('params')?.edited('b', null);
    expect(meta?.toString()).toBe('{"a":1,"_meta":{"k":1}}');
    expect(meta?.object('_meta')?.number('k')).toBe(1);
    expect(meta?.edited('_meta', null).toString()).toBe('{"a":1}');
  });

  test('without its last member keeps the known ends of long values', async () => {
    const long = JSON.stringify({ text: 'x'.repeat(200_000), n: 1 });
    const text = `{"arguments":{"deep":${long}},"_meta":{"old":${long}}}`;
    const object = new ObjectText(text, 0, await longValues(text, 1, '')).edited('_meta', null);
    expect(object.toString()).toBe(`{"arguments":{"deep":${long}}}`);
    expect(object.object('arguments')?.object('deep')?.number('n')).toBe(1);
  });

  test('keeps the known ends of long values', async () => {
    const long = JSON.stringify({ text: 'x'.repeat(200_000), n: 1 });
    const text = `{"m":{"old":${long}},"arguments":{"deep":${long}},"last":1}`;
    const object = new ObjectText(text, 0, await longValues(text, 1, '')).edited('m', '{"new":{"n":2}}');
    expect(object.object('arguments')?.object('deep')?.number('n')).toBe(1);
    expect(object.object('m')?.object('new')?.number('n')).toBe(2);
    expect(object.toString()).toBe(`{"m":{"new":{"n":2}},"arguments":{"deep":${long}},"last":1}`);
  });
});

test('a random object, however it is edited, has the members that JSON.parse finds', () => {
  const random = new Random(23);
  const names = ['', 'a', 'name', '"', 'é😀', '__proto__', 'namename', 'absent'];
  const members = (text: string) => new Map(Object.entries(JSON.parse(text) as object));
  for (let round = 0; round < 500; round++) {
    const before = `{"before":${randomJson(random)},"object":`;
    let object = new ObjectText(`${before}${randomJsonObject(random)},"after":1}`, before.length);
    const model = members(object.toString());
    for (let edit = 0; edit < 6; edit++) {
      const name = random.pick(random.below(3) > 0 && model.size > 0 ? [...model.keys()] : names);
      const value = random.below(2) > 0 ? randomJson(random) : null;
      const around = model.has(name) ? object.around(name).join('1') : '';
      if (around !== '') expect(members(around)).toEqual(new Map([...model, [name, 1]]));
      object = object.edited(name, value);
      if (value === null) model.delete(name);
      else model.set(name, JSON.parse(value));
      expect(members(object.toString())).toEqual(model);
      expect(object.member(name)).toBe(value ?? undefined);
      const some = names.filter(() => random.below(2) > 0);
      const left = new Map([...model].filter(([key]) => !some.includes(key)));
      expect(members(object.without(...some))).toEqual(left);
      expect(members(object.cut(object.spans(some)))).toEqual(left);
      expect(object.hasAny(some)).toBe(left.size < model.size);
      const edits = some.map((key) => ({ name: key, value: '{"set":1}' }));
      const set = edits.map((one) => [one.name, { set: 1 }] as const);
      expect(members(object.with(...edits))).toEqual(new Map([...model, ...set]));
    }
  }
});

test('the length of a member is that of its text, and 0 without it', () => {
  const object = new ObjectText('{"a": {"b":1} ,"a":[]}');
  expect(object.memberLength('a')).toBe(2);
  expect(object.memberLength('b')).toBe(0);
});
