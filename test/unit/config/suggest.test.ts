import { expect, test } from 'bun:test';
import { didYouMean, suggest } from '../../../src/config/suggest.ts';

const keys = ['host', 'port', 'mcp', 'servers', 'max_request_bytes', 'streamable', 'token_env'];

test.each([
  ['a letter too few', 'prt', 'port'],
  ['a letter too many', 'portt', 'port'],
  ['a wrong letter', 'pork', 'port'],
  ['swapped letters', 'prot', 'port'],
  ['capital letters', 'Servers', 'servers'],
  ['camel case', 'maxRequestBytes', 'max_request_bytes'],
  ['dashes', 'max-request-bytes', 'max_request_bytes'],
  ['one edit for every three letters', 'mcpServers', 'servers'],
  ['something added at the end', 'streamable-http', 'streamable'],
])('%s is a near miss', (_, word, meant) => {
  expect(suggest(word, keys)).toBe(meant);
});

test.each([
  ['another word', 'timeout'],
  ['two edits in a word of four letters', 'poem'],
  ['nothing', ''],
  ['a text of megabytes, which is not even looked at', 'port'.repeat(1_000_000)],
])('%s is none', (_, word) => {
  expect(suggest(word, keys)).toBeNull();
});

test('the nearest candidate wins, and among equals the first', () => {
  expect(suggest('bat', ['cat', 'bats', 'bat'])).toBe('bat');
  expect(suggest('bat', ['cat', 'hat'])).toBe('cat');
});

test('a message ends with the suggestion, or with nothing', () => {
  expect(didYouMean('hots', keys)).toBe('; did you mean "host"?');
  expect(didYouMean('colour', keys)).toBe('');
});
