// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { warningsOf } from '../../../src/config/warnings.ts';
import { problems, read, serverWith } from './reading.ts';

const warnings = (text: string, env = {}) => read(text, env).warnings;

describe('a token for clients', () => {
  const unused =
    'MCPSTEAD_BEARER_TOKEN is set, but mcp.auth.mode is none: clients need no token; to ask for it write "mcp: { auth: { mode: bearer } }"';
  test.each([
    ['is warned of where nobody asks for it', '{}', 'secret', [unused]],
    ['is not warned of where it is asked for', 'mcp: { auth: { mode: bearer } }', 'secret', []],
    ['is not warned of where it is empty', '{}', '', []],
  ])('%s', (_, text, token, expected) => {
    expect(warnings(text, { MCPSTEAD_BEARER_TOKEN: token })).toEqual(expected);
  });
});

describe('a foreign reference causes a warning with its location, without the value', () => {
  const env = { API_KEY: 'hunter2' };
  const asItStands = (place: string, key: string, written: string) =>
    `f.yaml:${place}: servers[0].${key}: "${written}" is taken literally; for the value of a variable write "\${API_KEY}"`;
  test.each([
    ['headers: { X-Key: $API_KEY }', asItStands('4:23', 'headers.X-Key', '$API_KEY')],
    ['headers: { Authorization: Bearer $API_KEY }', asItStands('4:38', 'headers.Authorization', '$API_KEY')],
    ['headers: { X-Key: "%API_KEY%" }', asItStands('4:24', 'headers.X-Key', '%API_KEY%')],
    ['headers: { X-Key: $(API_KEY) }', asItStands('4:23', 'headers.X-Key', '$(API_KEY)')],
    ['headers: { X-Key: "$env:API_KEY" }', asItStands('4:24', 'headers.X-Key', '$env:API_KEY')],
    ['headers: { X-Key: "{env:API_KEY}" }', asItStands('4:24', 'headers.X-Key', '{env:API_KEY}')],
    ['headers: { X-Key: os.environ/API_KEY }', asItStands('4:23', 'headers.X-Key', 'os.environ/API_KEY')],
    ['headers: { X-Key: process.env.API_KEY }', asItStands('4:23', 'headers.X-Key', 'process.env.API_KEY')],
    ['headers: { X-Key: "{{ API_KEY }}" }', asItStands('4:24', 'headers.X-Key', '{{ API_KEY }}')],
    [
      'quirks: { inject_accept_header: $API_KEY }',
      asItStands('4:37', 'quirks.inject_accept_header', '$API_KEY'),
    ],
  ])('%s', (line, warning) => {
    expect(warnings(serverWith(line), env)).toEqual([warning]);
  });

  test('in a url', () => {
    expect(warnings('servers: [{ name: a, url: "http://$HOST:3000/$PATH_PART" }]')).toEqual([
      'f.yaml:1:35: servers[0].url: "$HOST" is taken literally; for the value of a variable write "${HOST}"',
    ]);
  });

  test.each([
    'headers: { X-Key: "${API_KEY}" }',
    'headers: { X-Key: "$${API_KEY}" }',
    'headers: { X-Key: $api_key }',
    'headers: { X-Key: pa$WORD1 }',
    'headers: { X-Key: "$$API_KEY" }',
    'headers: { X-Key: "$2b$10$ABCDEF" }',
    'headers: { X-Key: "$5" }',
    'headers: { X-Key: "%AB%CD%20" }',
    'headers: { X-Key: "100% SURE %" }',
  ])('but not what is none: %s', (line) => {
    expect(warnings(serverWith(line), env)).toEqual([]);
  });

  test('nor what a variable holds', () => {
    expect(warnings(serverWith('headers: { X-Key: "${API_KEY}" }'), { API_KEY: '$OTHER' })).toEqual([]);
  });

  test('if it is an error, the message shows the right form', () => {
    expect(problems(serverWith('headers: { X-Key: "${env:API_KEY}" }'), env)).toEqual([
      'f.yaml:4:24: a reference is the name of the variable alone; write "${API_KEY}"',
    ]);
  });
});

describe('a server that is the gateway itself is warned of', () => {
  const own = 'a: its url is the address of this gateway, which cannot be its own server';
  test.each([
    ['http://localhost:8766/mcp', '127.0.0.1', 8766, [own]],
    ['http://127.0.0.1:8766/mcp', 'localhost', 8766, [own]],
    ['http://[::1]:8766/mcp', '0.0.0.0', 8766, [own]],
    ['http://10.0.0.7:8766/mcp', '10.0.0.7', 8766, [own]],
    ['http://localhost/mcp', 'localhost', 80, [own]],
    ['http://localhost:8767/mcp', '127.0.0.1', 8766, []],
    ['http://localhost:8766/mcp', '10.0.0.7', 8766, []],
    ['https://localhost:8766/mcp', '127.0.0.1', 8766, []],
  ])('%s on %s port %d', (url, host, port, expected) => {
    const loaded = read(`{ host: '${host}', port: ${port}, servers: [{ name: a, url: '${url}' }] }`);
    expect(warningsOf(loaded).filter((warning) => warning.startsWith('a:'))).toEqual(expected);
  });
});
