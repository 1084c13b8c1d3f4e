// Records docs/images/session.svg: from the servers of two clients to the first call, on a real terminal with the built program.
// Usage: npm run docs:session

import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { platformName } from '../npm/mcpstead/lib/platform.mjs';
import { binaryFolder, root } from './checkout.ts';
import { targetNamed } from './targets.ts';
import { type RecordedCommand, terminalSvg } from './terminal-svg.ts';

/** An `npx` that downloads its package first takes long. */
const commandTimeoutMs = 120_000;
/** The home directory in the image, in place of the temporary one. */
const shownHome = '/home/me';
const columns = 116;

const platform = targetNamed(platformName());
const home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-session-')));
const program = join(home, '.local/bin', platform.executable);

/** Fixed values, so that the image changes only if the program does. */
const notes = {
  command: 'npx',
  args: ['-y', '@modelcontextprotocol/server-filesystem', join(home, 'notes')],
};
const files: Readonly<Record<string, unknown>> = {
  '.cursor/mcp.json': {
    mcpServers: {
      notes,
      github: {
        command: 'npx',
        args: ['-y', '@modelcontextprotocol/server-github'],
        env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'ghp_0123456789abcdefghijABCDEFGHIJ012345' },
      },
    },
  },
  '.config/Claude/claude_desktop_config.json': {
    mcpServers: {
      notes,
      linear: { command: 'npx', args: ['-y', 'mcp-remote', 'https://mcp.linear.app/mcp'] },
    },
  },
};

function write(path: string, text: string): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Runs a command line on a terminal. @param answers what is typed, each once the terminal has shown its question */
async function record(
  command: string,
  answers: readonly (readonly [question: string, typed: string])[],
): Promise<RecordedCommand> {
  let text = '';
  let seen = 0;
  const left = [...answers];
  const { XDG_CONFIG_HOME: _config, XDG_STATE_HOME: _state, MCPSTEAD_CONFIG: _file, ...others } = process.env;
  const child = Bun.spawn(['sh', '-c', command], {
    cwd: home,
    env: { ...others, HOME: home, PATH: `${dirname(program)}:${process.env.PATH}` },
    timeout: commandTimeoutMs,
    terminal: {
      cols: columns,
      rows: 60,
      data(terminal, bytes) {
        text += new TextDecoder().decode(bytes);
        const [question, typed] = left[0] ?? [];
        if (question === undefined || !text.includes(question, seen)) return;
        seen = text.indexOf(question, seen) + question.length;
        left.shift();
        terminal.write(`${typed}\r`);
      },
    },
  });
  if ((await child.exited) !== 0) throw new Error(`${command} failed:\n${text}`);
  // Progress is a line that is erased in the end.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
  const shown = text.replace(/\r\u001b\[K[^\r\n]*(?=\r\u001b\[K)/g, '').replaceAll('\r\u001b[K', '');
  return { command, output: plain(shown).replaceAll(home, shownHome) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one.
const cursorCode = /\u001b\[(?![0-9;]*m)[0-9;?]*[A-Za-z]/g;

/** Without the escape sequences by which a line editor moves the cursor. */
function plain(text: string): string {
  return text.replace(cursorCode, '').replaceAll('\r\n', '\n').replaceAll('\r', '');
}

try {
  for (const [path, value] of Object.entries(files)) write(path, `${JSON.stringify(value, null, 2)}\n`);
  write('notes/today.txt', 'Water the plants\n');
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(join(binaryFolder(platform.name), platform.executable), program);
  const session = [
    await record('mcpstead init', [
      ['Write? [Y/n]', 'y'],
      ['Install it? [Y/n]', 'n'],
      ['Write? [Y/n]', 'y'],
    ]),
    await record('mcpstead call notes.read_text_file path=today.txt', []),
  ];
  const path = join(root, 'docs/images/session.svg');
  writeFileSync(path, terminalSvg('From the servers of two clients to the first call', session));
  console.log('docs/images/session.svg');
} finally {
  rmSync(home, { recursive: true, force: true });
}
