import { describe, expect, test } from 'bun:test';
import { secretsOfCollector } from '../../../src/config/secrets.ts';
import { read, refusal, serverWith } from './reading.ts';

describe('the secrets of a configuration are', () => {
  const secretsOf = (text: string, env = {}) => [...read(text, env).secrets].sort();

  test('are empty without any', () => {
    expect(secretsOf(serverWith())).toEqual([]);
  });

  test('the tokens', () => {
    const text = `${serverWith('auth: { type: bearer, token_env: T }')}\nmcp: { auth: { mode: bearer } }`;
    expect(secretsOf(text, { T: 'upstream', MCPSTEAD_BEARER_TOKEN: 'downstream' })).toEqual([
      'downstream',
      'upstream',
    ]);
  });

  test('the values of headers that are about credentials, and credentials also without their scheme', () => {
    const text = serverWith(
      'headers: { Authorization: Bearer t0k, X-Key: one two, X-Empty: "", X-Session-Id: "true" }',
    );
    expect(secretsOf(text)).toEqual(['Bearer t0k', 'one two', 't0k', 'true']);
  });

  test('include the credentials within Basic, parameters and cookies', () => {
    const basic = serverWith('headers: { Authorization: Basic dXNlcjpwNHNz }');
    expect(secretsOf(basic)).toEqual(['Basic dXNlcjpwNHNz', 'dXNlcjpwNHNz', 'p4ss', 'user:p4ss']);
    const digest = serverWith(
      `headers: { Proxy-Authorization: 'Digest username="me", response="0a1b2c3d4e"' }`,
    );
    expect(secretsOf(digest)).toContain('0a1b2c3d4e');
    const cookies = serverWith('headers: { Cookie: "sid=0a1b2c3d4e; theme=dark; lang=en-US" }');
    expect(secretsOf(cookies)).toEqual(['0a1b2c3d4e', 'sid=0a1b2c3d4e; theme=dark; lang=en-US']);
  });

  test.each([
    'true',
    '"true"',
    '12345',
    'production',
    'read-only',
    'Acme Corp',
    'json',
    'application/json',
    '"text/html, application/xhtml+xml;q=0.9, */*;q=0.8"',
    '"gzip, deflate, br"',
    '"en-US,en;q=0.5"',
    '"text/plain; charset=utf-8"',
    '2026-07-28',
    'v2.10.3',
    'no-cache',
    's3cr3t',
  ])('but not the ordinary value %s of another header or parameter', (value) => {
    expect(
      secretsOf(serverWith(`headers: { X-Debug: ${value.startsWith('"') ? value : `"${value}"`} }`)),
    ).toEqual([]);
    const parameter = encodeURIComponent(value.replaceAll('"', ''));
    expect(secretsOf(`servers: [{ name: a, url: "http://b/?mode=${parameter}" }]`)).toEqual([]);
  });

  test.each([
    's3cr3t-of-mine',
    'correct horse battery staple',
    '4111111111111111',
    'XkdjfhQWoeiruty',
    'one,two,thr33',
  ])('the value %s of any header, which may be one', (value) => {
    expect(secretsOf(serverWith(`headers: { X-Author: "${value}" }`))).toEqual([value]);
  });

  test('the values of a query', () => {
    const url = 'http://b/?key=x%2Fy&debug=true&trace=0a1b2c3d4e&session=z&5d41402abc4b2a76';
    expect(secretsOf(`servers: [{ name: a, url: "${url}" }]`)).toEqual([
      '0a1b2c3d4e',
      '5d41402abc4b2a76',
      'x/y',
      'z',
    ]);
  });

  test('the password of a URL, and with it the user name, as text and in Base64', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://jo%20e:p%40ss@b/" }]')).toEqual([
      'am8gZTpwQHNz',
      'jo e:p@ss',
      'p@ss',
    ]);
  });

  test('include a user name without a password, or an unusual one', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://t0ken@b/" }]')).toContain('t0ken');
    expect(secretsOf('servers: [{ name: a, url: "http://ghp0123456789:x@b/" }]')).toContain('ghp0123456789');
  });

  test('but not a user name that is part of the address', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://wiki:p4ss@wiki.example.com/" }]')).toEqual([
      'd2lraTpwNHNz',
      'p4ss',
      'wiki:p4ss',
    ]);
  });

  test('what came from the environment', () => {
    const text = `servers: [{ name: a, url: 'http://b/\${PATH_KEY}', headers: { X: 'a-\${KEY}', Y: '\${MODE}' } }]`;
    const env = { PATH_KEY: 'p4th', KEY: 'k3y', MODE: 'true' };
    expect(secretsOf(text, env)).toEqual(['a-k3y', 'k3y', 'p4th', 'true']);
  });

  test('but not a name, protocol or address that came from there: these are shown on purpose', () => {
    const text = `servers: [{ name: '\${N}', url: '\${U}/mcp', protocol: '\${P}' }, { name: b, url: 'http://\${H}:1/' }]`;
    expect(secretsOf(text, { N: 'name', P: 'sse', U: 'http://LOCALHOST:80', H: 'Host' })).toEqual([
      'http://LOCALHOST:80',
    ]);
  });
});

