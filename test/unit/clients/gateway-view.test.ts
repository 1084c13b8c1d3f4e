import { expect, test } from 'bun:test';
import { gatewayView } from '../../../src/clients/gateway-view.ts';

test('an entry that leads to a gateway of this machine is known by its URL or its command', () => {
  expect(gatewayView({ url: 'http://127.0.0.1:8766/mcp' })).toBe('');
  expect(gatewayView({ type: 'http', url: 'http://localhost:9000/mcp/github' })).toBe('github');
  expect(gatewayView({ serverUrl: 'http://[::1]:8766/mcp/' })).toBe('');
  expect(gatewayView({ uri: 'http://127.0.0.1:8766/mcp/a%20b' })).toBe('a%20b');
  expect(gatewayView({ command: '/usr/local/bin/mcpstead', args: ['stdio'] })).toBe('');
  expect(gatewayView({ command: 'C:\\bin\\mcpstead.exe', args: ['stdio', '--server', 'fs'] })).toBe('fs');
  expect(gatewayView({ command: ['/opt/mcpstead', 'stdio', '--profile', 'work'] })).toBe('work');
});

test('any other entry leads elsewhere', () => {
  for (const entry of [
    { url: 'https://mcp.example.com/mcp' },
    { url: 'http://127.0.0.1:3000/sse' },
    { url: 5 },
    { command: 'npx', args: ['mcpstead-tools'] },
    { command: '/usr/bin/notmcpstead', args: ['stdio'] },
    {},
    null,
    'mcpstead',
  ]) {
    expect(gatewayView(entry)).toBeNull();
  }
});
