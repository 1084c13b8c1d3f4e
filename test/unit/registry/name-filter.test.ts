import { describe, expect, test } from 'bun:test';
import { NameFilter } from '../../../src/registry/name-filter.ts';

describe('a pattern matches', () => {
  test.each([
    ['read', 'read', true],
    ['read', 'reads', false],
    ['read', 'Read', false],
    ['read_*', 'read_', true],
    ['read_*', 'read_all', true],
    ['read_*', 'xread_all', false],
    ['*_read', 'all_read', true],
    ['*_read', '_read_', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['aa*aa', 'aaa', false],
    ['aa*aa', 'aaaa', true],
    ['*ab*ab', 'xab', false],
    ['**', '', true],
    ['*', 'any thing/at all\n', true],
    ['a.c', 'abc', false],
    ['[ab]?', 'a', false],
    ['[ab]?', '[ab]?', true],
  ])('%p %p: %p', (pattern, name, matches) => {
    expect(new NameFilter({ allow: [pattern], deny: [] }).allows(name)).toBe(matches);
  });
});

test('a name must be allowed, and not denied', () => {
  const filter = new NameFilter({ allow: ['read_*', 'list'], deny: ['*_secret', 'list'] });
  const names = ['read_a', 'read_secret', 'list', 'write'];
  expect(names.filter((name) => filter.allows(name))).toEqual(['read_a']);
  expect(names.filter((name) => filter.denies(name))).toEqual(['read_secret', 'list']);
});

test('nothing is allowed without a pattern, and everything is with the default', () => {
  expect(new NameFilter({ allow: [], deny: [] }).allows('a')).toBe(false);
  const open = new NameFilter({ allow: ['*'], deny: [] });
  expect([open.allows('a'), open.isOpen]).toEqual([true, true]);
  expect(new NameFilter({ allow: ['*'], deny: ['a'] }).isOpen).toBe(false);
});

test('many wildcards take no longer than few', () => {
  const filter = new NameFilter({ allow: [`${'*a'.repeat(1_000)}*b`], deny: [] });
  expect(filter.allows('a'.repeat(100_000))).toBe(false);
  expect(filter.allows(`${'a'.repeat(100_000)}b`)).toBe(true);
});