describe('a message about the file does not show', () => {
  test.each([
    ['a header value', serverWith('headers: { X-Key: hunter2, X: 1 }')],
    ['a header value of many lines', serverWith('headers:', '  X-Key: |', '    hunter2', '    hunter2')],
    ['headers of a wrong type', serverWith('headers: "X-Key: hunter2"')],
    ['a list of headers', serverWith('headers: ["X-Key: hunter2"]')],
    ['a value below an unknown key', serverWith('hedaers: { X-Key: hunter2 }')],
    ['a value below an unknown section', 'secrets: { a: [hunter2, { b: hunter2 }] }'],
    [
      'an anchored value',
      'servers:\n- name: a\n  url: http://b/\n  headers: { X: &x hunter2 }\n  hedaers: { X: *x }',
    ],
    ['a token in the wrong place', 'mcp: { auth: hunter2 }'],
    ['a password in a URL', 'servers: [{ name: a, url: "http://me:hunter2@b/", prot: 1 }]'],
    ['a password with a blank in a URL', 'servers: [{ name: a, url: "http://me:my hunter2 pw@b/" }]'],
    [
      'a password with a blank in a URL without quotes',
      'servers:\n- name: a\n  url: http://me:my hunter2@b/',
    ],
    ['a password with blanks in what is no URL', 'servers: [{ name: a, url: "me:my hunter2 @b" }]'],
    [
      'a password of several lines',
      'servers:\n- name: a\n  url: http://me:my\n    hunter2\n    pw@b/\n  x: 1',
    ],
    [
      'a password in a folded text',
      'servers:\n- name: a\n  url: >-\n    http://me:my\n    hunter2 pw@b/\n  x: 1',
    ],
    ['a password before what YAML takes for a comment', 'servers:\n- name: a\n  url: http://me:hunter2 #@b/'],
    ['a password without its @', 'servers: [{ name: a, url: "http://me:hunter2/mcp" }]'],
    ['a password in a URL with escapes', 'servers: [{ name: a, url: "http:\\/\\/me:hunter2\\u0040b c" }]'],
    ['a query with quotes in it', `servers: [{ name: a, url: "ftp://b/?key=it's hunter2" }]`],
    ['a query of several lines', 'servers:\n- name: a\n  url: http://b/?a=1\n    hunter2'],
    ['what stands in the braces of a reference', `servers: [{ name: a, url: "http://b/\${oh hunter2}" }]`],
    ['what stands in braces that are not closed', `servers: [{ name: a, url: "http://b/\${oh hunter2" }]`],
    ['a password with strange characters', 'servers: [{ name: a, url: "http://me:/?#hunter2@b/" }]'],
    ['a password in what is no URL', 'servers: [{ name: a, url: "me:hunter2@b" }]'],
    ['a query', 'servers: [{ name: a, url: "ftp://b/?key=hunter2" }]'],
    ['a URL in place of a server', 'servers: ["http://me:hunter2@b/"]'],
    ['a bare text', 'hunter2'],
    ['the second value of a key', serverWith('headers: { X: a, X: hunter2 }')],
    ['a value below a merge key', serverWith('headers: { <<: { X: hunter2 } }')],
    ['a value below __proto__', 'servers: [{ __proto__: { headers: { X: hunter2 } } }]'],
    ['a tagged mapping', serverWith('headers: !all { X: hunter2 }')],
    ['a value far down', `servers: [{ name: ${'['.repeat(20)}hunter2${']'.repeat(20)} }]`],
    ['a value that is used twice', 'servers: [{ name: &x "://hunter2@hunter2", oops: *x }]'],
    ['a header without a space after its colon', serverWith('headers: { X-Key:hunter2 }')],
    ['a key with such a mistake that is written twice', serverWith('headers: { X:hunter2, X:hunter2 }')],
    ['a value that swallowed the next line', serverWith('required: true', '  X-Key hunter2')],
    ['a tagged value', serverWith('headers: { X: !secret hunter2 }')],
    ['the default of a reference', serverWith(`headers: { X: '\${A:-hunter2}\${B}' }`)],
  ])('%s', (_, text) => {
    expect(refusal(text)).not.toContain('hunter2');
  });

  test('other values on the same line', () => {
    const text = 'servers: [{ name: a, url: "http://b/?k=hunter2", headers: { X: hunter2 }, prot: 1 }]';
    expect(refusal(text)).toContain(
      '  1 | servers: [{ name: a, url: "http://b/?***", headers: { X: *** }, prot: *** }]\n' +
        '    |                                                                 ^^^^',
    );
  });
});

test('the secrets of the collector of traces are the values of its headers, and those in its URL', () => {
  expect(secretsOfCollector({})).toEqual([]);
  const secrets = secretsOfCollector({
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20t0k, x-key = k3y ,odd=%zz,none',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://bob:p4ss@collector.example/?api_key=q3ry',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'no URL',
  });
  expect([...new Set(secrets)].sort()).toEqual([
    '%zz',
    'Bearer t0k',
    'Bearer%20t0k',
    'Ym9iOnA0c3M=',
    'bob:p4ss',
    'k3y',
    'p4ss',
    'q3ry',
    't0k',
  ]);
});
