import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readClients } from '../../../src/clients/collect.ts';
import { entriesToAdd, matchServer, type PlanContext, planImport } from '../../../src/clients/plan.ts';
import type { ClientRow } from '../../../src/clients/row.ts';
import { Vault } from '../../../src/clients/vault.ts';
import { addServers } from '../../../src/config/edit.ts';
import { withEnvValues } from '../../../src/config/env-file.ts';
import { parseConfig } from '../../../src/config/load.ts';
import type { Place } from '../../../src/config/places.ts';
import {
  clientFixtures,
  fixtureRows,
  placeOf,
  plantedSecrets,
  withPlaceholders,
  writeClientFile,
} from '../../support/client-fixtures.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcpstead-import-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** The import of all files of these clients into an empty configuration. */
function importAll(place: Place, rows: readonly ClientRow[], project: string | null = null) {
  const vault = new Vault(new Map(), place.env);
  const context: PlanContext = { place, configured: {}, port: 8766, vault, project };
  const planned = planImport(readClients(place, project, rows), context);
  const edit = addServers('', entriesToAdd(planned, vault));
  if (!('text' in edit)) throw new Error(edit.refusal);
  const notes = planned.map(({ name, action, notes: remarks, missing }) =>
    [name, action, ...remarks, ...missing.map((variable) => `lacks ${variable.name}`)].join('; '),
  );
  return { yaml: edit.text, env: withEnvValues('', vault.added), notes: `${notes.join('\n')}\n`, vault };
}

describe.each(['linux', 'darwin', 'win32'] as const)('on %s, the file of', (platform) => {
  test.each(fixtureRows.map((row) => [row.id, row] as const))('%s becomes servers and secrets', (id, row) => {
    const place = placeOf(platform, home);
    writeClientFile(row, place, home);
    writeFileSync(`${home}/secrets.env`, '# file of Cursor\nexport ENV_TOKEN="abc def"\nPLAIN=1 # one\n');
    const { yaml, env, notes, vault } = importAll(place, [row]);
    for (const [name, text] of Object.entries({ 'out.yaml.txt': yaml, 'out.env': env, 'out.txt': notes })) {
      const path = join(clientFixtures, id, name);
      const result = withPlaceholders(text, home);
      expect(`${name}\n${result}`).toBe(`${name}\n${readFileSync(path, 'utf8')}`);
    }
    // Enabled or not, the gateway takes it.
    expect(parseConfig(yaml, 'f.yaml', Object.fromEntries(vault.added)).path).toBe('f.yaml');
    for (const secret of Object.values(plantedSecrets)) expect(yaml + notes).not.toContain(secret);
  });
});

/** Writes `~/.cursor/mcp.json` and files of others, and plans their import. */
function plan(
  files: Readonly<Record<string, unknown>>,
  context: Partial<PlanContext> & { file?: Map<string, string>; env?: Record<string, string> } = {},
) {
  const place: Place = { platform: 'linux', env: { HOME: home, ...context.env } };
  for (const [path, value] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), typeof value === 'string' ? value : JSON.stringify(value));
  }
  const vault = new Vault(context.file ?? new Map(), place.env);
  const whole: PlanContext = { place, configured: {}, port: 8766, project: null, ...context, vault };
  const found = readClients(place, whole.project);
  const planned = planImport(found, whole);
  return { planned, found, vault, context: whole, entries: entriesToAdd(planned, vault) };
}

const cursor = (mcpServers: unknown) => ({ '.cursor/mcp.json': { mcpServers } });
const claude = (mcpServers: unknown) => ({ '.claude.json': { mcpServers } });
const token = plantedSecrets.github as string;
const other = plantedSecrets.gitlab as string;

