import { expect, test } from 'bun:test';
import { qualify } from '../../../src/registry/names.ts';

test('a qualified name is the prefix, two underscores and the name', () => {
  expect(qualify('my.files-2', 'read__all')).toBe('my.files-2__read__all');
});
