import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyConnect, applyDisconnect } from '../../../../../src/clients/connect/apply.ts';
import type { StoredBackup } from '../../../../../src/clients/connect/backup.ts';
import { entriesOf } from '../../../../../src/clients/connect/client-text.ts';
import { type ConnectWish, planConnect } from '../../../../../src/clients/connect/plan.ts';
import { planDisconnect } from '../../../../../src/clients/connect/plan-disconnect.ts';
import { gatewayEntry } from '../../../../../src/clients/gateway-entry.ts';
import type { ClientRow } from '../../../../../src/clients/row.ts';
import { clientRows } from '../../../../../src/clients/table.ts';
import type { Place } from '../../../../../src/config/places.ts';

let home: string;
let place: Place;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'connect-')));
  place = { env: { HOME: home, PATH: '' }, platform: 'linux' };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const target = { url: 'http://127.0.0.1:8766/mcp', needsToken: false, command: '/bin/mcpstead', view: null };
const rowOf = (id: string): ClientRow => clientRows.find((row) => row.id === id)!;
const written = clientRows.filter(({ connection }) => connection === 'file' || connection === 'command');

function wish(replaced: readonly string[] = []): ConnectWish {
  const matches = replaced.map((key) => ({ key, server: `${key}-view`, reason: null }));
  return { place, name: 'mcpstead', target, matches: replaced.length === 0 ? null : () => matches };
}

function fileOf(row: ClientRow, text?: string): string {
  const file = row.userFiles(place)[0]!;
  mkdirSync(dirname(file), { recursive: true });
  if (text !== undefined) writeFileSync(file, text);
  return file;
}

async function connect(row: ClientRow, how = wish()) {
  let backup: StoredBackup | null = null;
  for (const plan of planConnect(row, how)) {
    if (plan.kind !== 'edit') throw new Error(JSON.stringify(plan));
    backup = await applyConnect(row, plan, place);
  }
  return backup!;
}

async function disconnect(row: ClientRow, isRestored = false) {
  for (const plan of planDisconnect(row, place, isRestored, 8766)) {
    if (plan.kind !== 'edit') throw new Error(JSON.stringify(plan));
    await applyDisconnect(row, plan, place);
  }
}

/** Files as people and programs leave them, by what is special about them. */
const layouts: Record<'jsonc' | 'toml' | 'yaml', (key: string) => Record<string, string>> = {
  jsonc: (key) => ({
    plain: `{\n  "${key}": {\n    "a": { "command": "x" },\n    "b": {\n      "command": "y"\n    }\n  }\n}\n`,
    comments: `// top\n{\n  /* in */ "${key}": {\n    // above\n    "a": { "command": "x" }, // beside\n    "b": { "command": "y" } // last\n    // below\n  }\n}\n// end\n`,
    CRLF: `{\r\n  "${key}": {\r\n    "a": { "command": "x" },\r\n    "b": {}\r\n  }\r\n}\r\n`,
    'a byte order mark': `\uFEFF{\n  "${key}": {\n    "a": {},\n    "b": {}\n  }\n}`,
    tabs: `{\n\t"${key}": {\n\t\t"a": {\n\t\t\t"command": "x"\n\t\t},\n\t\t"b": {}\n\t}\n}\n`,
    'no final newline': `{\n  "${key}": {\n    "a": {},\n    "b": {}\n  }\n}`,
    'trailing commas': `{\n  "${key}": {\n    "a": { "command": "x", },\n    "b": {}, // keep\n  },\n}\n`,
    'a single line': `{"${key}":{"a":{"command":"x"},"b":{}},"z":[1, 2]}`,
    'other keys around': `{\n  "x": [1],\n  "${key}": { "a": {}, "b": {} },\n  "y": 1.0\n}\n`,
  }),
  toml: (key) => ({
    plain: `model = "m"\n\n[${key}.a]\ncommand = "x"\n\n[${key}.b]\ncommand = "y"\n`,
    'sub-tables': `[${key}.a]\ncommand = "x" # c\n[${key}.a.env]\nK = "v"\n\n[${key}.b]\n# in b\n\n[other]\nx = 1\n`,
    CRLF: `[${key}.a]\r\ncommand = "x"\r\n\r\n[${key}.b]\r\n`,
    'a byte order mark': `\uFEFF[${key}.a]\ncommand = "x"\n[${key}.b]\n`,
    'no final newline': `[${key}.a]\ncommand = "x"\n[${key}.b]`,
    'inline tables': `[${key}]\na = { command = "x" }\nb = { command = "y" }\n`,
    'blank lines at the end': `[${key}.a]\n[${key}.b]\n\n\n`,
  }),
  yaml: (key) => ({
    plain: `PROVIDER: x\n${key}:\n  a:\n    cmd: x\n  b:\n    cmd: y\n`,
    comments: `# top\n${key}: # here\n  a: # beside\n    cmd: x # c\n  # between\n  b:\n    cmd: y\n    # in b\n# end\n`,
    CRLF: `${key}:\r\n  a:\r\n    cmd: x\r\n  b:\r\n    cmd: y\r\n`,
    'deep indentation': `${key}:\n    a:\n        cmd: x\n    b:\n        cmd: y\nz: 1`,
    'a flow mapping': `${key}: {a: {cmd: x}, b: {cmd: y}}\n`,
    'no final newline': `${key}:\n  a:\n    cmd: x\n  b:\n    cmd: y`,
  }),
};
const empty: Record<'jsonc' | 'toml' | 'yaml', (key: string) => Record<string, string>> = {
  jsonc: (key) => ({
    'nothing in it': '',
    'an empty object': '{}',
    'an empty object and a newline': '{}\n',
    'no servers yet': '{\n  "theme": "dark"\n}\n',
    'an empty mapping': `{\n  "${key}": {}\n}\n`,
    'a mapping with a comment': `{\n  "${key}": {\n    // none\n  }\n}`,
    'only a comment': '// to do\n',
  }),
  toml: () => ({ 'nothing in it': '', 'no servers yet': 'a = 1', 'only a comment': '# to do\n' }),
  yaml: (key) => ({
    'nothing in it': '',
    'no servers yet': 'a: 1\n',
    'a key without a value': `${key}:\na: 1\n`,
    'an empty mapping': `${key}: {} # none\n`,
    'only a comment': '# to do\n',
  }),
};