describe('servers of several clients', () => {
  test('that are equal become one', () => {
    const server = { command: 'npx', args: ['-y', 'x'], env: { X_TOKEN: token } };
    const { planned, entries, vault } = plan({
      ...cursor({ mine: { ...server, disabled: true } }),
      ...claude({ x: { type: 'stdio', ...server } }),
    });
    expect(planned.map(({ name, sources }) => [name, sources.map(({ row }) => row.id)])).toEqual([
      ['x', ['claude-code', 'cursor']],
    ]);
    expect(entries).toEqual([
      { name: 'x', command: 'npx', args: ['-y', 'x'], env: { X_TOKEN: `\${X_TOKEN}` } },
    ]);
    expect(Object.fromEntries(vault.added)).toEqual({ X_TOKEN: token });
  });

  test('with different secrets stay two, and so do the secrets', () => {
    const server = (secret: string) => ({ x: { command: 'x', env: { X_TOKEN: secret } } });
    const { entries, vault } = plan({ ...cursor(server(token)), ...claude(server(other)) });
    expect(entries).toEqual([
      { name: 'x', command: 'x', env: { X_TOKEN: `\${X_TOKEN}` } },
      { name: 'x-cursor', command: 'x', env: { X_TOKEN: `\${X_CURSOR_TOKEN}` } },
    ]);
    expect(Object.fromEntries(vault.added)).toEqual({ X_TOKEN: other, X_CURSOR_TOKEN: token });
  });

  test('whose name is a secret get another one', () => {
    const { planned, entries } = plan(cursor({ [token]: { command: 'x' }, [other]: { args: ['x'] } }));
    expect(entries).toEqual([{ name: 'server', command: 'x' }]);
    expect(planned.map(({ name, notes }) => [name, notes])).toEqual([
      ['server', ['was named …']],
      ['…', ['it has neither a command nor a URL']],
    ]);
  });

  test('with a secret in the working directory keep it in a variable', () => {
    const { entries, vault } = plan(cursor({ x: { command: 'x', cwd: `/srv/${token}` } }));
    expect(entries).toEqual([{ name: 'x', command: 'x', cwd: `/srv/\${X_TOKEN}` }]);
    expect(Object.fromEntries(vault.added)).toEqual({ X_TOKEN: token });
  });

  test.each([
    [
      ['-u', `ada:${token.slice(0, 9)}`],
      ['-u', `ada:\${X_PASSWORD}`],
    ],
    [
      ['--auth', 'ada:hunter2-x'],
      ['--auth', `\${X_TOKEN}`],
    ],
    [['--header=X-Api-Key:hunter2'], [`--header=X-Api-Key:\${X_API_KEY}`]],
    [['--env=DB_PASSWORD=hunter2'], [`--env=DB_PASSWORD=\${X_DB_PASSWORD}`]],
    [
      ['--user', '1000:1000'],
      ['--user', '1000:1000'],
    ],
    [
      ['--user', 'node:node'],
      ['--user', 'node:node'],
    ],
  ])('with the arguments %j get %j', (args, expected) => {
    const { entries } = plan(cursor({ x: { command: 'x', args } }));
    expect(entries).toEqual([{ name: 'x', command: 'x', args: expected }]);
  });

  test.each([
    [
      { url: 'https://<your-site>/mcp' },
      'url: expected an http:// or https:// URL, found https://<your-site>/mcp',
    ],
    [{ command: 'x', env: { 'A=B': '1' } }, 'env: this key is not the name of a variable'],
    [
      { url: 'https://x.example/', headers: { 'X-Key': 'hunter2é中' } },
      'headers.X-Key: expected printable ASCII',
    ],
    ['npx', 'it has neither a command nor a URL'],
  ])('that no configuration can have, such as %j, keep no others back', (broken, reason) => {
    const { planned, entries, vault } = plan(cursor({ broken, good: { command: 'x' } }));
    expect(planned.map(({ name, action }) => [name, action])).toEqual([
      ['broken', 'skipped'],
      ['good', 'added'],
    ]);
    expect(planned[0]?.notes[0]).toStartWith(reason);
    expect(entries).toEqual([{ name: 'good', command: 'x' }]);
    expect([...vault.added]).toEqual([]);
  });

  test('with different filters stay two', () => {
    const { entries } = plan({
      '.gemini/settings.json': { mcpServers: { x: { command: 'x', excludeTools: ['rm'] } } },
      ...cursor({ x: { command: 'x' } }),
    });
    expect(entries).toEqual([
      { name: 'x', command: 'x' },
      { name: 'x-gemini-cli', command: 'x', tools: { deny: ['rm'] } },
    ]);
  });
});

