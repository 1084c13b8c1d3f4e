import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A home directory with eight servers of npm in three clients, one of them in two. */
export interface FirstRunHome {
  readonly path: string;
  /** A folder that one of the servers serves, with the file `hello.txt`. */
  readonly notes: string;
  /** The files of the clients. */
  readonly claudeDesktop: string;
  readonly cursor: string;
  readonly vscode: string;
}

const scope = '@modelcontextprotocol';
const npx = (...args: string[]) => ({ command: 'npx', args: ['-y', ...args] });

/** Makes the home directory below the system's temporary one. */
export function makeHome(): FirstRunHome {
  // macOS has a symbolic link there, which servers resolve.
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-first-run-')));
  const notes = join(path, 'notes');
  const work = join(path, 'work');
  const home: FirstRunHome = {
    path,
    notes,
    claudeDesktop: join(path, '.config/Claude/claude_desktop_config.json'),
    cursor: join(path, '.cursor/mcp.json'),
    vscode: join(path, '.config/Code/User/mcp.json'),
  };
  write(join(notes, 'hello.txt'), 'Hello from a file\n');
  mkdirSync(work, { recursive: true });
  const memory = (file: string) => ({
    ...npx(`${scope}/server-memory`),
    env: { MEMORY_FILE_PATH: join(path, file) },
  });
  const thinking = npx(`${scope}/server-sequential-thinking`);
  writeJson(home.claudeDesktop, {
    mcpServers: {
      notes: npx(`${scope}/server-filesystem`, notes),
      memory: memory('memory.json'),
      thinking,
    },
  });
  writeJson(home.cursor, {
    mcpServers: {
      work: npx(`${scope}/server-filesystem`, work),
      everything: npx(`${scope}/server-everything`),
      thinking,
      browser: npx('@playwright/mcp', '--headless', '--isolated'),
    },
  });
  writeJson(home.vscode, {
    servers: {
      'team-memory': { type: 'stdio', ...memory('team.json') },
      search: {
        type: 'stdio',
        ...npx(`${scope}/server-everything`),
        env: { SEARCH_API_KEY: 'sk-live-9fd2c41be77a4d20' },
      },
    },
  });
  return home;
}

function writeJson(path: string, value: unknown): void {
  write(path, `${JSON.stringify(value, null, 2)}\n`);
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