for (const row of written) {
  const format = row.format as 'jsonc' | 'toml' | 'yaml';
  const [key] = row.key as [string];
  describe(`a file of ${row.title}`, () => {
    for (const [title, text] of Object.entries({ ...layouts[format](key), ...empty[format](key) })) {
      test(`with ${title} is connected, and as before when it is disconnected`, async () => {
        const file = fileOf(row, text);
        const before = entriesOf(text, row);
        await connect(row);
        expect(entriesOf(readFileSync(file, 'utf8'), row)).toEqual({
          ...before,
          mcpstead: gatewayEntry(row, target),
        });
        await disconnect(row);
        expect(readFileSync(file, 'utf8')).toBe(text);
      });
    }

    for (const [title, text] of Object.entries(layouts[format](key))) {
      test(`with ${title} has servers replaced, and as before when it is disconnected`, async () => {
        const file = fileOf(row, text);
        await connect(row, wish(['a', 'b']));
        const entries = entriesOf(readFileSync(file, 'utf8'), row);
        expect(Object.keys(entries)).toEqual(['a', 'b']);
        for (const name of ['a', 'b']) {
          const entry = gatewayEntry(row, { ...target, view: `${name}-view` });
          expect(entries[name]).toEqual(row.nameKey === null ? entry : { ...entry, [row.nameKey]: name });
        }
        await disconnect(row);
        expect(readFileSync(file, 'utf8')).toBe(text);
      });
    }

    test('that does not exist is made, and removed again', async () => {
      const file = fileOf(row);
      if (row.id === 'claude-code') mkdirSync(join(home, '.claude'));
      await connect(row);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(Object.keys(entriesOf(readFileSync(file, 'utf8'), row))).toEqual(['mcpstead']);
      await disconnect(row);
      expect(existsSync(file)).toBe(false);
    });
  });
}

