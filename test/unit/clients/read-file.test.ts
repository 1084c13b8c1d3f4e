import { expect, test } from 'bun:test';
import { fileOfText } from '../../../src/clients/any-file.ts';
import { parseClientText } from '../../../src/clients/read-file.ts';

test.each([
  ['{"mcpServers": {\n "a": hunter2}}', 'is no valid JSON: unexpected "h" in line 2, column 7'],
  [
    '{"mcpServers": {"a": "hunter2}}',
    'is no valid JSON: a string that begins in line 1, column 22 is no JSON',
  ],
  ['{"mcpServers": {"a": 1} hunter2', 'is no valid JSON: unexpected "h" in line 1, column 25'],
])('a fault of %j says where it is, and shows no value', (text, fault) => {
  expect(parseClientText(text, 'jsonc')).toEqual({ fault });
});

test('a TOML table at the beginning of a text is no list of JSON', () => {
  const file = fileOfText('[mcp_servers.notes]\ncommand = "npx"\n', 'stdin', null);
  expect(file.fault).toBeNull();
  expect(file.servers.map(({ key, raw }) => [key, raw])).toEqual([['notes', { command: 'npx' }]]);
});
