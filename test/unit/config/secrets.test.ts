import { describe, expect, test } from 'bun:test';
import { read, refusal, serverWith } from './reading.ts';

describe('the secrets of a configuration are', () => {
  const secretsOf = (text: string, env = {}) => [...read(text, env).secrets].sort();

  test('none where there are none', () => {
    expect(secretsOf(serverWith())).toEqual([]);
  });

  test('the tokens', () => {
    const text = `${serverWith('auth: { type: bearer, token_env: T }')}\nmcp: { auth: { mode: bearer } }`;
    expect(secretsOf(text, { T: 'upstream', MCPSTEAD_BEARER_TOKEN: 'downstream' })).toEqual([
      'downstream',
      'upstream',
    ]);
  });

  test('header values, and credentials also without their scheme', () => {
    const text = serverWith('headers: { Authorization: Basic aGk=, X-Key: one two, X-Empty: "" }');
    expect(secretsOf(text)).toEqual(['Basic aGk=', 'aGk=', 'one two']);
  });

  test('the values of a query, decoded and as they are written', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://b/?key=x%2Fy&k2=z" }]')).toEqual([
      'x%2Fy',
      'x/y',
      'z',
    ]);
  });

  test('the user name and password of a URL, decoded and as they are written, and both in Base64', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://jo%20e:p%40ss@b/" }]')).toEqual([
      'am8gZTpwQHNz',
      'jo e',
      'jo e:p@ss',
      'jo%20e',
      'p%40ss',
      'p@ss',
    ]);
  });

  test('but not a user name that is part of the address', () => {
    expect(secretsOf('servers: [{ name: a, url: "http://wiki:p4ss@wiki.example.com/" }]')).toEqual([
      'd2lraTpwNHNz',
      'p4ss',
      'wiki:p4ss',
    ]);
  });

  test('what came from the environment', () => {
    const text = `servers: [{ name: a, url: 'http://b/\${PATH_KEY}', headers: { X: 'a-\${KEY}' } }]`;
    expect(secretsOf(text, { PATH_KEY: 'p4th', KEY: 'k3y' })).toEqual(['a-k3y', 'k3y', 'p4th']);
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
    ['the default of a reference', serverWith(`headers: { X: '\${A:-hunter2}' }`)],
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
