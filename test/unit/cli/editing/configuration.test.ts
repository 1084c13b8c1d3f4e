import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newTexts, readConfiguration, writeBoth } from '../../../../src/cli/editing/configuration.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'configuration-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entry = { name: 'a', url: 'https://a.example/mcp', headers: { 'X-Key': `\${A_KEY}` } };
const textOf = (name: string) => readFileSync(join(directory, name), 'utf8');

async function planned() {
  const configuration = await readConfiguration(join(directory, 'mcpstead.yaml'));
  return { configuration, texts: newTexts(configuration, [entry], new Map([['A_KEY', 'abc']])) };
}

test('both files are written, and brought back', async () => {
  const { configuration, texts } = await planned();
  const undo = writeBoth(configuration, texts);
  expect(textOf('mcpstead.env')).toEndWith('\nA_KEY=abc\n');
  expect(textOf('mcpstead.yaml')).toContain('  - name: a\n');
  undo();
  expect(existsSync(join(directory, 'mcpstead.env'))).toBe(false);
  expect(existsSync(join(directory, 'mcpstead.yaml'))).toBe(false);
});

test.each([
  ['mcpstead.env', 'B_KEY=def\n'],
  ['mcpstead.yaml', 'servers:\n  - name: b\n    url: https://b.example/mcp\n'],
])('a change of %s by another command meanwhile is not taken back', async (name, text) => {
  const { configuration, texts } = await planned();
  writeFileSync(join(directory, name), text, { mode: 0o600 });
  expect(() => writeBoth(configuration, texts)).toThrow(
    `${join(directory, name)} was changed meanwhile, so nothing is written; run the command again`,
  );
  expect(textOf(name)).toBe(text);
  const other = name === 'mcpstead.env' ? 'mcpstead.yaml' : 'mcpstead.env';
  expect(existsSync(join(directory, other))).toBe(false);
});
