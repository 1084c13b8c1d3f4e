import { expect, test } from 'bun:test';
import { gatewayView } from '../../../src/clients/gateway-view.ts';

test('an entry that leads to the gateway is known by its URL or its command', () => {
  expect(gatewayView({ url: 'http://127.0.0.1:8766/mcp' }, 8766)).toBe('');
  expect(gatewayView({ type: 'http', url: 'http://localhost:8766/mcp/github' }, 8766)).toBe('github');
  expect(gatewayView({ serverUrl: 'http://[::1]:8766/mcp/' }, 8766)).toBe('');
  expect(gatewayView({ uri: 'http://127.0.0.1:8766/mcp/a%20b' }, 8766)).toBe('a%20b');
  expect(gatewayView({ command: '/usr/local/bin/mcpstead', args: ['stdio'] }, 8766)).toBe('');
  expect(gatewayView({ command: 'C:\\bin\\mcpstead.exe', args: ['stdio', '--server', 'fs'] }, 8766)).toBe(
    'fs',
  );
  expect(gatewayView({ command: ['/opt/mcpstead', 'stdio', '--profile', 'work'] }, 8766)).toBe('work');
  expect(gatewayView({ command: 'mcpstead', args: ['stdio', '--server=fs'] }, 8766)).toBe('fs');
});

test('an entry that leads to the gateway by a bridge of others is known by the URL among its arguments', () => {
  const bridge = (url: string) => ({ command: 'npx', args: ['-y', 'mcp-remote', url] });
  expect(gatewayView(bridge('http://localhost:8766/mcp'), 8766)).toBe('');
  expect(gatewayView(bridge('http://localhost:8766/mcp/github'), 8766)).toBe('github');
  expect(gatewayView(bridge('http://localhost:3000/mcp'), 8766)).toBeNull();
});

test('any other entry leads elsewhere', () => {
  for (const entry of [
    { url: 'https://mcp.example.com/mcp' },
    { url: 'http://127.0.0.1:3000/sse' },
    // Another server of this machine.
    { url: 'http://127.0.0.1:3000/mcp' },
    { url: 5 },
    { command: 'npx', args: ['mcpstead-tools'] },
    { command: '/usr/bin/notmcpstead', args: ['stdio'] },
    {},
    null,
    'mcpstead',
  ]) {
    expect(gatewayView(entry, 8766)).toBeNull();
  }
});
