import { homeDirectory, type Place } from '../config/places.ts';
import { below, belowAppData, belowHome, belowXdgConfig } from './folders.ts';
import type { ClientRow, RemoteForm } from './row.ts';

// The clients, most used first. A fact about a client stands here and nowhere else.

type Paths = readonly (string | null)[];

const existing = (paths: Paths): readonly string[] => paths.filter((path) => path !== null);

const plainStdio = (command: string, args: readonly string[]) => ({ command, args });

/** A form whose `headers` may refer to a variable. @param reference the reference to the variable `name` */
const withHeaders = (reference: (name: string) => string) => (name: string) => ({
  headers: { Authorization: `Bearer ${reference(name)}` },
});
const envReference = withHeaders((name) => `\${env:${name}}`);
const shellReference = withHeaders((name) => `\${${name}}`);

const remote = (url: string, token: RemoteForm['token'], fixed: RemoteForm['fixed'] = {}): RemoteForm => ({
  url,
  fixed,
  token,
});

/** What most clients have in common: they copied the format of Claude Desktop. */
const customary = {
  projectFiles: [],
  format: 'jsonc',
  key: ['mcpServers'],
  stdio: plainStdio,
  nameKey: null,
  remote: remote('url', null),
  variables: [],
  off: null,
  timeoutUnit: null,
  connection: 'file',
} as const;

/** Editors that run extensions of VS Code. */
const extensionHosts = ['Code', 'Code - Insiders', 'VSCodium', 'Cursor', 'Windsurf'];

const extensionFiles = (place: Place, path: string): Paths =>
  extensionHosts.map((host) => belowAppData(place, `${host}/User/globalStorage/${path}`));

const vsCode = {
  ...customary,
  projectFiles: ['.vscode/mcp.json'],
  key: ['servers'],
  stdio: (command: string, args: readonly string[]) => ({ type: 'stdio', command, args }),
  remote: remote('url', envReference, { type: 'http' }),
  variables: ['env', 'input', 'folders'],
} as const;

/** The package of Claude Desktop in the Microsoft Store has a folder of its own. */
const storePackage = 'Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude/claude_desktop_config.json';

function openCodeFiles(place: Place): Paths {
  const folders = [
    ...(place.env.OPENCODE_CONFIG_DIR ? [place.env.OPENCODE_CONFIG_DIR] : []),
    belowXdgConfig(place, 'opencode'),
    ...(place.platform === 'win32' ? [belowAppData(place, 'opencode')] : []),
  ];
  const files = ['opencode.json', 'opencode.jsonc', 'config.json'];
  return [
    place.env.OPENCODE_CONFIG || null,
    ...folders.flatMap((folder) => files.map((file) => below(place, folder, file))),
  ];
}

const gooseStdio = (cmd: string, args: readonly string[]) => ({
  ...gooseKeys,
  type: 'stdio',
  cmd,
  args,
});
const gooseKeys = { enabled: true, timeout: 300 };

