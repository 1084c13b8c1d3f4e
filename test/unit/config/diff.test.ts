import { describe, expect, test } from 'bun:test';
import { diffConfig, summaryOf, withRunningSettings } from '../../../src/config/diff.ts';
import { type Env, read } from './reading.ts';

const nothing = { added: [], removed: [], restarted: [], updated: [], unchanged: [], ignored: [] };

const diff = (before: string, after: string, envBefore: Env = {}, envAfter: Env = envBefore) =>
  diffConfig(read(before, envBefore), read(after, envAfter));

/** A file with one server `a` that has these keys. */
const one = (keys = '') => `servers: [{ name: a, url: http://a/${keys && `, ${keys}`} }]`;

test('the same file changes nothing', () => {
  expect(diff(one(), one())).toEqual({ ...nothing, unchanged: ['a'] });
});

test('servers come and go by name', () => {
  const before = 'servers: [{ name: a, url: http://x/ }, { name: b, url: http://y/ }]';
  const after = 'servers: [{ name: c, url: http://x/ }, { name: b, url: http://y/ }]';
  expect(diff(before, after)).toEqual({ ...nothing, added: ['c'], removed: ['a'], unchanged: ['b'] });
});

test('a summary counts the servers and names the ignored keys', () => {
  const before = 'servers: [{ name: a, url: http://x/ }, { name: b, url: http://y/ }]';
  const after = 'port: 9, servers: [{ name: c, url: http://x/ }, { name: d, url: http://x/ }]';
  expect(summaryOf(diff(before, `{ ${after} }`))).toEqual({
    added: 2,
    removed: 2,
    restarted: 0,
    updated: 0,
    unchanged: 0,
    ignored: ['port'],
  });
});

test('the order of servers does not count, nor that of headers, nor a default that is written out', () => {
  const before =
    'servers: [{ name: a, url: http://x/, headers: { A: x, B: y } }, { name: b, url: http://y/ }]';
  const after =
    'servers: [{ name: b, url: http://y/, required: false }, { name: a, url: http://x/, headers: { B: y, A: x } }]';
  expect(diff(before, after)).toEqual({ ...nothing, unchanged: ['b', 'a'] });
});

describe('a server is restarted if a reconnect key changes', () => {
  test.each([
    ['url', 'servers: [{ name: a, url: http://b/ }]'],
    ['protocol', one('protocol: sse')],
    ['auth', one('auth: { type: bearer, token_env: T }')],
    ['headers', one('headers: { X: y }')],
    ['tls_skip_verify', one('tls_skip_verify: true')],
    ['one key that needs it among others', one('required: true, protocol: sse')],
  ])('%s', (_, after) => {
    expect(diff(one(), after, { T: 'token' })).toEqual({ ...nothing, restarted: ['a'] });
  });

  test('the value of its token', () => {
    const text = one('auth: { type: bearer, token_env: T }');
    expect(diff(text, text, { T: 'old' }, { T: 'new' })).toEqual({ ...nothing, restarted: ['a'] });
  });

  test('the value of a variable in a header', () => {
    const text = one(`headers: { X: '\${T}' }`);
    expect(diff(text, text, { T: 'old' }, { T: 'new' })).toEqual({ ...nothing, restarted: ['a'] });
  });
});

describe('a server is updated in place when only something else changed', () => {
  test.each([
    'timeouts: { request_seconds: 5 }',
    'tools: { ttl_seconds: 5 }',
    'reconnect: { max_attempts: 5 }',
    'required: true',
    'quirks: { normalize_sse_events: true }',
  ])('%s', (keys) => {
    expect(diff(one(), one(keys))).toEqual({ ...nothing, updated: ['a'] });
  });
});

test('keys that need a restart of the gateway are named', () => {
  const after = `
host: 0.0.0.0
port: 1
mcp: { session: { idle_ttl_seconds: 1, gc_interval_seconds: 1, shutdown_grace_seconds: 1 } }
logging: { level: debug, format: json }
`;
  expect(diff('{}', after).ignored).toEqual([
    'host',
    'port',
    'mcp.session.idle_ttl_seconds',
    'mcp.session.gc_interval_seconds',
    'mcp.session.shutdown_grace_seconds',
    'logging.level',
    'logging.format',
  ]);
  expect(diff(after, after).ignored).toEqual([]);
});

test('a reload keeps the running values of those keys and takes the others', () => {
  const running = read(
    '{ host: localhost, mcp: { session: { idle_ttl_seconds: 7 } }, logging: { level: warn } }',
  );
  const next = read(
    '{ port: 1, mcp: { max_request_bytes: 9 }, state_dir: /tmp, metrics: { enabled: false } }',
  );
  const { config } = withRunningSettings(next, running);
  expect(config).toEqual({
    ...running.config,
    mcp: { ...running.config.mcp, max_request_bytes: 9 },
    metrics: { enabled: false },
  });
  expect(next.config.port).toBe(1);
});

test('keys that take effect at once are not', () => {
  const after = `
mcp: { auth: { mode: bearer }, allowed_hosts: [example.com], max_request_bytes: 1 }
metrics: { enabled: false }
`;
  expect(diff('{}', after, { MCPSTEAD_BEARER_TOKEN: 't' })).toEqual(nothing);
});
