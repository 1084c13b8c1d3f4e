// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../../src/config/load.ts';
import { problems, read, refusal, serverWith } from '../reading.ts';

describe('${NAME} in the values of a server', () => {
  test('stands for the environment variable', () => {
    const text = serverWith(`headers: { X-Key: 'a \${KEY} b \${KEY}\${OTHER}' }`).replace(
      'http://localhost',
      '${BASE}',
    );
    const [server] = read(text, { KEY: '1', OTHER: '2', BASE: 'https://example.com' }).config.servers;
    expect(server?.headers).toEqual({ 'X-Key': 'a 1 b 12' });
    expect(server?.url).toBe('https://example.com/mcp');
  });

  test('works in every string below servers', () => {
    const text =
      "servers: [{ name: 'x-${N}', url: http://a/, quirks: { inject_accept_header: '${A}' }, protocol: '${P}' }]";
    const [server] = read(text, { N: 'y', A: '*/*', P: 'sse' }).config.servers;
    expect(server).toMatchObject({ name: 'x-y', quirks: { inject_accept_header: '*/*' }, protocol: 'sse' });
  });

  test('is not expanded again when the value holds one', () => {
    const { config } = read(serverWith(`headers: { X: '\${A}' }`), { A: '${B}', B: 'b' });
    expect(config.servers[0]?.headers).toEqual({ X: '${B}' });
  });

  test('is literal after a second dollar sign', () => {
    const { config } = read(serverWith(`headers: { X: '$\${A} $A $$ $' }`), { A: 'a' });
    expect(config.servers[0]?.headers).toEqual({ X: '${A} $A $$ $' });
  });

  test('may be set to nothing', () => {
    expect(read(serverWith(`headers: { X: '\${A}' }`), { A: '' }).config.servers[0]?.headers).toEqual({
      X: '',
    });
  });

  test('is not expanded elsewhere, in keys and in token_env', () => {
    expect(problems(`host: '\${HOST}'`, { HOST: 'localhost' })).toEqual([
      `f.yaml:1:7: host: expected a host name or IP address without port, found '\${HOST}'; variables are expanded below servers only`,
    ]);
    expect(problems(serverWith(`headers: { '\${A}': a }`), { A: 'a' })).toEqual([
      'f.yaml:4:16: servers[0].headers: this key is not an HTTP header name; expected letters, digits, - and _',
    ]);
    expect(
      problems(serverWith(`auth: { type: bearer, token_env: '\${A}' }`), { A: 'B', B: 'token' }),
    ).toEqual([
      `f.yaml:4:38: servers[0].auth.token_env: expected the name of an environment variable, found ***\${A}***; it names the variable that holds the token, without "$"`,
    ]);
  });

  test('is a problem of its own place when the variable is not set', () => {
    const text = serverWith(`headers: { X: '\${FIRST} \${SECOND} \${FIRST}' }`);
    expect(problems(text, { SECOND: 's' })).toEqual([
      'f.yaml:4:20: the environment variable FIRST is not set, nor is it in mcpstead.env',
      'f.yaml:4:39: the environment variable FIRST is not set, nor is it in mcpstead.env',
    ]);
    expect(refusal(text, { SECOND: 's' })).toContain(
      `  4 |     headers: { X: ***\${FIRST}***\${SECOND}***\${FIRST}*** }\n    |                      ^^^^^^^^`,
    );
  });

  const byName = 'a reference is the name of the variable alone; write "${KEY}"';
  const noOther = 'values come from environment variables and files; write "${NAME}" or "${file:PATH}"';
  test.each([
    ['${KEY-hunter2}', 'write a default as "${KEY:-DEFAULT}"'],
    ['${KEY:?hunter2}', byName],
    ['${ KEY }', byName],
    ['${{ secrets.KEY }}', byName],
    ['${env.KEY}', byName],
    ['${input:hunter2}', noOther],
  ])('%p, a reference of another program, gets the one that is right here', (reference, advice) => {
    const text = serverWith(`headers: { X: "${reference}" }`);
    expect(problems(text, { KEY: 'a' })).toEqual([`f.yaml:4:20: ${advice}`]);
    expect(refusal(text, { KEY: 'a' })).not.toContain('hunter2');
  });

  test.each(['${}', '${1A}', '${A B}', '${A', '${'])('%p is not a reference', (reference) => {
    expect(problems(serverWith(`headers: { X: '${reference}' }`), { A: 'a' })).toEqual([
      'f.yaml:4:20: "${" must be followed by the name of an environment variable and "}"; "$${" is a literal "${"',
    ]);
  });

  test.each(['constructor', 'toString', '__proto__'])('%p is not a variable of every process', (name) => {
    expect(problems(serverWith(`headers: { X: '\${${name}}' }`))).toEqual([
      `f.yaml:4:20: the environment variable ${name} is not set, nor is it in mcpstead.env`,
    ]);
  });

  test('expands to text, which is checked like text in the file, but shown as written', () => {
    expect(problems(serverWith(`required: \${FLAG}`), { FLAG: 'true' })).toEqual([
      'f.yaml:4:15: servers[0].required: expected true or false, found ${FLAG}; the value of a variable is always text',
    ]);
    expect(problems(`servers: [{ name: a, url: '\${URL}' }]`, { URL: 'ftp://hunter2' })).toEqual([
      `f.yaml:1:27: servers[0].url: expected an http:// or https:// URL, found '\${URL}'; check the value of the variable`,
    ]);
    expect(problems(serverWith(`headers: { X: '\${V}' }`), { V: 'a\r\nb: c' })).toEqual([
      `f.yaml:4:19: servers[0].headers.X: expected printable ASCII characters on one line, found ***\${V}***; check the value of the variable`,
    ]);
  });
});

