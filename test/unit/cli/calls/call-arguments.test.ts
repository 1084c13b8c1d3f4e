import { describe, expect, test } from 'bun:test';
import { argumentsInJson, argumentsOf } from '../../../../src/cli/calls/call-arguments.ts';

const schema = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    head: { type: 'integer' },
    ratio: { type: 'number' },
    all: { type: 'boolean' },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { $ref: '#/$defs/size' } },
    filter: { type: 'object' },
    limit: { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
    size: { $ref: '#/$defs/size' },
    mode: { enum: ['fast', 'slow'] },
  },
  required: ['path'],
  additionalProperties: false,
  $defs: { size: { type: 'number' } },
};
const typed = (...words: string[]) => argumentsOf(['path=p', ...words], 'read', schema);
const fault = (...words: string[]) => {
  try {
    argumentsOf(words, 'read', schema);
  } catch (error) {
    return (error as Error).message;
  }
  return null;
};

describe('arguments by name get the type that the tool wants:', () => {
  test.each([
    ['a text, whatever it looks like', ['path=12'], { path: '12' }],
    ['a text with "=" and line breaks', ['path=a=b\nc'], { path: 'a=b\nc' }],
    ['numbers', ['path=', 'head=-5', 'ratio=1e-3'], { path: '', head: -5, ratio: 0.001 }],
    ['true and false', ['path=p', 'all=false'], { path: 'p', all: false }],
    ['JSON for an object', ['path=p', 'filter={"a":[1]}'], { path: 'p', filter: { a: [1] } }],
    ['JSON for a list', ['path=p', 'tags=["a", "b"]'], { path: 'p', tags: ['a', 'b'] }],
    ['a list item by item', ['path=p', 'tags=a', 'tags=b,c'], { path: 'p', tags: ['a', 'b,c'] }],
    [
      'items of a type elsewhere in the schema',
      ['path=p', 'sizes=1', 'sizes=2'],
      { path: 'p', sizes: [1, 2] },
    ],
    ['a reference', ['path=p', 'size=3'], { path: 'p', size: 3 }],
    ['the narrowest of several types', ['path=p', 'limit=3'], { path: 'p', limit: 3 }],
    ['null among several types', ['path=p', 'limit=null'], { path: 'p', limit: null }],
    ['a text among several types', ['path=p', 'limit=3 MB'], { path: 'p', limit: '3 MB' }],
    ['a text of a fixed set', ['path=p', 'mode=fast'], { path: 'p', mode: 'fast' }],
  ])('%s', (_what, words, expected) => {
    expect(argumentsOf(words, 'read', schema)).toEqual(expected);
  });

  test('a text if the schema does not know the argument, and takes others', () => {
    expect(argumentsOf(['other=1'], 'read', { type: 'object' })).toEqual({ other: '1' });
    expect(argumentsOf(['other=1'], 'read', undefined)).toEqual({ other: '1' });
  });
});

describe('what the tool cannot take is refused:', () => {
  test('a word without a value', () => {
    expect(fault('path')).toBe(`expected name=value, found "path"; as JSON: --args '{"name": "value"}'`);
  });
  test('a value of another type', () => {
    expect(() => typed('head=1.5')).toThrow('"head" expects a whole number, found "1.5"');
    expect(() => typed('ratio=')).toThrow('"ratio" expects a number, found ""');
    expect(() => typed('all=yes')).toThrow('"all" expects true or false, found "yes"');
    expect(() => typed('filter=[1]')).toThrow('"filter" expects a JSON object, found "[1]"');
  });
  test('a value that is given twice and is no list', () => {
    expect(() => typed('head=1', 'head=2')).toThrow('"head" is no list and was given 2 times');
  });
  test('an argument that the tool does not have, with the nearest one', () => {
    expect(() => typed('haed=1')).toThrow(
      'read has no argument "haed"; did you mean "head"?\narguments: path=TEXT [head=NUMBER]',
    );
  });
  test('an argument that is missing', () => {
    expect(fault('head=1')).toStartWith(
      'read lacks "path"\narguments: path=TEXT [head=NUMBER] [ratio=NUMBER] [all=true|false]',
    );
  });
});

test('references that lead around end', () => {
  const circle = { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/a' } } };
  expect(argumentsOf(['a=1'], 'read', circle)).toEqual({ a: '1' });
});

test('a tool without arguments says so', () => {
  const none = { properties: {}, additionalProperties: false };
  expect(() => argumentsOf(['a=1'], 'ping', none)).toThrow(
    'ping has no argument "a"\nping takes no arguments',
  );
});

test('the arguments are shown with their choices', () => {
  const two = { properties: { mode: { enum: ['a', 'b'] }, any: {} }, required: ['any'] };
  expect(() => argumentsOf([], 'run', two)).toThrow('run lacks "any"\narguments: [mode=a|b] any=VALUE');
});

describe('arguments as JSON', () => {
  test('are an object', () => {
    expect(argumentsInJson('{"a":1}', 'stdin')).toEqual({ a: 1 });
    for (const text of ['[1]', '"a"', 'null', '1'])
      expect(() => argumentsInJson(text, 'stdin')).toThrow('stdin must be a JSON object of arguments');
    expect(() => argumentsInJson('{a:1}', 'the value of --args')).toThrow('the value of --args is no JSON: ');
  });
});
