import { describe, expect, test } from 'bun:test';
import { problems, read, refusal, serverWith } from '../reading.ts';

test('a problem shows place, expectation, finding and the line with carets below it', () => {
  expect(refusal('host: localhost\nport: high # for now')).toBe(
    [
      'invalid configuration, 1 problem',
      '',
      'f.yaml:2:7: port: expected a whole number from 0 to 65535, found high',
      '  2 | port: high',
      '    |       ^^^^',
    ].join('\n'),
  );
});

test('all problems are reported at once, in the order of the file', () => {
  const text = `port: 80a
mcp:
  auth: { mode: barer }
  sesion: {}
servers:
  - name: a__b
    url: ftp://example.com
  - name: c
logging: loud
`;
  expect(problems(text)).toEqual([
    'f.yaml:1:7: port: expected a whole number from 0 to 65535, found 80a',
    'f.yaml:3:17: mcp.auth.mode: expected none or bearer, found barer; did you mean "bearer"?',
    'f.yaml:4:3: unknown key "sesion" in mcp; did you mean "session"?',
    'f.yaml:6:11: servers[0].name: expected a name without "__", which separates server and tool names, found a__b',
    'f.yaml:7:10: servers[0].url: expected an http:// or https:// URL, found ftp://example.com',
    'f.yaml:8:5: servers[1].url is missing; expected an http:// or https:// URL, or a "command" to start',
    'f.yaml:9:10: logging: expected a mapping, found loud',
  ]);
  expect(refusal(text)).toStartWith('invalid configuration, 7 problems\n\nf.yaml:1:7: port');
});

test('after fifty problems the rest is only counted', () => {
  const text = Array.from({ length: 60 }, (_, index) => `key${index}: 1`).join('\n');
  const message = refusal(text);
  expect(message).toStartWith('invalid configuration, 60 problems\n');
  expect(message).toEndWith('\n\nand 10 more');
  expect(problems(text)).toHaveLength(50);
});

