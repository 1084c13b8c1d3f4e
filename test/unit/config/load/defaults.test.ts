import { describe, expect, test } from 'bun:test';
import { problems, read, serverWith } from '../reading.ts';

test('a server needs a name and a url; everything else has a default', () => {
  expect(read('servers: [{ name: local, url: http://127.0.0.1:3000/mcp }]').config).toEqual({
    host: '127.0.0.1',
    port: 8766,
    mcp: {
      auth: { mode: 'none' },
      session: {
        idle_ttl_seconds: 3600,
        gc_interval_seconds: 60,
        shutdown_grace_seconds: 5,
        drain_delay_seconds: 0,
      },
      allowed_hosts: [],
      max_request_bytes: 4194304,
    },
    servers: [
      {
        name: 'local',
        url: 'http://127.0.0.1:3000/mcp',
        enabled: true,
        protocol: 'auto',
        era: 'auto',
        required: false,
        isolation: 'shared',
        isolation_max: 100,
        auth: 'none',
        headers: {},
        reconnect: { max_attempts: 0, backoff_base_ms: 1000, backoff_max_ms: 30000 },
        timeouts: { connect_seconds: 10, request_seconds: 300 },
        tools: { ttl_seconds: 300, prefix: true, allow: ['*'], deny: [], rename: {} },
        prompts: { allow: ['*'], deny: [] },
        resources: { allow: ['*'], deny: [] },
        tls_skip_verify: false,
        quirks: { normalize_sse_events: false, inject_accept_header: null },
      },
    ],
    profiles: [],
    state_dir: null,
    metrics: { enabled: true },
    logging: { level: 'info', format: 'auto' },
  });
});

test('a section that is given in part keeps the defaults of the rest', () => {
  const { config } = read('mcp: { session: { idle_ttl_seconds: 60 } }');
  expect(config.mcp.session).toEqual({
    idle_ttl_seconds: 60,
    gc_interval_seconds: 60,
    shutdown_grace_seconds: 5,
    drain_delay_seconds: 0,
  });
});

test('a file without servers is one for a gateway that gets them by a reload', () => {
  expect(read('{}').config.servers).toEqual([]);
});

test('the path is kept for messages', () => {
  expect(read('{}').path).toBe('f.yaml');
});

test('JSON is YAML', () => {
  expect(read('{"port": 80, "servers": [{"name": "a", "url": "http://b/"}]}').config.port).toBe(80);
});

test('a byte order mark and CRLF line ends are fine', () => {
  expect(read('\uFEFFhost: localhost\r\nport: 80\r\n').config).toMatchObject({ host: 'localhost', port: 80 });
});

test('a program has a minute to start, which may download it first', () => {
  const { config } = read('servers: [{ name: a, command: npx }]');
  expect(config.servers[0]?.timeouts.connect_seconds).toBe(60);
});

test('an alias repeats a value', () => {
  const { config } = read(
    serverWith('timeouts: &slow { request_seconds: 900 }') +
      '\n  - { name: b, url: http://b/, timeouts: *slow }',
  );
  expect(config.servers[1]?.timeouts).toEqual({ connect_seconds: 10, request_seconds: 900 });
});

test.each([
  ['backoff_max_ms: 500', { max_attempts: 0, backoff_base_ms: 500, backoff_max_ms: 500 }],
  ['backoff_max_ms: 60000', { max_attempts: 0, backoff_base_ms: 1000, backoff_max_ms: 60000 }],
  ['backoff_base_ms: 60000', { max_attempts: 0, backoff_base_ms: 60000, backoff_max_ms: 60000 }],
  ['backoff_base_ms: 20', { max_attempts: 0, backoff_base_ms: 20, backoff_max_ms: 30000 }],
  [
    'backoff_base_ms: 500, backoff_max_ms: 500',
    { max_attempts: 0, backoff_base_ms: 500, backoff_max_ms: 500 },
  ],
])('a bound of the backoff makes the default of the other give way: %s', (written, reconnect) => {
  expect(read(serverWith(`reconnect: { ${written} }`)).config.servers[0]?.reconnect).toEqual(reconnect);
});

describe('bounds', () => {
  test.each([
    'port: 0',
    'port: 65535',
    'host: "::1"',
    'host: gateway.example.com',
    'mcp: { max_request_bytes: 1073741824 }',
    'mcp: { session: { shutdown_grace_seconds: 0 } }',
    'mcp: { session: { idle_ttl_seconds: 0.5 } }',
    'mcp: { session: { idle_ttl_seconds: 2073600 } }',
    'mcp: { allowed_hosts: [example.com, 10.0.0.1, "::1", my_host] }',
    serverWith('reconnect: { max_attempts: 1000000, backoff_base_ms: 1, backoff_max_ms: 86400000 }'),
    'servers: [{ name: A-1_b.c, url: HTTPS://example.com:8443/mcp?a=b }]',
  ])('%p is accepted', (text) => {
    expect(read(text).path).toBe('f.yaml');
  });

  const times = 'a number of seconds from 0.01 to 2073600';
  test.each([
    ['port: -1', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found -1'],
    ['port: 65536', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found 65536'],
    ['port: 1.5', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found 1.5'],
    ['port: .inf', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found .inf'],
    ['port: .nan', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found .nan'],
    ['port: 1e30', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found 1e30'],
    [
      'mcp: { max_request_bytes: 1073741825 }',
      'f.yaml:1:27: mcp.max_request_bytes: expected a whole number from 1 to 1073741824, found 1073741825',
    ],
    [
      serverWith('timeouts: { connect_seconds: 0 }'),
      `f.yaml:4:34: servers[0].timeouts.connect_seconds: expected ${times}, found 0`,
    ],
    [
      serverWith('tools: { ttl_seconds: 2147484 }'),
      `f.yaml:4:27: servers[0].tools.ttl_seconds: expected ${times}, found 2147484`,
    ],
    [
      serverWith('reconnect: { backoff_base_ms: 501, backoff_max_ms: 500 }'),
      'f.yaml:4:16: servers[0].reconnect: backoff_base_ms, 501, is larger than backoff_max_ms, 500',
    ],
  ])('%p is not', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});
