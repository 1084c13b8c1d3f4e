// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { describe, expect, test } from 'bun:test';
import { diffConfig } from '../../../src/config/diff.ts';
import { shownTarget } from '../../../src/config/targets.ts';
import { problems, read, refusal } from './reading.ts';

/** A configuration with one server, of these lines; the first of them is line 3. */
const serverOf = (...lines: string[]) =>
  `servers:\n  - name: a\n${lines.map((line) => `    ${line}\n`).join('')}`;

describe('a server with a command', () => {
  test('has arguments, variables and a directory, and a minute to start', () => {
    const text = serverOf('command: npx', 'args: [-y, "${PACKAGE}"]', 'env: { KEY: "${KEY}" }', 'cwd: /srv');
    const [server] = read(text, { PACKAGE: '@scope/pkg', KEY: 'k' }).config.servers;
    expect(server).toMatchObject({
      command: 'npx',
      args: ['-y', '@scope/pkg'],
      env: { KEY: 'k' },
      cwd: '/srv',
      timeouts: { connect_seconds: 60, request_seconds: 300 },
    });
    expect(server?.url).toBeUndefined();
  });

  test('needs nothing else', () => {
    expect(read(serverOf('command: server')).config.servers[0]).toMatchObject({
      command: 'server',
      protocol: 'auto',
    });
    expect(read(serverOf('command: server', 'protocol: stdio')).config.servers[0]?.protocol).toBe('stdio');
  });

  test('keeps a connect_seconds of its own', () => {
    const text = serverOf('command: server', 'timeouts: { connect_seconds: 5 }');
    expect(read(text).config.servers[0]?.timeouts.connect_seconds).toBe(5);
  });

  test.each([
    [
      'headers: { X: y }',
      'f.yaml:4:5: servers[0].headers: it is for servers with a url; this one has a command; give the process its secrets with "env"',
    ],
    [
      'auth: { type: bearer, token_env: T }',
      'f.yaml:4:5: servers[0].auth: it is for servers with a url; this one has a command; give the process its secrets with "env"',
    ],
    [
      'tls_skip_verify: true',
      'f.yaml:4:5: servers[0].tls_skip_verify: it is for servers with a url; this one has a command',
    ],
    [
      'quirks: { normalize_sse_events: true }',
      'f.yaml:4:5: servers[0].quirks: it is for servers with a url; this one has a command',
    ],
    [
      'protocol: sse',
      'f.yaml:4:15: servers[0].protocol: a server with a command speaks stdio, not sse; remove it',
    ],
    [
      'args: -y pkg',
      'f.yaml:4:11: servers[0].args: expected a list of texts, found ***; write a list of them, each a text of its own',
    ],
    ['args: [-p, 80]', 'f.yaml:4:16: servers[0].args[1]: expected a text, found ***; put it in quotes'],
    [
      'env: [A=hunter2]',
      'f.yaml:4:10: servers[0].env: expected a mapping of variables to their values, found a list; write NAME: VALUE, one below the other, without "- "',
    ],
    ['env: { A: 1 }', 'f.yaml:4:15: servers[0].env.A: expected a text, found ***; put it in quotes'],
    ['env: { "A=B": c }', 'f.yaml:4:12: servers[0].env: this key is not the name of a variable'],
  ])('cannot have %s', (line, problem) => {
    expect(problems(serverOf('command: npx', line), { T: 't' })).toEqual([problem]);
  });

  test('cannot have a url', () => {
    expect(problems(serverOf('command: npx', 'url: http://b/'))).toEqual([
      'f.yaml:3:5: servers[0] has a url and a command; keep one of them',
      'f.yaml:4:5: the url',
    ]);
  });

  test('may say that it has no auth', () => {
    expect(read(serverOf('command: npx', 'auth: none')).config.servers[0]?.auth).toBe('none');
  });

  test('must name it', () => {
    expect(problems(serverOf('command: ""'))).toEqual([
      'f.yaml:3:14: servers[0].command: expected the name or path of a program, found ""',
    ]);
  });

  test('is started again by a reload that changes an argument, a variable or the directory', () => {
    const before = read(serverOf('command: npx', 'args: [a]', 'env: { A: b }', 'cwd: /'));
    const changed = [
      ['command: npx', 'args: [b]', 'env: { A: b }', 'cwd: /'],
      ['command: npx', 'args: [a]', 'env: { A: c }', 'cwd: /'],
      ['command: npx', 'args: [a]', 'env: { A: b }', 'cwd: /srv'],
      ['command: uvx', 'args: [a]', 'env: { A: b }', 'cwd: /'],
    ];
    for (const lines of changed)
      expect(diffConfig(before, read(serverOf(...lines))).restarted).toEqual(['a']);
    const slower = [
      'command: npx',
      'args: [a]',
      'env: { A: b }',
      'cwd: /',
      'timeouts: { connect_seconds: 9 }',
    ];
    expect(diffConfig(before, read(serverOf(...slower))).updated).toEqual(['a']);
  });
});