describe('connecting', () => {
  const cursor = rowOf('cursor');
  const text = '{"mcpServers": {"a": {"command": "x"}}}';

  test('again changes nothing', async () => {
    fileOf(cursor, text);
    await connect(cursor);
    expect(planConnect(cursor, wish())).toMatchObject([{ kind: 'connected' }]);
  });

  test('first without and then with replacing is undone in one go, whatever changed in between', async () => {
    const file = fileOf(cursor, text);
    await connect(cursor);
    await connect(cursor, wish(['a']));
    expect(readFileSync(file, 'utf8')).toBe(
      '{"mcpServers": {"a": {"url": "http://127.0.0.1:8766/mcp/a-view"}}}',
    );
    await connect(cursor);
    expect(readFileSync(file, 'utf8')).toContain('"command": "x"');
    await disconnect(cursor);
    expect(readFileSync(file, 'utf8')).toBe(text);

    await connect(cursor);
    writeFileSync(file, readFileSync(file, 'utf8').replace('}}}', '}}, "x": 1}'));
    await connect(cursor, wish(['a']));
    await disconnect(cursor);
    expect(readFileSync(file, 'utf8')).toBe('{"mcpServers": {"a": {"command": "x"}}, "x": 1}');
  });

  test('keeps a symbolic link and the mode of its file', async () => {
    const file = fileOf(cursor);
    const dotfile = join(home, 'dotfiles.json');
    writeFileSync(dotfile, text);
    chmodSync(dotfile, 0o640);
    symlinkSync(dotfile, file);
    await connect(cursor);
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(dotfile, 'utf8')).toContain('8766');
    expect(statSync(dotfile).mode & 0o777).toBe(0o640);
    await disconnect(cursor);
    expect(readFileSync(dotfile, 'utf8')).toBe(text);
  });

  test('keeps ten backups, for their owner only', async () => {
    fileOf(cursor, text);
    let last = '';
    for (let time = 0; time < 12; time++) {
      ({ path: last } = await connect(cursor));
      await disconnect(cursor);
    }
    const directory = join(home, '.local/state/mcpstead/backups/cursor');
    expect(readdirSync(directory)).toHaveLength(10);
    expect(existsSync(last)).toBe(true);
    expect([statSync(directory).mode & 0o777, statSync(last).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(JSON.parse(readFileSync(last, 'utf8'))).toMatchObject({ client: 'cursor', original: text });
  });

  test('keeps the backup of a connection that can be undone, however many come after it', async () => {
    const row = rowOf('windsurf');
    const [first, second] = row.userFiles(place) as [string, string];
    const firstText = '{"mcpServers":{"a":{}}}';
    fileOf(row, firstText);
    await connect(row);
    fileOf(row);
    writeFileSync(second, '{}');
    for (let time = 0; time < 12; time++) {
      const plan = planConnect(row, wish()).find(({ file }) => file === second);
      if (plan?.kind !== 'edit') throw new Error(plan?.kind);
      await applyConnect(row, plan, place);
      writeFileSync(second, `{"x":${time}}`);
    }
    await disconnect(row);
    expect([readFileSync(first, 'utf8'), readFileSync(second, 'utf8')]).toEqual([firstText, '{"x":11}']);
  });

  test('refuses a file that changed since it was read, and leaves no backup', async () => {
    const file = fileOf(cursor, text);
    const [plan] = planConnect(cursor, wish());
    if (plan?.kind !== 'edit') throw new Error(plan?.kind);
    writeFileSync(file, '{}');
    await expect(applyConnect(cursor, plan, place)).rejects.toThrow('was changed by another program');
    expect(readFileSync(file, 'utf8')).toBe('{}');
    expect(readdirSync(join(home, '.local/state/mcpstead/backups/cursor'))).toEqual([]);
    expect(readdirSync(dirname(file))).toEqual(['mcp.json']);
  });

  test('refuses a read-only file, a broken one, a foreign entry of its name, and a link to nothing', async () => {
    const file = fileOf(cursor, text);
    chmodSync(file, 0o444);
    await expect(connect(cursor)).rejects.toThrow(`${file} is read-only`);
    chmodSync(file, 0o644);
    const reason = (content: string) => {
      writeFileSync(file, content);
      const [plan] = planConnect(cursor, wish());
      return plan?.kind === 'refused' ? plan.reason : plan?.kind;
    };
    expect(reason('{"mcpServers": ')).toBe(
      `${file}: it is no JSON with comments: unexpected its end in line 1, column 16`,
    );
    expect(reason('{"mcpServers": {"mcpstead": {"command": "mine"}}}')).toBe(
      `${file}: it has another server named "mcpstead"; choose a name with --name`,
    );
    writeFileSync(file, new Uint8Array([0xff, 0xfe]));
    expect(planConnect(cursor, wish())[0]).toMatchObject({ kind: 'refused', reason: `${file} is not UTF-8` });
    rmSync(file);
    symlinkSync(join(home, 'nowhere'), file);
    expect(planConnect(cursor, wish())[0]).toMatchObject({
      kind: 'refused',
      reason: `${file} is a symbolic link to a file that does not exist`,
    });
  });

  test('takes over an entry that leads to another gateway of this machine', async () => {
    const old = '{"mcpServers": {"mcpstead": {"url": "http://127.0.0.1:9999/mcp"}}}';
    const file = fileOf(cursor, old);
    await connect(cursor);
    expect(readFileSync(file, 'utf8')).toContain('8766');
    await disconnect(cursor);
    expect(readFileSync(file, 'utf8')).toBe(old);
  });

  test('adds the gateway to one of several files that a program reads, and replaces servers in all of them', async () => {
    const row = rowOf('opencode');
    const [first, second] = row.userFiles(place) as [string, string];
    fileOf(row, '{"mcp":{"a":{"command":["x"]}}}');
    writeFileSync(second, '{"mcp":{"b":{"command":["y"]}}}');
    await connect(row);
    expect(readFileSync(first, 'utf8')).toContain('"mcpstead"');
    expect(readFileSync(second, 'utf8')).toBe('{"mcp":{"b":{"command":["y"]}}}');
    const onlyB: ConnectWish = {
      ...wish(),
      matches: (_row, file) => (file === second ? [{ key: 'b', server: 'b', reason: null }] : []),
    };
    await connect(row, onlyB);
    expect(readFileSync(first, 'utf8')).toBe('{"mcp":{"a":{"command":["x"]}}}');
    expect(readFileSync(second, 'utf8')).toContain('/mcp/b"');
    await disconnect(row);
    expect(readFileSync(second, 'utf8')).toBe('{"mcp":{"b":{"command":["y"]}}}');
  });

  test('adds the gateway to each program that has a file of its own', async () => {
    const row = rowOf('cline');
    const all = row.userFiles(place).slice(0, 2);
    for (const file of all) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, '{"mcpServers":{}}');
    }
    await connect(row);
    for (const file of all) expect(readFileSync(file, 'utf8')).toContain('"mcpstead"');
    await disconnect(row);
    for (const file of all) expect(readFileSync(file, 'utf8')).toBe('{"mcpServers":{}}');
  });

  test('says what to paste where it writes nothing', () => {
    expect(planConnect(rowOf('jetbrains-ai'), wish())[0]).toMatchObject({
      kind: 'refused',
      snippet:
        '{\n  "mcpServers": {\n    "mcpstead": {\n      "url": "http://127.0.0.1:8766/mcp"\n    }\n  }\n}',
    });
    expect(planConnect(rowOf('roo'), wish())[0]).toMatchObject({ kind: 'refused', snippet: null });
    expect(planConnect(cursor, wish())[0]).toMatchObject({
      kind: 'not_installed',
      looked: [join(home, '.cursor')],
    });
    const nowhere = { ...wish(), place: { env: {}, platform: 'linux' } as const };
    expect(planConnect(cursor, nowhere)[0]).toMatchObject({
      kind: 'refused',
      reason: 'there is no home directory: HOME is not set',
    });
  });
});

