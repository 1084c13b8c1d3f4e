import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { report } from '../support/contracts.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { runProgram } from '../support/program.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-check-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(yaml: string, name = 'mcpstead.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, yaml);
  return path;
}

const check = (yaml: string, env: Record<string, string> = {}) =>
  runProgram(['check', '--config', file(yaml)], { env });

describe('a valid configuration', () => {
  test('is shown as it would be served', async () => {
    const result = await check(
      `
mcp: { auth: { mode: bearer } }
servers:
  - name: search
    url: https://search.example.com/mcp?key=\${SEARCH_KEY}
    required: true
    auth: { type: bearer, token_env: SEARCH_TOKEN }
    headers: { X-Team: blue }
    reconnect: { max_attempts: 5 }
  - name: local
    url: http://127.0.0.1:3000/mcp
    protocol: sse
    timeouts: { request_seconds: 60 }
`,
      { MCPSTEAD_BEARER_TOKEN: 'downstream-secret', SEARCH_KEY: 'key-secret', SEARCH_TOKEN: 'up-secret' },
    );
    expect(result).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: `${join(folder, 'mcpstead.yaml')} is valid.

endpoint  http://127.0.0.1:8766/mcp
clients   bearer token from MCPSTEAD_BEARER_TOKEN
metrics   /metrics
servers   2

search
  url        https://search.example.com/mcp
  protocol   auto
  era        auto
  required   yes
  auth       bearer token from SEARCH_TOKEN
  headers    X-Team
  timeouts   connect 10 s, request 300 s
  tool list  fetched again every 300 s
  reconnect  5 attempts, then given up

local
  url        http://127.0.0.1:3000/mcp
  protocol   sse
  era        auto
  required   no
  auth       none
  headers    none
  timeouts   connect 10 s, request 60 s
  tool list  fetched again every 300 s
  reconnect  forever
`,
    });
  });

  test('shows the servers that are disabled', async () => {
    const { exitCode, stdout, stderr } = await check(
      `servers: [{ name: a, url: 'https://a.example/\${KEY}/mcp?b=\${KEY}', enabled: false }, { name: b, url: http://b/ }]`,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('servers   2, 1 of them disabled\n\na\n');
    expect(stdout).toContain(`
a
  url      https://a.example/\${KEY}/mcp
  enabled  no

b
`);
  });

  test('may have no servers yet', async () => {
    const { exitCode, stdout } = await check('port: 0\nmetrics: { enabled: false }\n');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('endpoint  http://127.0.0.1:<any free port>/mcp');
    expect(stdout).toContain('metrics   off');
    expect(stdout).toContain('servers   none');
  });

  test('shows no value of a variable anywhere', async () => {
    const { stdout, stderr } = await check(
      `servers: [{ name: a, url: 'http://127.0.0.1:1/\${PATH_KEY}/mcp', headers: { X-Key: '\${HEADER_KEY}' } }]`,
      { PATH_KEY: 'path-key-value', HEADER_KEY: 'header-key-value' },
    );
    expect(stdout).toContain('http://127.0.0.1:1/');
    expect(stdout + stderr).not.toContain('path-key-value');
    expect(stdout + stderr).not.toContain('header-key-value');
  });

  test('is checked without a connection to any server', async () => {
    await using upstream = await fakeUpstream();
    const { exitCode } = await check(`servers: [{ name: a, url: '${upstream.url}', required: true }]`);
    expect(exitCode).toBe(0);
    expect(upstream.received).toEqual([]);
  });
});

test('filters, prefixes, new names and profiles are shown where they are set', async () => {
  const { exitCode, stdout, stderr } = await check(`
servers:
  - name: git
    url: http://127.0.0.1:3000/mcp
    tools: { prefix: g, allow: ['get*', list], deny: ['*_secret'], rename: { get: fetch } }
    resources: { deny: ['file:///etc/*'] }
  - name: files
    url: http://127.0.0.1:3001/mcp
    tools: { prefix: false }
    prompts: { allow: [] }
profiles:
  - { name: review, servers: [git, files], tools: { deny: ['*delete*'] } }
  - { name: all, servers: [files] }
`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('\nprofiles  2\n');
  const shown = stdout.split('\n').map((line) => line.trim().replace(/ {2,}/, ': '));
  expect(shown).toContain('prefix: g__');
  expect(shown).toContain('tools shown: get*, list but *_secret');
  expect(shown).toContain('new names: get as fetch');
  expect(shown).toContain('URIs shown: all but file:///etc/*');
  expect(shown).toContain('prefix: none: names are bare');
  expect(shown).toContain('prompts shown: none');
  expect(stdout).toEndWith(`
profile review
  path     /mcp/review
  servers  git, files
  tools    all but *delete*

profile all
  path     /mcp/all
  servers  files
  tools    all
`);
});

describe('a warning', () => {
  test('says that other machines can reach the gateway', async () => {
    const { exitCode, stderr } = await check('host: 0.0.0.0');
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      'warning: 0.0.0.0 is reachable from other machines and mcp.auth.mode is none: anyone there can call every tool\n',
    );
  });

  test('is absent if a token is required or only this machine reaches the gateway', async () => {
    const guarded = await check('host: 0.0.0.0\nmcp: { auth: { mode: bearer } }', {
      MCPSTEAD_BEARER_TOKEN: 'secret',
    });
    expect(guarded).toMatchObject({ exitCode: 0, stderr: '' });
    for (const host of ['localhost', '127.0.0.2', '"::1"']) {
      expect(await check(`host: ${host}`)).toMatchObject({ exitCode: 0, stderr: '' });
    }
  });

  test('names each server whose certificate is not verified', async () => {
    const { exitCode, stderr } = await check(
      'servers: [{ name: a, url: https://a.example.com/mcp, tls_skip_verify: true }]',
    );
    expect(exitCode).toBe(0);
    expect(stderr).toBe(
      'warning: a: tls_skip_verify accepts any certificate, so anyone in between can read and change the traffic\n',
    );
  });
});

