import { describe, expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { declaredObject } from '../../../src/protocol/capabilities.ts';

/** An object with one member more than is read. */
const tooMany = `{${'"":1,'.repeat(10_000)}"":1}`;

describe('an object among the capabilities of a peer', () => {
  test('is found by its names, in a text or an index', () => {
    const text = '{"extensions":{"a":{"b":1}},"tools":true}';
    expect(String(declaredObject(text, 'extensions', 'a'))).toBe('{"b":1}');
    expect(String(declaredObject(new ObjectText(text), 'extensions'))).toBe('{"a":{"b":1}}');
    expect(declaredObject(text, 'extensions', 'b')).toBeUndefined();
    expect(declaredObject(text, 'tools')).toBeUndefined();
    expect(declaredObject('[]', 'tools')).toBeUndefined();
  });

  test.each([
    ['itself', tooMany],
    ['what surrounds it', `{"extensions":${tooMany}}`],
    ['the last of them', `{"extensions":{"a":${tooMany}}}`],
  ])('is absent if there are too many members in %s', (_, text) => {
    expect(declaredObject(text, 'extensions', 'a')).toBeUndefined();
  });
});
