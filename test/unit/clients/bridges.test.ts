import { describe, expect, test } from 'bun:test';
import { bridgeTarget, withoutShell } from '../../../src/clients/bridges.ts';

const split = (line: string) => {
  const [command = '', ...args] = line.split(' ');
  return [command, args] as const;
};
const target = (line: string, env: Record<string, string> = {}) => bridgeTarget(...split(line), env);
const plain = { headers: {}, isSse: false, deny: [], logsIn: false };

describe('a bridge leads to its URL:', () => {
  test.each([
    ['npx mcp-remote https://a.example/mcp', { bridge: 'mcp-remote', logsIn: true }],
    ['npx -y mcp-remote@0.1.2 https://a.example/mcp 3334 --debug', { bridge: 'mcp-remote', logsIn: true }],
    ['npx.cmd --yes -p mcp-remote mcp-remote https://a.example/mcp', { bridge: 'mcp-remote', logsIn: true }],
    [
      'pnpm dlx mcp-remote https://a.example/mcp --transport sse-only',
      { bridge: 'mcp-remote', isSse: true, logsIn: true },
    ],
    [
      'bunx mcp-remote https://a.example/mcp --header X-Key:abc',
      { bridge: 'mcp-remote', headers: { 'X-Key': 'abc' } },
    ],
    [
      '/usr/bin/mcp-remote https://a.example/mcp --ignore-tool delete_*',
      { bridge: 'mcp-remote', deny: ['delete_*'], logsIn: true },
    ],
    ['npx -y supergateway --sse https://a.example/mcp', { bridge: 'supergateway', isSse: true }],
    [
      'npx -y supergateway --streamableHttp https://a.example/mcp --oauth2Bearer t',
      { bridge: 'supergateway', headers: { Authorization: 'Bearer t' } },
    ],
    ['uvx mcp-proxy https://a.example/mcp', { bridge: 'mcp-proxy', isSse: true }],
    ['uv tool run mcp-proxy --transport=streamablehttp https://a.example/mcp', { bridge: 'mcp-proxy' }],
    [
      'mcp-proxy --headers X-Key abc https://a.example/mcp',
      { bridge: 'mcp-proxy', isSse: true, headers: { 'X-Key': 'abc' } },
    ],
  ])('%s', (line, expected) => {
    expect(target(line)).toEqual({ ...plain, url: 'https://a.example/mcp', ...expected });
  });

  test('a server of this machine needs no login', () => {
    expect(target('npx mcp-remote http://localhost:3000/mcp --allow-http')).toMatchObject({ logsIn: false });
  });

  test('the variables in its headers are its own', () => {
    const env = { AUTH: 'Bearer abc' };
    const line = `npx mcp-remote https://a.example/mcp --header Authorization:\${AUTH} --header X-Other:\${OTHER}`;
    expect(target(line, env)?.headers).toEqual({ Authorization: 'Bearer abc', 'X-Other': `\${OTHER}` });
  });

  test('the token in the environment of mcp-proxy is a header', () => {
    expect(target('mcp-proxy https://a.example/sse', { API_ACCESS_TOKEN: 't' })?.headers).toEqual({
      Authorization: 'Bearer t',
    });
  });
});

describe('a program stays one:', () => {
  test.each([
    'npx -y @modelcontextprotocol/server-github',
    'npx -y supergateway --stdio server --port 8000',
    'npx mcp-proxy --port 8080 tsx server.ts',
    'npx mcp-remote https://a.example/mcp --unknown-option',
    'npx mcp-remote',
    'npx mcp-remote not-a-url',
    'npx',
  ])('%s', (line) => {
    expect(target(line)).toBeNull();
  });
});

test('cmd /c is left out', () => {
  expect(withoutShell('cmd', ['/c', 'npx', '-y', 'x'])).toEqual({ command: 'npx', args: ['-y', 'x'] });
  expect(withoutShell('C:\\Windows\\System32\\cmd.exe', ['/C', 'uvx', 'x'])).toEqual({
    command: 'uvx',
    args: ['x'],
  });
  expect(withoutShell('npx', ['/c', 'x'])).toEqual({ command: 'npx', args: ['/c', 'x'] });
});

test.each([
  [['/c', 'set API_KEY=abc&&npx -y x']],
  [['/c', 'set', 'API_KEY=abc&&', 'npx', '-y', 'x']],
  [['/c', 'npx -y x']],
  [['/c', 'npx', '-y', 'x', '>', 'log.txt']],
])('cmd %j stays, since it needs the shell', (args) => {
  expect(withoutShell('cmd', args)).toEqual({ command: 'cmd', args });
});