describe('types', () => {
  test.each([
    [
      'port: "8766"',
      'f.yaml:1:7: port: expected a whole number from 0 to 65535, found "8766"; remove the quotes',
    ],
    ['port: [1]', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found a list'],
    ['port: { a: 1 }', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found a mapping'],
    ['port: true', 'f.yaml:1:7: port: expected a whole number from 0 to 65535, found true'],
    [
      'port:',
      'f.yaml:1:1: port: expected a whole number from 0 to 65535, found no value; remove the key, or give it a value',
    ],
    ['mcp: []', 'f.yaml:1:6: mcp: expected a mapping, found a list'],
    ['mcp:', 'f.yaml:1:1: mcp: expected a mapping, found no value; remove the key, or give it a value'],
    [
      'host: 127',
      'f.yaml:1:7: host: expected a host name or IP address without port, found 127; put it in quotes',
    ],
    [
      'servers: { a: b }',
      'f.yaml:1:10: servers: expected a list of servers, each with "- name: …", found a mapping; write each with its name: "- name: a" with "url: …" below "name"',
    ],
    ['servers: [local]', 'f.yaml:1:11: servers[0]: expected a mapping, found local'],
    [
      'metrics: { enabled: yes }',
      'f.yaml:1:21: metrics.enabled: expected true or false, found yes; YAML 1.2 has no other words for it; write true',
    ],
    [
      'metrics: { enabled: "true" }',
      'f.yaml:1:21: metrics.enabled: expected true or false, found "true"; remove the quotes',
    ],
    ['metrics: { enabled: 1 }', 'f.yaml:1:21: metrics.enabled: expected true or false, found 1; write true'],
    [
      'logging: { level: warning }',
      'f.yaml:1:19: logging.level: expected trace, debug, info, warn or error, found warning; did you mean "warn"?',
    ],
    [
      'logging: { level: 3 }',
      'f.yaml:1:19: logging.level: expected trace, debug, info, warn or error, found 3',
    ],
    ['[1]', 'f.yaml:1:1: expected a mapping, found a list'],
  ])('%p', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});

describe('host names', () => {
  const expected = 'expected a host name or IP address without port';
  test.each([
    [
      'host: localhost:80',
      `f.yaml:1:7: host: ${expected}, found localhost:80; write localhost, and 80 into "port"`,
    ],
    ['host: http://localhost', `f.yaml:1:7: host: ${expected}, found http://localhost; write localhost`],
    ['host: "[::1]"', `f.yaml:1:7: host: ${expected}, found "[::1]"; write "::1"`],
    ['host: "*"', `f.yaml:1:7: host: ${expected}, found "*"; write 0.0.0.0 to listen on all addresses`],
    ['host: ""', `f.yaml:1:7: host: ${expected}, found ""`],
    ['host: "*.example.com"', `f.yaml:1:7: host: ${expected}, found "*.example.com"`],
    ['host: 10.0.0.0/8', `f.yaml:1:7: host: ${expected}, found 10.0.0.0/8`],
    ['host: 10.0.0.256', `f.yaml:1:7: host: ${expected}, found 10.0.0.256`],
  ])('%p', (text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});

describe('allowed hosts', () => {
  test.each([
    'gateway.example',
    'localhost',
    'my_host.',
    '10.0.0.1',
    '10.0.0.0/8',
    '10.0.0.1/32',
    '0.0.0.0/0',
    '"::1"',
    '"fd00::/8"',
    '"2001:db8:1:2::/64"',
    '"::ffff:10.0.0.0/104"',
    '"*.example.com"',
    '"*.local"',
  ])('may be %s', (host) => {
    expect(read(`mcp: { allowed_hosts: [${host}] }`).config.mcp.allowed_hosts).toHaveLength(1);
  });

  const bare = 'a host without scheme, port, path and brackets';
  test.each([
    ['http://x', `${bare}: x`],
    ['https://*.example.com', `${bare}: *.example.com`],
    ['x.example:80', `${bare}: x.example`],
    ['x.example/mcp', `${bare}: x.example`],
    ['"[::1]"', `${bare}: ::1`],
    ['"[fd00::1]:80"', `${bare}: fd00::1`],
    ['10.0.0.0/33', 'a prefix length from 0 to 32 after "/"'],
    ['10.0.0.0/255.0.0.0', 'a prefix length from 0 to 32 after "/"'],
    ['10.0.0.0/', 'a prefix length from 0 to 32 after "/"'],
    ['"fd00::/129"', 'a prefix length from 0 to 128 after "/"'],
    ['10.1.2.3/8', 'the first address of the range: 10.0.0.0/8'],
    ['192.168.1.200/26', 'the first address of the range: 192.168.1.192/26'],
    ['"fd00::1:2/16"', 'the first address of the range: fd00::/16'],
    ['"2001:db8:1:2:3:4:5:6/60"', 'the first address of the range: 2001:db8:1::/60'],
    ['10.1.*', 'a range as address and prefix length: 10.1.0.0/16'],
    ['10.*.*.*', 'a range as address and prefix length: 10.0.0.0/8'],
    ['foo.*.com', '"*." at the beginning only, for all names below a domain'],
    ['"*example.com"', '"*." at the beginning only, for all names below a domain'],
    ['"*.*.com"', '"*." at the beginning only, for all names below a domain'],
    ['.example.com', '"*.example.com" for all names below a domain'],
    ['"*"', 'names or ranges of hosts; "*" would let every web page in'],
    ['10.0.0.256', 'a host name, an IP address, a range such as 10.0.0.0/8, or "*.example.com"'],
    ['"a b"', 'a host name, an IP address, a range such as 10.0.0.0/8, or "*.example.com"'],
    ['""', 'a host name, an IP address, a range such as 10.0.0.0/8, or "*.example.com"'],
  ])('are not: %s', (host, expected) => {
    expect(problems(`mcp: { allowed_hosts: [${host}] }`)).toEqual([
      `f.yaml:1:24: mcp.allowed_hosts[0]: expected ${expected}, found ${host}`,
    ]);
  });

  test('are a list', () => {
    expect(problems('mcp: { allowed_hosts: gateway.example }')).toEqual([
      'f.yaml:1:23: mcp.allowed_hosts: expected a list of hosts, found gateway.example; write [gateway.example]',
    ]);
  });
});

describe('server names', () => {
  test.each([
    ['a__b', 'a name without "__", which separates server and tool names'],
    ['a_', 'a name that does not end in "_"'],
    ['_a', 'a name of letters, digits, "_", "-" and ".", that begins with a letter or digit'],
    ['ä', 'a name of letters, digits, "_", "-" and ".", that begins with a letter or digit'],
    ['""', 'a name of letters, digits, "_", "-" and ".", that begins with a letter or digit'],
    ['1', 'a name, found 1; put it in quotes'],
  ])('%p is refused', (name, expected) => {
    const found = expected.includes('found') ? '' : `, found ${name}`;
    expect(problems(`servers: [{ name: ${name}, url: http://b/ }]`)).toEqual([
      `f.yaml:1:19: servers[0].name: expected ${expected}${found}`,
    ]);
  });

  test('a name of 100 characters is accepted', () => {
    const name = 'a'.repeat(100);
    expect(read(`servers: [{ url: http://b/, name: ${name} }]`).config.servers[0]?.name).toBe(name);
  });

  test('a name that is used twice is shown at both places', () => {
    const text =
      'servers:\n  - { name: a, url: http://a/ }\n  - { name: b, url: http://b/ }\n  - { name: a, url: http://c/ }';
    expect(refusal(text)).toBe(
      [
        'invalid configuration, 1 problem',
        '',
        'f.yaml:4:13: servers[2].name: "a" is taken; names are unique',
        '  4 |   - { name: a, url: http://c/ }',
        '    |             ^',
        'f.yaml:2:13: another server has this name',
        '  2 |   - { name: a, url: http://a/ }',
        '    |             ^',
      ].join('\n'),
    );
  });
});

describe('urls', () => {
  test.each([
    ['localhost:3000', 'an http:// or https:// URL', 'localhost:3000; put http:// in front'],
    ['http:/localhost', 'an http:// or https:// URL', 'http:/localhost; it begins with http://'],
    ['http://', 'an http:// or https:// URL', 'http://'],
    [
      'http://localhost:99999',
      'an http:// or https:// URL',
      'http://localhost:99999; a port is at most 65535',
    ],
    ['"http://local host/"', 'an http:// or https:// URL', '"http://local host/"'],
    ['"http://a/\\nb"', 'an http:// or https:// URL', '"http://a/\\nb"'],
    ['http://a/mcp#tools', 'a URL without "#…", which never reaches a server', 'http://a/mcp#***'],
    ['http://a/mcp#', 'a URL without "#…", which never reaches a server', 'http://a/mcp#'],
  ])('%p is refused', (url, expected, found) => {
    expect(problems(`servers:\n  - name: a\n    url: ${url}`)).toEqual([
      `f.yaml:3:10: servers[0].url: expected ${expected}, found ${found}`,
    ]);
  });
});

describe('a user name and password in a url', () => {
  const server = (...lines: string[]) =>
    ['servers:', '  - name: a', '    url: http://me:hunter2@b/mcp', ...lines].join('\n');

  test.each([
    ['http://me:hunter2@b/mcp', {}],
    ['http://me@b/mcp', {}],
    [`http://\${WHO}@b/mcp`, { WHO: 'me:hunter2' }],
    [`\${URL}`, { URL: 'http://me:hunter2@b/mcp' }],
  ])('is accepted: %s', (url, env) => {
    expect(read(`servers: [{ name: a, url: '${url}' }]`, env).config.servers).toHaveLength(1);
  });

  test('and auth of type bearer exclude each other', () => {
    const text = server('    auth: { type: bearer, token_env: T }');
    expect(refusal(text, { T: 't' })).toBe(
      [
        'invalid configuration, 1 problem',
        '',
        'f.yaml:3:10: servers[0].url: its user name and password set the header Authorization, as does auth of type bearer; remove one of them',
        '  3 |     url: http://***@b/mcp',
        '    |          ^^^^^^^^^^^^^^^^',
      ].join('\n'),
    );
  });

  test('and a header Authorization exclude each other', () => {
    expect(problems(server('    headers: { authorization: Digest }'))).toEqual([
      'f.yaml:3:10: servers[0].url: its user name and password set the header Authorization, as does the header authorization in headers; remove one of them',
    ]);
  });
});

describe('protocols', () => {
  test.each([
    ['streamable-http', '; did you mean "streamable"?'],
    ['SSE', '; did you mean "sse"?'],
    ['websocket', '; MCP has no WebSocket transport'],
  ])('%p is none', (protocol, advice) => {
    expect(problems(serverWith(`protocol: ${protocol}`))).toEqual([
      `f.yaml:4:15: servers[0].protocol: expected auto, streamable, sse or stdio, found ${protocol}${advice}`,
    ]);
  });
});

describe('isolation', () => {
  test.each([
    ['isolation: client', 'f.yaml:4:16: servers[0].isolation: expected shared or session, found client'],
    [
      'isolation_max: 0',
      'f.yaml:4:20: servers[0].isolation_max: expected a whole number from 1 to 100000, found 0',
    ],
  ])('%p is none', (line, problem) => {
    expect(problems(serverWith(line))).toEqual([problem]);
  });
});

describe('headers', () => {
  test.each([
    [
      '"a b": c',
      'f.yaml:4:16: servers[0].headers: this key is not an HTTP header name; expected letters, digits, - and _',
    ],
    [
      '"a:b": c',
      'f.yaml:4:16: servers[0].headers: this key is not an HTTP header name; expected letters, digits, - and _; add a space after the colon',
    ],
    [
      '"a\\r\\nb": c',
      'f.yaml:4:16: servers[0].headers: this key is not an HTTP header name; expected letters, digits, - and _',
    ],
    [
      '"": c',
      'f.yaml:4:16: servers[0].headers: this key is not an HTTP header name; expected letters, digits, - and _',
    ],
    [
      'Content-Type: c',
      'f.yaml:4:16: servers[0].headers: the header Content-Type cannot be set here: the gateway sets it',
    ],
    [
      'mcp-session-id: c',
      'f.yaml:4:16: servers[0].headers: the header mcp-session-id cannot be set here: the gateway sets it',
    ],
    [
      'MCP-Protocol-Version: c',
      'f.yaml:4:16: servers[0].headers: the header MCP-Protocol-Version cannot be set here: the gateway sets it',
    ],
    [
      'Mcp-Param-City: c',
      'f.yaml:4:16: servers[0].headers: the header Mcp-Param-City cannot be set here: the gateway sets it',
    ],
    [
      'accept: c',
      'f.yaml:4:16: servers[0].headers: the header accept cannot be set here: use quirks.inject_accept_header',
    ],
    ['Host: c', 'f.yaml:4:16: servers[0].headers: the header Host cannot be set here: it comes from url'],
    [
      'Connection: c',
      'f.yaml:4:16: servers[0].headers: the header Connection cannot be set here: it belongs to the connection, not to the request',
    ],
    ['X: 12', 'f.yaml:4:19: servers[0].headers.X: expected a string, found ***; put it in quotes'],
    [
      'X: "a\\r\\nb"',
      'f.yaml:4:19: servers[0].headers.X: expected printable ASCII characters on one line, found ***',
    ],
    [
      'X: naïve',
      'f.yaml:4:19: servers[0].headers.X: expected printable ASCII characters on one line, found ***',
    ],
    ['X: [a]', 'f.yaml:4:19: servers[0].headers.X: expected a string, found a list'],
  ])('{ %s } is refused', (header, problem) => {
    expect(problems(serverWith(`headers: { ${header} }`))).toEqual([problem]);
  });

  test('one name in two spellings is written twice', () => {
    expect(problems(serverWith('headers:', '  X-Key: a', '  x-key: b'))).toEqual([
      'f.yaml:6:7: the header x-key is written twice; header names ignore case',
      'f.yaml:5:7: first written here',
    ]);
  });

  test('Authorization is for headers or for auth, not for both', () => {
    const text = serverWith('auth: { type: bearer, token_env: T }', 'headers: { authorization: a }');
    expect(problems(text, { T: 't' })).toEqual([
      'f.yaml:5:16: the header authorization cannot be set here: auth of type bearer sets it',
    ]);
  });

  test('the Accept header of quirks is one line, too', () => {
    expect(problems(serverWith('quirks: { inject_accept_header: "a\\nb" }'))).toEqual([
      'f.yaml:4:37: servers[0].quirks.inject_accept_header: expected printable ASCII characters on one line, found "a\\nb"',
    ]);
  });
});
