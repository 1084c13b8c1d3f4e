import { expect, test } from 'bun:test';
import { qualify, splitQualified } from '../../../src/registry/names.ts';

test.each([
  ['files__read', { server: 'files', name: 'read' }],
  ['my.files-2__read__all', { server: 'my.files-2', name: 'read__all' }],
  ['files___read', { server: 'files', name: '_read' }],
  ['files__', { server: 'files', name: '' }],
  ['files_read', null],
  ['__read', null],
  ['', null],
])('the qualified name %p splits into %j', (qualified, parts) => {
  expect(splitQualified(qualified)).toEqual(parts);
  if (parts) expect(qualify(parts.server, parts.name)).toBe(qualified);
});