describe('the name of a server', () => {
  test.each([
    ['my server', 'my-server'],
    ['@scope/name', 'scope-name'],
    ['a__b_', 'a_b'],
    ['io.github.x/y', 'io.github.x-y'],
    ['数据', 'server'],
  ])('is valid: %s', (key, expected) => {
    expect(plan(cursor({ [key]: { command: 'x' } })).entries).toEqual([{ name: expected, command: 'x' }]);
  });

  test('is not one that the configuration has', () => {
    const configured = {
      servers: [{ name: 'x', command: 'other' }],
      profiles: [{ name: 'y', servers: ['x'] }],
    };
    const { entries } = plan(cursor({ x: { command: 'x' }, y: { command: 'y' } }), { configured });
    expect(entries.map(({ name }) => name)).toEqual(['x-cursor', 'y-cursor']);
  });
});

describe('a server that the configuration has', () => {
  const configured = {
    servers: [{ name: 'gh', url: 'https://gh.example/mcp', auth: { type: 'bearer', token_env: 'GH' } }],
  };
  const client = { github: { url: 'https://gh.example/mcp', headers: { Authorization: `Bearer ${token}` } } };

  test('is there already, whatever its name', () => {
    const { planned, vault } = plan(cursor(client), { configured, file: new Map([['GH', token]]) });
    expect(planned.map(({ name, action }) => [name, action])).toEqual([['gh', 'present']]);
    expect(vault.added.size).toBe(0);
  });

  test('is matched for connect', () => {
    const { found, context } = plan(cursor(client), { configured, file: new Map([['GH', token]]) });
    expect(found[0]?.servers.map((source) => matchServer(source, context))).toEqual(['gh']);
  });

  test('is another one if its secret differs', () => {
    const { planned, found, context } = plan(cursor(client), { configured, file: new Map([['GH', other]]) });
    expect(planned.map(({ name, action }) => [name, action])).toEqual([['github', 'added']]);
    expect(found[0]?.servers.map((source) => matchServer(source, context))).toEqual([null]);
  });
});

describe('a variable', () => {
  const server = { x: { url: 'https://x.example/mcp', headers: { 'X-Key': `\${env:X_KEY}` } } };

  test('of the environment is copied, since a service has another one', () => {
    const { entries, vault } = plan(cursor(server), { env: { X_KEY: 'abc' } });
    expect(Object.fromEntries(vault.added)).toEqual({ X_KEY: 'abc' });
    expect(entries[0]).toEqual({
      name: 'x',
      url: 'https://x.example/mcp',
      headers: { 'X-Key': `\${X_KEY}` },
    });
  });

  test('without a value keeps its server off, since the file would be invalid', () => {
    const { planned, entries, vault } = plan(cursor(server));
    expect(planned[0]?.missing).toEqual([{ name: 'X_KEY', question: null }]);
    expect(entries[0]).toMatchObject({ enabled: false });
    vault.set('X_KEY', 'answer');
    expect(entriesToAdd(planned, vault)[0]?.enabled).toBeUndefined();
  });

  test('that a client refers to is not the name of another secret', () => {
    const { vault } = plan(cursor({ ...server, y: { command: 'y', env: { X_KEY: token } } }));
    expect(Object.fromEntries(vault.added)).toEqual({ Y_KEY: token });
  });

  test('of the process with another value is not the name of a secret', () => {
    const { vault } = plan(cursor({ y: { command: 'y', env: { Y_TOKEN: token } } }), {
      env: { Y_TOKEN: 'z' },
    });
    expect(Object.fromEntries(vault.added)).toEqual({ Y_TOKEN_2: token });
  });
});