describe('a server with a url', () => {
  test.each([
    ['args: [a]', 'f.yaml:4:5: servers[0].args: it is for servers with a "command"; this one has a url'],
    ['env: { A: b }', 'f.yaml:4:5: servers[0].env: it is for servers with a "command"; this one has a url'],
    ['cwd: /', 'f.yaml:4:5: servers[0].cwd: it is for servers with a "command"; this one has a url'],
    [
      'protocol: stdio',
      'f.yaml:4:15: servers[0].protocol: stdio needs a "command" to start; with a url, remove it: the transport is detected',
    ],
  ])('cannot have %s', (line, problem) => {
    expect(problems(serverOf('url: http://b/', line))).toEqual([problem]);
  });
});

test('a server has a url or a command', () => {
  expect(problems('servers: [{ name: a }]')).toEqual([
    'f.yaml:1:11: servers[0].url is missing; expected an http:// or https:// URL, or a "command" to start',
  ]);
});

describe('what is secret of a process:', () => {
  const secretsOf = (lines: string[], env = {}) => [...read(serverOf('command: c', ...lines), env).secrets];

  test('every expanded value, each line of it, but not the name and the folders of the user', () => {
    const env = { KEY: 'first-line\nsecond-line\nend', HOME: '/home/somebody', DIR: '/srv/secret' };
    expect(secretsOf(['args: ["${HOME}/data", "${DIR}"]', 'env: { KEY: "${KEY}" }'], env)).toEqual([
      'first-line\nsecond-line\nend',
      '/srv/secret',
      'first-line',
      'second-line',
    ]);
  });

  test('literal values of variables and options that are named like credentials', () => {
    const lines = [
      'args: [--api-key, k-0123456789, --token=t-0123456789, --dir, /srv/data, -v]',
      'env: { API_TOKEN: e-0123456789, LOG_LEVEL: verbose-12345, AUTH_MODE: none }',
    ];
    expect(secretsOf(lines)).toEqual(['e-0123456789', 'k-0123456789', 't-0123456789']);
  });

  test('an excerpt of the file shows no argument and no value of a variable', () => {
    const text = 'servers: [{ name: a, command: c, args: [hunter2], env: { A: hunter2 }, cwdd: hunter2 }]';
    expect(refusal(text)).not.toContain('hunter2');
    expect(refusal(text)).toContain('command: c');
  });
});

test('a disabled server shows its command', () => {
  expect(read(serverOf('command: "${X}/bin/server"', 'enabled: false')).disabled).toEqual([
    { index: 0, name: 'a', url: undefined, command: '${X}/bin/server', protocol: 'stdio', required: false },
  ]);
});

test.each([
  [{ url: 'http://u:p@b/mcp?k=1' }, 'http://b/mcp'],
  [{ command: 'npx' }, 'npx'],
  [{ command: '/usr/local/bin/server' }, 'server'],
  [{ command: 'C:\\Tools\\server.exe' }, 'server.exe'],
  [{ command: 'C:\\Program Files\\nodejs\\npx.cmd' }, 'npx.cmd'],
  // Arguments are secrets, also in the wrong place.
  [{ command: 'npx -y @scope/server --key k1' }, 'npx'],
  [{ command: 'uvx server https://h/k1' }, 'uvx'],
  [{ command: '/usr/bin/npx -y server --key k1' }, 'npx'],
])('the target of %p is shown as %p', (target, shown) => {
  expect(shownTarget(target)).toBe(shown);
});
