import { describe, expect, test } from 'bun:test';
import { problems, refusal, serverWith } from '../reading.ts';

describe('an unknown key', () => {
  test.each([
    ['hots: a', 'f.yaml:1:1: unknown key "hots"; did you mean "host"?'],
    ['colour: red', 'f.yaml:1:1: unknown key "colour"'],
    [
      'mcp: { maxRequestBytes: 1 }',
      'f.yaml:1:8: unknown key "maxRequestBytes" in mcp; did you mean "max_request_bytes"?',
    ],
    [
      'mcp: { idle_ttl_seconds: 5 }',
      'f.yaml:1:8: unknown key "idle_ttl_seconds" in mcp; it belongs to mcp.session',
    ],
    ['level: info', 'f.yaml:1:1: unknown key "level"; it belongs to logging'],
    [
      serverWith('request_seconds: 5'),
      'f.yaml:4:5: unknown key "request_seconds" in servers[0]; it belongs to servers[].timeouts',
    ],
    [
      serverWith('quirks: { normalise_sse_events: true }'),
      'f.yaml:4:15: unknown key "normalise_sse_events" in servers[0].quirks; did you mean "normalize_sse_events"?',
    ],
    [
      serverWith('auth: { type: bearer, token_env: T, tokenEnv: T }'),
      'f.yaml:4:41: unknown key "tokenEnv" in servers[0].auth; did you mean "token_env"?',
    ],
    ['"": 1', 'f.yaml:1:1: unknown key ""'],
    ['1: a', 'f.yaml:1:1: unknown key "1"'],
    ['null: a', 'f.yaml:1:1: unknown key "null"'],
  ])('%p', (text, problem) => {
    expect(problems(text, { T: 'token' })).toEqual([problem]);
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'is %s, too, and does no harm',
    (key) => {
      expect(problems(`${key}: { polluted: true }`)).toEqual([`f.yaml:1:1: unknown key "${key}"`]);
      expect(problems(serverWith(`auth: { ${key}: a, type: bearer, token_env: T }`), { T: 't' })).toEqual([
        expect.stringMatching(new RegExp(`^f.yaml:4:13: unknown key "${key}"`)),
      ]);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );

  test('shows as a plain word only: without a space after the colon, a value belongs to the key', () => {
    const text = serverWith('auth: { type: bearer, token_env: T, token:hunter2, "to ken": a }');
    expect(refusal(text, { T: 'token' })).toBe(
      [
        'invalid configuration, 2 problems',
        '',
        'f.yaml:4:41: unknown key "token:***" in servers[0].auth; add a space after the colon',
        '  4 |     auth: { type: bearer, token_env: T, token:***, "to***: *** }',
        '    |                                         ^^^^^^^^^',
        '',
        'f.yaml:4:56: unknown key "to***" in servers[0].auth',
        '  4 |     auth: { type: bearer, token_env: T, token:***, "to***: *** }',
        '    |                                                    ^^^^^^',
      ].join('\n'),
    );
  });

  test('is shortened when it is long', () => {
    expect(problems(`? ${'k'.repeat(500_000)}\n: 1`)).toEqual([
      `f.yaml:1:3: unknown key "${'k'.repeat(60)}…"`,
    ]);
  });
});

describe('a token in the file is refused', () => {
  const gateway =
    'do not write a token into the file; put it into the environment variable MCPSTEAD_BEARER_TOKEN';
  const server =
    'do not write a token into the file; put it into an environment variable and name that in auth.token_env';

  test.each([
    [
      'mcp: { auth: { mode: none, bearer_token: hunter2 } }',
      `f.yaml:1:28: mcp.auth.bearer_token: ${gateway}`,
    ],
    ['mcp: { auth: { mode: none, token: hunter2 } }', `f.yaml:1:28: mcp.auth.token: ${gateway}`],
    ['mcp: { bearer_token: hunter2 }', `f.yaml:1:8: mcp.bearer_token: ${gateway}`],
    [
      serverWith('auth: { type: bearer, token_env: T, token: hunter2 }'),
      `f.yaml:4:41: servers[0].auth.token: ${server}`,
    ],
    [serverWith('token: hunter2'), `f.yaml:4:5: servers[0].token: ${server}`],
  ])('%p', (text, problem) => {
    expect(problems(text, { T: 'token' })).toEqual([problem]);
    expect(refusal(text, { T: 'token' })).not.toContain('hunter2');
  });
});

describe('auth of a server is none or a section', () => {
  const shapes = 'none or { type: bearer, token_env: NAME }';
  test.each([
    ['bearer', `f.yaml:4:11: servers[0].auth: expected ${shapes}, found bearer`],
    [
      '',
      `f.yaml:4:5: servers[0].auth: expected ${shapes}, found no value; remove the key, or give it a value`,
    ],
    ['[bearer]', `f.yaml:4:11: servers[0].auth: expected ${shapes}, found a list`],
    ['hunter2', `f.yaml:4:11: servers[0].auth: expected ${shapes}, found ***`],
    [
      '{ type: basic, token_env: T }',
      'f.yaml:4:19: servers[0].auth.type: expected bearer, found basic; write user name and password into the url, from variables',
    ],
    ['{ token_env: T }', 'f.yaml:4:11: servers[0].auth.type is missing; expected bearer'],
    [
      '{ type: bearer }',
      'f.yaml:4:11: servers[0].auth.token_env is missing; expected the name of an environment variable',
    ],
  ])('auth: %s', (auth, problem) => {
    expect(problems(serverWith(`auth: ${auth}`), { T: 'token' })).toEqual([problem]);
  });
});