describe('${NAME:-default}', () => {
  const headerOf = (written: string, env = {}) =>
    read(serverWith(`headers: { X: '${written}' }`), env).config.servers[0]?.headers.X;

  test.each([
    ['${A:-b}', {}, 'b'],
    ['${A:-b}', { A: '' }, 'b'],
    ['${A:-b}', { A: 'a' }, 'a'],
    ['${A:-}', {}, ''],
    ['${A:-x:-$y}', {}, 'x:-$y'],
  ])('%p with %p is %p', (written, env, value) => {
    expect(headerOf(written, env)).toBe(value);
  });

  test('hides the value of the variable, but not the default, which stands in the file', () => {
    const text = serverWith(`headers: { X: '\${A:-public-default} \${B:-none}' }`);
    expect(read(text, { B: 'secret-b' }).secrets).toEqual(['public-default secret-b', 'secret-b']);
  });
});

describe('${file:PATH}', () => {
  const folder = mkdtempSync(join(tmpdir(), 'expand-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is the text of the file without white space around it, and a secret', () => {
    writeFileSync(join(folder, 'token'), '\uFEFF s3cret-value \n\n');
    const text = serverWith(`headers: { X: 'Bearer \${file:${folder}/token}' }`);
    expect(read(text).config.servers[0]?.headers.X).toBe('Bearer s3cret-value');
    expect(read(text).secrets).toContain('s3cret-value');
  });

  test('begins at the folder of the configuration file if it is relative', () => {
    writeFileSync(join(folder, 'relative'), 'found');
    const text = serverWith('headers: { X: "${file:relative}" }');
    const { config } = parseConfig(text, join(folder, 'f.yaml'), {});
    expect(config.servers[0]?.headers.X).toBe('found');
  });

  test('is a problem that names the file if that cannot be read', () => {
    writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe]));
    writeFileSync(join(folder, 'long'), 'x'.repeat(65_537));
    const problemOf = (path: string) =>
      problems(serverWith(`headers: { X: '\${file:${path}}' }`))[0]?.replaceAll(folder, '');
    expect(problemOf(`${folder}/missing`)).toBe('f.yaml:4:20: the file "/missing" does not exist');
    expect(problemOf(folder)).toBe('f.yaml:4:20: the file "" is not a regular file');
    expect(problemOf(`${folder}/binary`)).toBe('f.yaml:4:20: the file "/binary" is not UTF-8');
    expect(problemOf(`${folder}/long`)).toBe('f.yaml:4:20: the file "/long" is larger than 64 KiB');
  });

  test('of a disabled server need not exist', () => {
    const text = serverWith("headers: { X: '${file:/nowhere}' }", 'enabled: false');
    expect(read(text).disabled).toHaveLength(1);
  });
});

describe('the token of the gateway', () => {
  const bearer = 'mcp: { auth: { mode: bearer } }';

  test('comes from MCPSTEAD_BEARER_TOKEN', () => {
    expect(read(bearer, { MCPSTEAD_BEARER_TOKEN: 'hunter2' }).bearerToken).toBe('hunter2');
  });

  test('is not looked at without bearer mode', () => {
    expect(read('{}', { MCPSTEAD_BEARER_TOKEN: 'hunter2' }).bearerToken).toBeNull();
  });

  test.each([
    [undefined, 'is not set, nor is it in mcpstead.env; it must hold the bearer token'],
    ['', 'is empty; it must hold the bearer token'],
    [
      'hunter2\n',
      'contains white space, a line break or characters outside of ASCII, which a bearer token cannot',
    ],
    [
      'hun ter',
      'contains white space, a line break or characters outside of ASCII, which a bearer token cannot',
    ],
  ])('must not be %p', (token, problem) => {
    expect(problems(bearer, { MCPSTEAD_BEARER_TOKEN: token })).toEqual([
      `f.yaml:1:22: the environment variable MCPSTEAD_BEARER_TOKEN ${problem}`,
    ]);
  });
});

describe('the token of a server', () => {
  const text = serverWith('auth: { type: bearer, token_env: A_TOKEN }');

  test('comes from the variable that token_env names', () => {
    expect([...read(text, { A_TOKEN: 'hunter2' }).upstreamTokens]).toEqual([['a', 'hunter2']]);
  });

  test.each([
    [undefined, 'is not set, nor is it in mcpstead.env; it must hold the bearer token'],
    ['', 'is empty; it must hold the bearer token'],
    ['a b', 'contains white space, a line break or characters outside of ASCII, which a bearer token cannot'],
  ])('must not be %p', (token, problem) => {
    expect(problems(text, { A_TOKEN: token })).toEqual([
      `f.yaml:4:38: the environment variable A_TOKEN ${problem}`,
    ]);
  });

  test('is not shown when it was written into token_env by mistake', () => {
    for (const token of ['ghp_hunter2', 'sk-hunter2']) {
      expect(refusal(serverWith(`auth: { type: bearer, token_env: ${token} }`))).not.toContain('hunter2');
    }
  });
});
