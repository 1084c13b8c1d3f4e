import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locate } from '../../../../src/clients/connect/installed.ts';
import { clientRows } from '../../../../src/clients/table.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'installed-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const look = (id: string, env: Record<string, string> = {}) => {
  const row = clientRows.find((each) => each.id === id)!;
  const { file, hasFile, isInstalled } = locate(row, { env: { HOME: home, ...env }, platform: 'linux' });
  return { file: file?.replace(home, '~'), hasFile, isInstalled };
};

test('a client without a folder is not installed', () => {
  expect(look('cursor')).toEqual({ file: '~/.cursor/mcp.json', hasFile: false, isInstalled: false });
  // Its file is in the home directory itself, which says nothing.
  expect(look('claude-code')).toEqual({ file: '~/.claude.json', hasFile: false, isInstalled: false });
});

test('a client with a folder but no file is installed', () => {
  mkdirSync(join(home, '.cursor'));
  mkdirSync(join(home, '.claude'));
  mkdirSync(join(home, '.junie'));
  mkdirSync(join(home, '.config/VSCodium/User/globalStorage/saoudrizwan.claude-dev'), { recursive: true });
  expect(look('cursor')).toEqual({ file: '~/.cursor/mcp.json', hasFile: false, isInstalled: true });
  expect(look('claude-code')).toEqual({ file: '~/.claude.json', hasFile: false, isInstalled: true });
  expect(look('junie')).toEqual({ file: '~/.junie/mcp/mcp.json', hasFile: false, isInstalled: true });
  expect(look('cline')).toEqual({
    file: '~/.config/VSCodium/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    hasFile: false,
    isInstalled: true,
  });
});

test('of several files the one that exists is used', () => {
  mkdirSync(join(home, '.config/opencode'), { recursive: true });
  expect(look('opencode').file).toBe('~/.config/opencode/opencode.json');
  writeFileSync(join(home, '.config/opencode/opencode.jsonc'), '{}');
  expect(look('opencode')).toEqual({
    file: '~/.config/opencode/opencode.jsonc',
    hasFile: true,
    isInstalled: true,
  });
});

test('without a home there is no file', () => {
  expect(look('cursor', { HOME: '' })).toEqual({ file: undefined, hasFile: false, isInstalled: false });
});
