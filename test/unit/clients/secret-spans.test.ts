import { describe, expect, test } from 'bun:test';
import { secretSpans } from '../../../src/clients/secret-spans.ts';
import { plantedSecrets } from '../../support/client-fixtures.ts';

/** The text with `…` in place of each secret. */
function hidden(name: string | null, text: string): string {
  let result = text;
  for (const { start, end } of secretSpans(name, text).toReversed())
    result = `${result.slice(0, start)}…${result.slice(end)}`;
  return result;
}

describe('a secret is found', () => {
  const known = Object.entries(plantedSecrets).filter(
    ([name]) => !/password|short|awssecret|uuid|path|basic|airtable/.test(name),
  );
  test.each(known)('by its look alone: %s', (_, secret) => {
    expect(hidden(null, secret)).toBe('…');
    expect(hidden('SETTING', secret)).toBe('…');
    expect(hidden(null, `NAME=${secret}`)).toBe('NAME=…');
    expect(hidden(null, `{"a": "${secret}"}`)).not.toContain(secret.slice(4));
  });

  test.each([
    ['API_KEY', '3f2b8c1e-9d4a-4e7f-8b6c-2a1d0e9f8c7b', '…'],
    ['PASSWORD', 'hunter', '…'],
    ['AWS_SECRET_ACCESS_KEY', plantedSecrets.awssecret as string, '…'],
    ['X-Api-Key', 'abc', '…'],
    ['Authorization', 'Bearer abc', 'Bearer …'],
    ['Authorization', `Basic ${plantedSecrets.basic}`, 'Basic …'],
    ['SESSION_COOKIE', 'a1b2c3d4e5', '…'],
  ])('by its name: %s', (name, text, expected) => {
    expect(hidden(name, text)).toBe(expected);
  });

  test.each([
    ['postgres://app:p@ss@db/x', 'postgres://app:…@db/x'],
    ['postgres://app:pw@db/x', 'postgres://app:…@db/x'],
    ['mongodb+srv://root:secret@c0.example.net/?w=1', 'mongodb+srv://root:…@c0.example.net/?w=1'],
    ['https://x.example/mcp?api_key=abc&mode=fast', 'https://x.example/mcp?api_key=…&mode=fast'],
    ['https://x.example/mcp?token=abc', 'https://x.example/mcp?token=…'],
    [`https://x.example/s/${plantedSecrets.path}/sse`, 'https://x.example/s/…/sse'],
    [`https://x.example/${plantedSecrets.uuid}/mcp`, 'https://x.example/…/mcp'],
  ])('in a URL: %s', (text, expected) => {
    expect(hidden(null, text)).toBe(expected);
  });
});

describe('a secret is found by its name within a text', () => {
  test.each([
    ['{"token":"pw1","x":1}', '{"token":"…","x":1}'],
    ['{"apiKey": "a b", "mode": "fast"}', '{"apiKey": "…", "mode": "fast"}'],
    ['{\\"apiKey\\": \\"pw1\\"}', '{\\"apiKey\\": \\"…\\"}'],
    [`{'password': 'pw1'}`, `{'password': '…'}`],
    ['{"Authorization": "Token pw1"}', '{"Authorization": "Token …"}'],
    ['DB_PASSWORD=pw1', 'DB_PASSWORD=…'],
    ['--env=DB_PASSWORD=pw1', '--env=DB_PASSWORD=…'],
    ['https://x.example/mcp#token=pw1', 'https://x.example/mcp#token=…'],
    ['-eAPI_KEY=pw1', '-eAPI_KEY=…'],
    ['X-Api-Key:pw1', 'X-Api-Key:…'],
    ['Authorization: Bearer pw1', 'Authorization: Bearer …'],
    ['/apikey:pw1', '/apikey:…'],
    ['set API_KEY=pw1&&npx -y foo', 'set API_KEY=…&&npx -y foo'],
    ["export DB_PASSWORD='p w'; exec npx foo --token pw2", "export DB_PASSWORD='…'; exec npx foo --token …"],
    ['npx -y foo --api-key pw1', 'npx -y foo --api-key …'],
    ['host=db user=app password=pw1', 'host=db user=app password=…'],
    ['Server=db;Uid=app;Pwd=pw1;Pooling=true', 'Server=db;Uid=app;Pwd=…;Pooling=true'],
    ['app:pw1@tcp(db:3306)/x', 'app:…@tcp(db:3306)/x'],
  ])('%s', (text, expected) => {
    expect(hidden(null, text)).toBe(expected);
  });

  test.each([
    ['DB_PASS', 'pw1'],
    ['PGPASS', 'pw1'],
    ['GITHUB_PAT', 'pw1'],
    ['USER_PW', 'pw1'],
    ['LOGIN_PIN', '1234'],
    ['PASSWORD', '123456'],
  ])('%s=%s', (name, text) => {
    expect(hidden(name, text)).toBe('…');
  });
});

describe('no secret is', () => {
  test.each([
    [null, '@modelcontextprotocol/server-filesystem'],
    [null, '@modelcontextprotocol/server-filesystem@2025.7.1'],
    [null, 'ghcr.io/github/github-mcp-server:v0.5.0'],
    [null, 'image@sha256:4f9d2c1b7a6e5d4c3b2a1f0e9d8c7b6a4f9d2c1b7a6e5d4c3b2a1f0e9d8c7b6a'],
    [null, 'mcp-server-kubernetes-2025-preview'],
    [null, '/home/ada/projects/4f9d2c1b7a6e5d4c3b2a1f0e9d8c7b6a/data'],
    [null, 'https://mcp.context7.com/mcp'],
    [null, 'https://git@example.com/x.git'],
    [null, '--allow-write=/srv/data'],
    [null, 'postgresql://localhost:5432/app'],
    ['LOG_LEVEL', 'debug'],
    ['AUTH_MODE', 'oauth'],
    ['MAX_TOKENS', '4096'],
    ['USE_TOKEN', 'true'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '/home/ada/key.json'],
    ['TOKEN_URL', 'https://id.example/token'],
    ['API_KEY', `\${API_KEY}`],
    ['Authorization', `Bearer \${TOKEN}`],
    ['REGION', 'eu-west-1'],
    ['BYPASS', 'src'],
    [null, 'ghcr.io/acme/token-server:latest'],
    [null, 'acme/secret-store:latest-2026'],
    [null, 'npm:@acme/token@1'],
    [null, '{"max_tokens": 4096, "auth": "oauth", "key": "${KEY}"}'],
    [null, 'exec foo --token "$TOKEN" --password %PASSWORD%'],
    [null, 'TOKEN_URL=https://id.example/token'],
    [null, 'KEY_FILE=/home/ada/key.pem'],
    [null, 'python -m http.server --bind 127.0.0.1'],
    [null, 'author: Ada'],
  ])('%s: %s', (name, text) => {
    expect(hidden(name, text)).toBe(text);
  });
});