describe('an invalid configuration', () => {
  test('ends with all its problems and exit code 2', async () => {
    const { exitCode, stdout, stderr } = await check(
      'prot: 8080\nservers:\n  - name: a\n    url: ftp://a\n    auth: { type: bearer, token_env: MISSING_TOKEN }\n',
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toStartWith('mcpstead: invalid configuration');
    expect(stderr).toContain('mcpstead.yaml:1:1');
    expect(stderr).toContain('mcpstead.yaml:4:10');
    expect(stderr).toContain('MISSING_TOKEN');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('may just lack its token: bearer mode needs MCPSTEAD_BEARER_TOKEN', async () => {
    const { exitCode, stderr } = await check('mcp: { auth: { mode: bearer } }');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('MCPSTEAD_BEARER_TOKEN');
  });

  test('may be a missing file', async () => {
    const { exitCode, stdout, stderr } = await runProgram([
      'check',
      '--config',
      join(folder, 'nowhere.yaml'),
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(join(folder, 'nowhere.yaml'));
  });
});

test('the file may be named by MCPSTEAD_CONFIG; --config wins over it', async () => {
  const good = file('port: 1', 'good.yaml');
  const bad = file('port: wrong', 'bad.yaml');
  expect((await runProgram(['check'], { env: { MCPSTEAD_CONFIG: good } })).exitCode).toBe(0);
  expect((await runProgram(['check'], { env: { MCPSTEAD_CONFIG: bad } })).exitCode).toBe(2);
  expect((await runProgram(['check', '-c', good], { env: { MCPSTEAD_CONFIG: bad } })).exitCode).toBe(0);
});

describe('with --json', () => {
  test('one object says what would be served, without secrets', async () => {
    const path = file(
      `
port: 9000
mcp: { auth: { mode: bearer } }
servers:
  - { name: a, url: 'https://me:pw@a.example/mcp?key=\${KEY}', required: true }
  - { name: off, command: npx, args: [-y, secret-arg], enabled: false }
  - { name: b, command: /bin/cat }
profiles: [{ name: few, servers: [b] }]
`,
    );
    const { exitCode, stdout, stderr } = await runProgram(['check', '--json', '--config', path], {
      env: { MCPSTEAD_BEARER_TOKEN: 'downstream-secret', KEY: 'key-secret' },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const server = { enabled: true, required: false, connection: null };
    expect(report('check', stdout)).toEqual({
      path,
      endpoint: 'http://127.0.0.1:9000/mcp',
      auth: 'bearer',
      metrics: true,
      servers: [
        { ...server, name: 'a', target: 'https://a.example/mcp', protocol: 'auto', required: true },
        { ...server, name: 'off', target: 'npx', protocol: 'stdio', enabled: false },
        { ...server, name: 'b', target: 'cat', protocol: 'stdio' },
      ],
      profiles: [{ name: 'few', servers: ['b'] }],
      warnings: [],
    });
  });

  test('and --connect, it says what can be connected, and why not', async () => {
    await using upstream = await fakeUpstream();
    const path = file(
      `servers: [{ name: a, url: '${upstream.url}' }, { name: dead, url: 'http://127.0.0.1:1/mcp' }]`,
    );
    const { exitCode, stdout } = await runProgram(['check', '--json', '--connect', '--config', path]);
    expect(exitCode).toBe(1);
    expect(report('check', stdout).servers).toMatchObject([
      { name: 'a', connection: { connected: true, cause: null, tools: expect.any(Number) } },
      {
        name: 'dead',
        connection: { connected: false, cause: expect.stringContaining('connection refused') },
      },
    ]);
  });

  test('an invalid file is told on stderr, and nothing is on stdout', async () => {
    const path = file('servers: [{ name: a }]');
    const { exitCode, stdout, stderr } = await runProgram(['check', '--json', '--config', path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('mcpstead.yaml:1:');
  });
});
