import { expect, test } from 'bun:test';
import { shownEntry } from '../../../../src/clients/connect/shown-entry.ts';
import { plantedSecrets } from '../../../support/client-fixtures.ts';

test('an entry is shown in one line', () => {
  expect(
    shownEntry('github', { command: 'npx', args: ['-y', '@modelcontextprotocol/server-github'], env: {} }),
  ).toBe('"github": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"], "env": {} }');
  expect(shownEntry('m', { url: 'http://127.0.0.1:8766/mcp', enabled: true, timeout: 300 })).toBe(
    '"m": { "url": "http://127.0.0.1:8766/mcp", "enabled": true, "timeout": 300 }',
  );
});

test('references to variables, and names of variables, are shown', () => {
  expect(
    shownEntry('m', {
      headers: { Authorization: `Bearer \${env:MCPSTEAD_BEARER_TOKEN}` },
      bearer_token_env_var: 'MCPSTEAD_BEARER_TOKEN',
    }),
  ).toBe(
    `"m": { "headers": { "Authorization": "Bearer \${env:MCPSTEAD_BEARER_TOKEN}" }, "bearer_token_env_var": "MCPSTEAD_BEARER_TOKEN" }`,
  );
});

test('no secret is shown, wherever it stands', () => {
  const secret = 's3cr3tS3cr3tS3cr3tS3cr3t';
  const shown = shownEntry('m', {
    command: 'npx',
    args: [
      '--token',
      'short',
      '--api-key=short',
      `--header=Authorization: Bearer ${secret}`,
      'Authorization: short',
      secret,
      `postgresql://user:short@db/x?password=short`,
      'API_KEY=short',
      '-u',
      'ada:short',
      '--env=DB_PASSWORD=short',
      'https://x.example/mcp#token=short',
    ],
    env: { KEY: 'short', NUMBER: 5 },
    environment: { KEY: 'short' },
    headers: { 'X-Any': 'short' },
    http_headers: { 'X-Any': 'short' },
    url: `https://short@mcp.example.com/${secret}/mcp?key=short&x=short`,
    token: 'short',
    nested: { auth: { password: 'short' } },
  });
  expect(shown).not.toContain('short');
  expect(shown).not.toContain(secret);
  expect(shown).toContain('https://…@mcp.example.com/…/mcp?key=…&x=…');
});

test('planted secrets are not shown: named ones in any form, and the others by their look', () => {
  const { uuid, pgpassword, mysqlpassword, short, basic, path, ...recognizable } = plantedSecrets;
  for (const secret of Object.values(plantedSecrets)) {
    const named = {
      env: { A: secret },
      headers: { B: secret },
      args: ['--api-key', secret, `--token=${secret}`],
    };
    expect(shownEntry('m', named)).not.toContain(secret);
  }
  for (const secret of Object.values(recognizable)) {
    expect(shownEntry('m', { args: [secret] })).not.toContain(secret);
  }
});