describe('the servers of a project', () => {
  const files = () => ({
    '.claude.json': {
      projects: {
        [`${home}/work`]: {
          mcpServers: { local: { command: 'l' }, off: { command: 'o' } },
          disabledMcpServers: ['off'],
        },
      },
    },
    'work/.mcp.json': { mcpServers: { docs: { command: 'node', args: ['./docs.js'] } } },
    'work/.cursor/mcp.json': { mcpServers: { fs: { command: 'fs', args: [`\${workspaceFolder}/src`] } } },
  });

  test('are skipped, with the flag that takes them', () => {
    expect(plan(files()).planned.map(({ name, action, notes }) => [name, action, ...notes])).toEqual([
      ['local', 'skipped', `project server (--project ${home}/work)`],
      ['off', 'skipped', `project server (--project ${home}/work)`],
    ]);
  });

  test('are taken with --project, and run in its folder', () => {
    const cwd = `${home}/work`;
    expect(plan(files(), { project: cwd }).entries).toEqual([
      { name: 'local', command: 'l', cwd },
      { name: 'off', command: 'o', cwd, enabled: false },
      { name: 'docs', command: 'node', args: ['./docs.js'], cwd },
      { name: 'fs', command: 'fs', args: [`${cwd}/src`], cwd },
    ]);
  });
});

describe('the gateway itself is left out', () => {
  test.each([
    { command: '/opt/bin/mcpstead', args: ['stdio'] },
    { command: 'npx', args: ['-y', '@ahkohd/mcpstead', 'stdio', '--server', 'x'] },
    { url: 'http://127.0.0.1:8766/mcp' },
    { url: 'http://localhost:8766/mcp/github' },
    { command: 'npx', args: ['mcp-remote', 'http://localhost:8766/mcp'] },
  ])('%j', (raw) => {
    expect(plan(cursor({ g: raw })).planned.map(({ action }) => action)).toEqual(['gateway']);
  });

  test('but a server of this machine at another port is not', () => {
    expect(plan(cursor({ g: { url: 'http://127.0.0.1:9000/mcp' } })).planned[0]?.action).toBe('added');
  });
});

test('a literal ${ stays one', () => {
  const { entries } = plan(claude({ x: { command: 'x', args: [`\${not a name}`, `$HOME`, `a\${b`] } }));
  expect(entries[0]?.args).toEqual([`$\${not a name}`, '$HOME', `a$\${b`]);
  expect(parseConfig(JSON.stringify({ servers: entries }), 'f', {}).config.servers[0]?.args).toEqual([
    `\${not a name}`,
    '$HOME',
    `a\${b`,
  ]);
});

describe('a broken file', () => {
  test.each([
    ['.cursor/mcp.json', '{"mcpServers": {"a": ', /^is no valid JSON/],
    ['.cursor/mcp.json', `{mcpServers: ${token}}`, /^is no valid JSON/],
    ['.cursor/mcp.json', '['.repeat(100_000), /^is no valid JSON: it is nested too deeply$/],
    ['.cursor/mcp.json', '[]', /^is no mapping with "mcpServers"$/],
    ['.codex/config.toml', `[a]\n[a]\nx = ${token}`, /^is no valid TOML/],
    ['.config/goose/config.yaml', `a: [${token}`, /^is no valid YAML/],
  ])('is one line without a secret, and the rest goes on: %s %#', (path, text, expected) => {
    const { found, entries } = plan({
      [path]: text,
      '.junie/mcp/mcp.json': { mcpServers: { j: { command: 'j' } } },
    });
    const faults = found.flatMap(({ fault }) => fault ?? []);
    expect(faults).toEqual([expect.stringMatching(expected)]);
    expect(faults.join()).not.toContain(token.slice(4));
    expect(faults.join()).not.toContain('\n');
    expect(entries).toEqual([{ name: 'j', command: 'j' }]);
  });

  test('has no servers if it is empty, has a mark or only comments', () => {
    const { found, entries } = plan({
      '.cursor/mcp.json': '',
      '.junie/mcp/mcp.json': '\uFEFF{"mcpServers": {"j": {"command": "j"}}}\r\n',
      '.codex/config.toml': '# nothing\r\n',
    });
    expect(found.map(({ fault }) => fault)).toEqual([null, null, null]);
    expect(entries).toEqual([{ name: 'j', command: 'j' }]);
  });
});
