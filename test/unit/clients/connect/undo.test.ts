import { describe, expect, test } from 'bun:test';
import type { Backup, WrittenEntry } from '../../../../src/clients/connect/backup.ts';
import { entriesOf, withEntries } from '../../../../src/clients/connect/client-text.ts';
import { undo } from '../../../../src/clients/connect/undo.ts';
import type { ClientRow } from '../../../../src/clients/row.ts';
import { clientRows } from '../../../../src/clients/table.ts';
import { randomJsonc, randomToml, randomYaml } from '../../../support/client-files.ts';
import { Random } from '../../../support/random.ts';

const rowOf = (id: string): ClientRow => clientRows.find((row) => row.id === id)!;
const cursor = rowOf('cursor');
const after = { url: 'http://127.0.0.1:8766/mcp' };

function connected(row: ClientRow, original: string | null, entries: readonly WrittenEntry[]): Backup {
  const changes = entries.map((entry) => ({ name: entry.name, value: entry.after }));
  const written = withEntries(original ?? '', row, changes);
  return {
    version: 1,
    client: row.id,
    file: '/file',
    at: '2026-11-03T10:15:02.000Z',
    original,
    written,
    entries,
    isUndone: false,
  };
}

const original = `{
  // mine
  "theme": "dark",
  "mcpServers": {
    "github": {
      "command": "npx", // the official one
      "args": []
    },
    "fs": { "command": "fs" }
  }
}
`;
const github = { command: 'npx', args: [] };
const replaced = [{ name: 'github', before: github, after: { url: 'http://127.0.0.1:8766/mcp/github' } }];

describe('a connection is undone', () => {
  test('to the byte if nothing else changed', () => {
    const backup = connected(cursor, original, replaced);
    expect(undo(cursor, backup.written, backup)).toEqual({
      text: original,
      removed: [],
      restored: ['github'],
      kept: [],
    });
  });

  test('and other changes stay, with all that was in the replaced entry', () => {
    const backup = connected(cursor, original, replaced);
    const current = backup.written
      .replace('"dark"', '"light"')
      .replace('"fs": { "command": "fs" }', '"fs": { "command": "fs2" },\n    "new": {}');
    expect(undo(cursor, current, backup).text).toBe(
      original
        .replace('"dark"', '"light"')
        .replace('"fs": { "command": "fs" }', '"fs": { "command": "fs2" },\n    "new": {}'),
    );
  });

  test('and an entry that was added after ours stays', () => {
    const backup = connected(cursor, original, [{ name: 'mcpstead', after }]);
    const current = backup.written.replace('/mcp"\n    }\n', '/mcp"\n    },\n    "new": {}\n');
    expect(current).toContain('"new"');
    expect(undo(cursor, current, backup).text).toBe(
      original.replace('"fs": { "command": "fs" }\n', '"fs": { "command": "fs" },\n    "new": {}\n'),
    );
  });

  test('in a file that the client has written anew', () => {
    const backup = connected(cursor, original, [...replaced, { name: 'mcpstead', after }]);
    const data = JSON.parse(backup.written.replace(/\/\/.*mine/, ''));
    const undone = undo(cursor, JSON.stringify({ ...data, x: 1 }), backup);
    expect(JSON.parse(undone.text ?? '')).toEqual({
      theme: 'dark',
      mcpServers: { github, fs: { command: 'fs' } },
      x: 1,
    });
    expect([undone.removed, undone.restored]).toEqual([['mcpstead'], ['github']]);
  });

  test('also where the client has added keys to our entry', () => {
    const backup = connected(cursor, original, [{ name: 'mcpstead', after }]);
    const current = backup.written.replace('8766/mcp"', '8766/mcp",\n      "disabled": true');
    expect(undo(cursor, current, backup).text).toBe(original);
  });

  test('but not an entry that a person has changed into another', () => {
    const backup = connected(cursor, original, replaced);
    const current = backup.written.replace('http://127.0.0.1:8766/mcp/github', 'https://example.com/mcp');
    expect(undo(cursor, current, backup)).toEqual({
      text: current,
      removed: [],
      restored: [],
      kept: ['github'],
    });
  });

  test('and what a person has taken out already is no matter', () => {
    const backup = connected(cursor, original, [{ name: 'mcpstead', after }]);
    expect(undo(cursor, original, backup)).toEqual({ text: original, removed: [], restored: [], kept: [] });
  });

  test('and a file that was made for it goes, unless something else is in it', () => {
    const backup = connected(cursor, null, [{ name: 'mcpstead', after }]);
    expect(undo(cursor, backup.written, backup).text).toBeNull();
    // Formatted anew.
    expect(undo(cursor, JSON.stringify(JSON.parse(backup.written)), backup).text).toBeNull();
    expect(undo(cursor, backup.written.replace('{', '{ "x": 1,'), backup).text).toBe('{ "x": 1\n}\n');
  });

  test('and a mapping of servers that was made for it goes, unless it is in use', () => {
    const backup = connected(cursor, '{\n  "a": 1\n}\n', [{ name: 'mcpstead', after }]);
    expect(undo(cursor, backup.written.replace('"a": 1', '"a": 2'), backup).text).toBe('{\n  "a": 2\n}\n');
    const used = JSON.stringify({ a: 1, mcpServers: { mcpstead: after, mine: {} } });
    expect(undo(cursor, used, backup).text).toBe('{"a":1,"mcpServers":{"mine":{}}}');
  });
});

const kinds = [
  ['cursor', randomJsonc, 'mcpServers', '// note\n'],
  ['codex', randomToml, 'mcp_servers', '# note\n'],
  ['goose', randomYaml, 'extensions', '# note\n'],
] as const;

for (const [id, make, key, note] of kinds) {
  test(`random files of ${id} are as before, with what a person has written above since`, () => {
    const row = rowOf(id);
    const random = new Random(5);
    let exact = 0;
    for (let round = 0; round < 400; round++) {
      const { text, names } = make(random, key);
      const data = entriesOf(text, row);
      const entries: WrittenEntry[] = names.slice(random.below(3)).map((name) => ({
        name,
        before: data[name],
        after: { url: 'http://127.0.0.1:8766/mcp/x' },
      }));
      const backup = connected(row, text, [...entries, { name: 'mcpstead', after }]);
      expect(undo(row, backup.written, backup).text).toBe(text);
      // A byte order mark comes first.
      const noted = (whole: string) => whole.replace(/^\uFEFF?/, (mark) => mark + note);
      const undone = undo(row, noted(backup.written), backup);
      expect(entriesOf(undone.text ?? '', row)).toEqual(data);
      if (undone.text === noted(text)) exact++;
    }
    expect(exact).toBeGreaterThan(300);
  });
}
