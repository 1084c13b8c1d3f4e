import { describe, expect, test } from 'bun:test';
import { clientRows } from '../../../src/clients/table.ts';
import type { Place } from '../../../src/config/places.ts';

const linux: Place = { platform: 'linux', env: { HOME: '/home/ada' } };
const macOs: Place = { platform: 'darwin', env: { HOME: '/Users/ada' } };
const windows: Place = {
  platform: 'win32',
  env: {
    USERPROFILE: 'C:\\Users\\ada',
    APPDATA: 'C:\\Users\\ada\\AppData\\Roaming',
    LOCALAPPDATA: 'C:\\Users\\ada\\AppData\\Local',
  },
};

/** The preferred file of each client. */
const first = (place: Place) =>
  Object.fromEntries(clientRows.map((row) => [row.id, row.userFiles(place)[0] ?? null]));

describe('the file of each client', () => {
  test('on Linux', () => {
    expect(first(linux)).toEqual({
      'claude-desktop': '/home/ada/.config/Claude/claude_desktop_config.json',
      'claude-code': '/home/ada/.claude.json',
      cursor: '/home/ada/.cursor/mcp.json',
      vscode: '/home/ada/.config/Code/User/mcp.json',
      'vscode-insiders': '/home/ada/.config/Code - Insiders/User/mcp.json',
      windsurf: '/home/ada/.codeium/windsurf/mcp_config.json',
      zed: '/home/ada/.config/zed/settings.json',
      codex: '/home/ada/.codex/config.toml',
      'gemini-cli': '/home/ada/.gemini/settings.json',
      opencode: '/home/ada/.config/opencode/opencode.json',
      cline:
        '/home/ada/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
      roo: '/home/ada/.config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json',
      goose: '/home/ada/.config/goose/config.yaml',
      'lm-studio': '/home/ada/.lmstudio/mcp.json',
      warp: '/home/ada/.warp/.mcp.json',
      junie: '/home/ada/.junie/mcp/mcp.json',
      'jetbrains-ai': null,
    });
  });

  test('on macOS', () => {
    const support = '/Users/ada/Library/Application Support';
    expect(first(macOs)).toEqual({
      'claude-desktop': `${support}/Claude/claude_desktop_config.json`,
      'claude-code': '/Users/ada/.claude.json',
      cursor: '/Users/ada/.cursor/mcp.json',
      vscode: `${support}/Code/User/mcp.json`,
      'vscode-insiders': `${support}/Code - Insiders/User/mcp.json`,
      windsurf: '/Users/ada/.codeium/windsurf/mcp_config.json',
      zed: '/Users/ada/.config/zed/settings.json',
      codex: '/Users/ada/.codex/config.toml',
      'gemini-cli': '/Users/ada/.gemini/settings.json',
      opencode: '/Users/ada/.config/opencode/opencode.json',
      cline: `${support}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json`,
      roo: `${support}/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json`,
      goose: '/Users/ada/.config/goose/config.yaml',
      'lm-studio': '/Users/ada/.lmstudio/mcp.json',
      warp: '/Users/ada/.warp/.mcp.json',
      junie: '/Users/ada/.junie/mcp/mcp.json',
      'jetbrains-ai': null,
    });
  });

  test('on Windows', () => {
    const roaming = 'C:\\Users\\ada\\AppData\\Roaming';
    expect(first(windows)).toEqual({
      'claude-desktop': `${roaming}\\Claude\\claude_desktop_config.json`,
      'claude-code': 'C:\\Users\\ada\\.claude.json',
      cursor: 'C:\\Users\\ada\\.cursor\\mcp.json',
      vscode: `${roaming}\\Code\\User\\mcp.json`,
      'vscode-insiders': `${roaming}\\Code - Insiders\\User\\mcp.json`,
      windsurf: 'C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json',
      zed: `${roaming}\\Zed\\settings.json`,
      codex: 'C:\\Users\\ada\\.codex\\config.toml',
      'gemini-cli': 'C:\\Users\\ada\\.gemini\\settings.json',
      opencode: 'C:\\Users\\ada\\.config\\opencode\\opencode.json',
      cline: `${roaming}\\Code\\User\\globalStorage\\saoudrizwan.claude-dev\\settings\\cline_mcp_settings.json`,
      roo: `${roaming}\\Code\\User\\globalStorage\\rooveterinaryinc.roo-cline\\settings\\mcp_settings.json`,
      goose: `${roaming}\\Block\\goose\\config\\config.yaml`,
      'lm-studio': 'C:\\Users\\ada\\.lmstudio\\mcp.json',
      warp: 'C:\\Users\\ada\\.warp\\.mcp.json',
      junie: 'C:\\Users\\ada\\.junie\\mcp\\mcp.json',
      'jetbrains-ai': null,
    });
  });

  test('is where the variables of its client put it', () => {
    const env = {
      HOME: '/home/ada',
      CLAUDE_CONFIG_DIR: '/srv/claude',
      CODEX_HOME: '/srv/codex',
      OPENCODE_CONFIG: '/srv/opencode.jsonc',
      XDG_CONFIG_HOME: '/srv/config',
    };
    const { codex, opencode, goose, ...files } = first({ platform: 'linux', env });
    expect(files['claude-code']).toBe('/srv/claude/.claude.json');
    expect(codex).toBe('/srv/codex/config.toml');
    expect(opencode).toBe('/srv/opencode.jsonc');
    expect(goose).toBe('/srv/config/goose/config.yaml');
  });

  test('is nowhere without a home', () => {
    for (const platform of ['linux', 'darwin', 'win32'] as const)
      for (const row of clientRows) expect(row.userFiles({ platform, env: {} })).toEqual([]);
  });
});

test('the words for clients are unique', () => {
  expect(new Set(clientRows.map(({ id }) => id)).size).toBe(clientRows.length);
});