export const clientRows: readonly ClientRow[] = [
  {
    ...customary,
    id: 'claude-desktop',
    title: 'Claude Desktop',
    userFiles: (place) =>
      existing([
        belowAppData(place, 'Claude/claude_desktop_config.json'),
        place.platform === 'win32' ? below(place, place.env.LOCALAPPDATA || null, storePackage) : null,
      ]),
    remote: null,
    restart: 'Quit Claude Desktop, also from the tray or the menu bar, and open it again.',
  },
  {
    ...customary,
    id: 'claude-code',
    title: 'Claude Code',
    userFiles: (place) =>
      existing([below(place, place.env.CLAUDE_CONFIG_DIR || homeDirectory(place), '.claude.json')]),
    signs: (place) => existing([belowHome(place, '.claude')]),
    projectFiles: ['.mcp.json'],
    remote: remote('url', shellReference, { type: 'http' }),
    variables: ['shell'],
    timeoutUnit: 'ms',
    connection: 'command',
    restart: 'Start Claude Code again; "/mcp" in it shows the servers.',
  },
  {
    ...customary,
    id: 'cursor',
    title: 'Cursor',
    userFiles: (place) => existing([belowHome(place, '.cursor/mcp.json')]),
    projectFiles: ['.cursor/mcp.json'],
    remote: remote('url', envReference),
    variables: ['env', 'folders'],
    off: ['disabled', true],
    restart: 'Restart Cursor, or switch the server off and on in its settings, "MCP".',
  },
  {
    ...vsCode,
    id: 'vscode',
    title: 'VS Code',
    userFiles: (place) => existing([belowAppData(place, 'Code/User/mcp.json')]),
    restart: 'Run "MCP: List Servers" in VS Code, and start or restart the server there.',
  },
  {
    ...vsCode,
    id: 'vscode-insiders',
    title: 'VS Code Insiders',
    userFiles: (place) => existing([belowAppData(place, 'Code - Insiders/User/mcp.json')]),
    restart: 'Run "MCP: List Servers" in VS Code Insiders, and start or restart the server there.',
  },
  {
    ...customary,
    id: 'windsurf',
    title: 'Windsurf',
    userFiles: (place) =>
      existing([
        belowHome(place, '.codeium/windsurf/mcp_config.json'),
        belowHome(place, '.codeium/mcp_config.json'),
      ]),
    hasFilePerProgram: true,
    remote: remote('serverUrl', envReference),
    variables: ['env', 'file'],
    off: ['disabled', true],
    restart: 'Press "Refresh" in the MCP settings of Windsurf, or restart it.',
  },
  {
    ...customary,
    id: 'zed',
    title: 'Zed',
    userFiles: (place) =>
      existing([
        place.platform === 'win32'
          ? belowAppData(place, 'Zed/settings.json')
          : place.platform === 'darwin'
            ? belowHome(place, '.config/zed/settings.json')
            : belowXdgConfig(place, 'zed/settings.json'),
      ]),
    projectFiles: ['.zed/settings.json'],
    key: ['context_servers'],
    off: ['enabled', false],
    timeoutUnit: 's',
    restart: 'Nothing to do: Zed reads its settings again.',
  },
  {
    ...customary,
    id: 'codex',
    title: 'Codex',
    userFiles: (place) =>
      existing([below(place, place.env.CODEX_HOME || belowHome(place, '.codex'), 'config.toml')]),
    projectFiles: ['.codex/config.toml'],
    format: 'toml',
    key: ['mcp_servers'],
    remote: remote('url', (name) => ({ bearer_token_env_var: name })),
    off: ['enabled', false],
    restart: 'Start Codex again; "/mcp" in it shows the servers.',
  },
  {
    ...customary,
    id: 'gemini-cli',
    title: 'Gemini CLI',
    userFiles: (place) => existing([belowHome(place, '.gemini/settings.json')]),
    projectFiles: ['.gemini/settings.json'],
    remote: remote('httpUrl', shellReference),
    variables: ['shell', 'dollar'],
    timeoutUnit: 'ms',
    restart: 'Start Gemini CLI again; "/mcp" in it shows the servers.',
  },
  {
    ...customary,
    id: 'opencode',
    title: 'opencode',
    userFiles: (place) => existing(openCodeFiles(place)),
    projectFiles: ['opencode.json', 'opencode.jsonc', '.agents/mcp.json'],
    key: ['mcp'],
    stdio: (command, args) => ({ type: 'local', command: [command, ...args], enabled: true }),
    remote: remote(
      'url',
      withHeaders((name) => `{env:${name}}`),
      { type: 'remote', enabled: true },
    ),
    variables: ['braces'],
    off: ['enabled', false],
    timeoutUnit: 'ms',
    restart: 'Start opencode again.',
  },
  {
    ...customary,
    id: 'cline',
    title: 'Cline',
    userFiles: (place) =>
      existing([
        ...extensionFiles(place, 'saoudrizwan.claude-dev/settings/cline_mcp_settings.json'),
        belowHome(place, '.cline/data/settings/cline_mcp_settings.json'),
      ]),
    hasFilePerProgram: true,
    signs: (place) =>
      existing([...extensionFiles(place, 'saoudrizwan.claude-dev'), belowHome(place, '.cline')]),
    remote: remote('url', null, { type: 'streamableHttp' }),
    variables: ['env'],
    off: ['disabled', true],
    timeoutUnit: 's',
    restart: 'Nothing to do: Cline reads the file again; else press "Restart Server".',
  },
  {
    ...customary,
    id: 'roo',
    title: 'Roo Code',
    userFiles: (place) =>
      existing(extensionFiles(place, 'rooveterinaryinc.roo-cline/settings/mcp_settings.json')),
    projectFiles: ['.roo/mcp.json'],
    remote: remote('url', null, { type: 'streamable-http' }),
    variables: ['env', 'folders'],
    off: ['disabled', true],
    timeoutUnit: 's',
    // The project is archived.
    connection: 'none',
    restart: 'Roo Code reads the file again.',
  },
  {
    ...customary,
    id: 'goose',
    title: 'Goose',
    userFiles: (place) =>
      existing([
        place.platform === 'win32'
          ? belowAppData(place, 'Block/goose/config/config.yaml')
          : belowXdgConfig(place, 'goose/config.yaml'),
      ]),
    format: 'yaml',
    key: ['extensions'],
    stdio: gooseStdio,
    nameKey: 'name',
    remote: remote('uri', null, { ...gooseKeys, type: 'streamable_http' }),
    off: ['enabled', false],
    timeoutUnit: 's',
    restart: 'Start a new session of Goose.',
  },
  {
    ...customary,
    id: 'lm-studio',
    title: 'LM Studio',
    userFiles: (place) => existing([belowHome(place, '.lmstudio/mcp.json')]),
    off: ['disabled', true],
    restart: 'Nothing to do: LM Studio reads the file again.',
  },
  {
    ...customary,
    id: 'warp',
    title: 'Warp',
    userFiles: (place) => existing([belowHome(place, '.warp/.mcp.json')]),
    projectFiles: ['.warp/.mcp.json'],
    restart: 'Start the server in the settings of Warp, "MCP Servers".',
  },
  {
    ...customary,
    id: 'junie',
    title: 'Junie',
    userFiles: (place) => existing([belowHome(place, '.junie/mcp/mcp.json')]),
    signs: (place) => existing([belowHome(place, '.junie')]),
    projectFiles: ['.junie/mcp/mcp.json'],
    off: ['enabled', false],
    restart: 'Nothing to do: Junie reads the file again.',
  },
  {
    ...customary,
    id: 'jetbrains-ai',
    title: 'JetBrains AI Assistant',
    // The IDE keeps its own copy in options/llm.mcpServers.xml and writes it anew.
    userFiles: () => [],
    format: 'xml',
    connection: 'snippet',
    restart: 'Paste the snippet into Settings, Tools, AI Assistant, Model Context Protocol (MCP), as JSON.',
  },
];
