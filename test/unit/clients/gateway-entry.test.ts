import { expect, test } from 'bun:test';
import { gatewayEntry } from '../../../src/clients/gateway-entry.ts';
import { clientRows } from '../../../src/clients/table.ts';

const target = {
  url: 'http://127.0.0.1:8766/mcp',
  needsToken: false,
  command: '/usr/bin/mcpstead',
  view: null,
};
const { url } = target;
const stdio = { command: '/usr/bin/mcpstead', args: ['stdio'] };
const entries = (options: object) =>
  Object.fromEntries(clientRows.map((row) => [row.id, gatewayEntry(row, { ...target, ...options })]));

test('the entry of the gateway is in the form of each client', () => {
  expect(entries({})).toEqual({
    'claude-desktop': stdio,
    'claude-code': { type: 'http', url },
    cursor: { url },
    vscode: { type: 'http', url },
    'vscode-insiders': { type: 'http', url },
    windsurf: { serverUrl: url },
    zed: { url },
    codex: { url },
    'gemini-cli': { httpUrl: url },
    opencode: { type: 'remote', enabled: true, url },
    cline: { type: 'streamableHttp', url },
    roo: { type: 'streamable-http', url },
    goose: { name: 'mcpstead', enabled: true, timeout: 300, type: 'streamable_http', uri: url },
    'lm-studio': { url },
    warp: { url },
    junie: { url },
    'jetbrains-ai': { url },
  });
});

test('the token is a reference where the client has one, else mcpstead stdio knows it', () => {
  const headers = (reference: string) => ({ headers: { Authorization: `Bearer ${reference}` } });
  const found = entries({ needsToken: true });
  expect(found['claude-code']).toEqual({ type: 'http', url, ...headers(`\${MCPSTEAD_BEARER_TOKEN}`) });
  expect(found.cursor).toEqual({ url, ...headers(`\${env:MCPSTEAD_BEARER_TOKEN}`) });
  expect(found.codex).toEqual({ url, bearer_token_env_var: 'MCPSTEAD_BEARER_TOKEN' });
  expect(found.opencode).toEqual({
    type: 'remote',
    enabled: true,
    url,
    ...headers('{env:MCPSTEAD_BEARER_TOKEN}'),
  });
  expect(found['lm-studio']).toEqual(stdio);
  expect(found['claude-desktop']).toEqual(stdio);
});

test('an entry for one server names its view', () => {
  const found = entries({ view: 'github' });
  expect(found.cursor).toEqual({ url: 'http://127.0.0.1:8766/mcp/github' });
  expect(found['claude-desktop']).toEqual({
    command: '/usr/bin/mcpstead',
    args: ['stdio', '--server', 'github'],
  });
  expect(found.goose).toMatchObject({ name: 'github', uri: 'http://127.0.0.1:8766/mcp/github' });
});