describe('disconnecting', () => {
  const cursor = rowOf('cursor');
  const text = '{"mcpServers": {"a": {"command": "x"}}}';

  test('with --restore is refused once the file has changed', async () => {
    const file = fileOf(cursor, text);
    await connect(cursor);
    const connected = readFileSync(file, 'utf8');
    writeFileSync(file, `${connected}\n`);
    expect(planDisconnect(cursor, place, true, 8766)).toMatchObject([{ kind: 'refused' }]);
    writeFileSync(file, connected);
    await disconnect(cursor, true);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('without a backup is refused where each entry stands for one that it has replaced', async () => {
    const row = rowOf('cursor');
    const text = '{"mcpServers":{"a":{"url":"http://127.0.0.1:8766/mcp/a"}}}';
    const file = fileOf(row, text);
    expect(planDisconnect(row, place, false, 8766)).toEqual([
      {
        row,
        file,
        kind: 'refused',
        reason: `${file}: its entries a lead to the gateway, and there is no backup of what they replaced: change them by hand`,
      },
    ]);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('without a backup takes out what leads to all of the gateway, and keeps the rest', async () => {
    const file = fileOf(
      cursor,
      '{"mcpServers": {"gw": {"url": "http://127.0.0.1:8766/mcp"}, "b": {"url": "http://127.0.0.1:8766/mcp/b"}}}',
    );
    expect(planDisconnect(cursor, place, false, 8766)).toMatchObject([
      { kind: 'edit', undone: { removed: ['gw'], kept: ['b'] } },
    ]);
    await disconnect(cursor);
    expect(readFileSync(file, 'utf8')).toBe('{"mcpServers": {"b": {"url": "http://127.0.0.1:8766/mcp/b"}}}');
    expect(planDisconnect(cursor, place, true, 8766)).toMatchObject([{ kind: 'refused' }]);
  });

  test('without a backup leaves other servers of this machine alone', () => {
    fileOf(cursor, '{"mcpServers": {"own": {"url": "http://127.0.0.1:3000/mcp"}}}');
    expect(planDisconnect(cursor, place, false, 8766)).toMatchObject([{ kind: 'not_connected' }]);
  });

  test('what is not connected is no fault', () => {
    expect(planDisconnect(cursor, place, false, 8766)).toMatchObject([{ kind: 'not_connected' }]);
    fileOf(cursor, text);
    expect(planDisconnect(cursor, place, false, 8766)).toMatchObject([{ kind: 'not_connected' }]);
  });

  test('a file that is gone by then stays away', async () => {
    const file = fileOf(cursor, text);
    await connect(cursor);
    rmSync(file);
    expect(planDisconnect(cursor, place, false, 8766)).toMatchObject([{ kind: 'not_connected' }]);
    expect(existsSync(file)).toBe(false);
  });
});
