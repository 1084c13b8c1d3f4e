import { expect, test } from 'bun:test';
import { resultText } from '../../../../src/cli/calls/result-text.ts';

test('texts are shown as they are, other parts are described', () => {
  const content = [
    { type: 'text', text: 'one\ntwo' },
    { type: 'image', mimeType: 'image/png', data: 'AAAA' },
    { type: 'audio', mimeType: 'audio/wav', data: 'AAA=' },
    { type: 'resource_link', name: 'log', uri: 'file:///log' },
    { type: 'resource', resource: { uri: 'file:///a', text: 'three' } },
    { type: 'resource', resource: { uri: 'file:///b', mimeType: 'image/gif', blob: 'AA==' } },
    { type: 'hologram' },
    null,
  ];
  expect(resultText({ content }, false)).toBe(
    `one
two
[image, image/png, 3 bytes; all of it: --json]
[audio, audio/wav, 2 bytes; all of it: --json]
[link, log, file:///log; all of it: --json]
three
[resource, file:///b, image/gif, 1 bytes; all of it: --json]
[hologram; all of it: --json]
`,
  );
});

test('structured content stands in for missing content', () => {
  expect(resultText({ content: [], structuredContent: { a: 1 } }, false)).toBe('{\n  "a": 1\n}');
  expect(resultText({ content: [{ type: 'text', text: 'a' }], structuredContent: {} }, false)).toBe('a');
});

test('no text of a tool acts on a terminal', () => {
  const content = [{ type: 'text', text: '\u001b]0;title\u0007red\u001b[31m\r\n\tx\u202e' }];
  expect(resultText({ content }, true)).toBe('\\u001b]0;title\\u0007red\\u001b[31m\n\tx\\u202e');
  expect(resultText({ content }, false)).toBe('\u001b]0;title\u0007red\u001b[31m\r\n\tx\u202e');
});
