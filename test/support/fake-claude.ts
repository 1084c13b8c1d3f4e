import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Behaves like `claude mcp add-json` and `claude mcp remove`, which rewrite ~/.claude.json in their own way.

/** Puts a `claude` into a new directory below `home`, and returns it for PATH. It notes its arguments in `claude.log` there. */
export function installFakeClaude(home: string): string {
  const directory = join(home, 'fake-bin');
  mkdirSync(directory);
  const program = join(directory, 'claude');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${import.meta.path}" "$@"\n`);
  chmodSync(program, 0o755);
  return directory;
}

interface ClaudeFile {
  numStartups?: number;
  mcpServers?: Record<string, unknown>;
}

function main([mcp, command, flag, scope, name = '', json = '']: readonly string[]): number {
  const home = process.env.HOME ?? '';
  appendFileSync(join(home, 'claude.log'), `${process.argv.slice(2).join(' ')}\n`);
  if (process.env.FAKE_CLAUDE_FAILS === command) return fail('Something went wrong');
  if (mcp !== 'mcp' || flag !== '--scope' || scope !== 'user') return fail('error: unknown command');
  const path = join(process.env.CLAUDE_CONFIG_DIR ?? home, '.claude.json');
  const file: ClaudeFile = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  file.numStartups = (file.numStartups ?? 0) + 1;
  file.mcpServers ??= {};
  if (command === 'add-json') {
    if (name in file.mcpServers) return fail(`MCP server ${name} already exists in user config`);
    const entry = JSON.parse(json);
    if (!['stdio', 'http', 'sse'].includes(entry.type)) return fail('Invalid configuration');
    file.mcpServers[name] = entry;
  } else if (command === 'remove') {
    if (!(name in file.mcpServers)) return fail(`No user-scoped MCP server found with name: ${name}`);
    delete file.mcpServers[name];
  } else return fail('error: unknown command');
  writeFileSync(path, JSON.stringify(file, null, 2));
  return 0;
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

if (import.meta.main) process.exit(main(process.argv.slice(2)));
