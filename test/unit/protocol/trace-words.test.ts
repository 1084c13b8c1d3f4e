import { expect, test } from 'bun:test';
import { ObjectText } from '../../../src/json/object.ts';
import { traceAttributes, traceName } from '../../../src/protocol/trace-words.ts';

const uriOf = (uri: string) =>
  traceAttributes('resources/read', new ObjectText(JSON.stringify({ uri })), undefined)['mcp.resource.uri'];

test.each([
  ['https://user:pass@files.example/a?token=t#f', 'https://files.example/a'],
  ['file:///a/b@c', 'file:///a/b@c'],
  ['notes://half-\ud83d', 'notes://half-\ufffd'],
])('a URI is recorded without what may be secret: %j', (uri, recorded) => {
  expect(uriOf(uri)).toBe(recorded);
});

test('a long URI is truncated, after what may be secret is removed', () => {
  expect(uriOf(`https://${'u'.repeat(2_000)}:pass@files.example/a`)).toBe('https://files.example/a');
  expect(uriOf(`notes://${'n'.repeat(2_000)}`)).toHaveLength(1_024);
});

test.each([
  ['tools/call', 'search', 'tools/call search'],
  ['tools/call', undefined, 'tools/call'],
  ['tasks/get', 'search', 'tasks/get'],
  ['made/up', 'search', '_OTHER'],
])('the span of %s with the target %s is %s', (method, target, name) => {
  expect(traceName(method, target)).toBe(name);
});

test('a long name is truncated, without half a character', () => {
  const name = `${'n'.repeat(127)}\ud83d\ude00`;
  expect(traceName('tools/call', name)).toBe(`tools/call ${'n'.repeat(127)}\ufffd`);
});
