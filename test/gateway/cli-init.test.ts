import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from '../support/program.ts';
import { startOnTerminal } from '../support/terminal.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

let home: string;
let env: Record<string, string | undefined>;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-init-')));
  env = { HOME: home, XDG_CONFIG_HOME: undefined, XDG_STATE_HOME: undefined, MCPSTEAD_CONFIG: undefined };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const cursorText = `{
  // The servers of my editor
  "mcpServers": {
    "notes": { "command": "npx", "args": ["-y", "some-notes-server"], "env": { "NOTES_API_KEY": "hunter2hunter2" } }
  }
}
`;

function write(path: string, text: string, mode = 0o644): string {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

const read = (path: string) => readFileSync(join(home, path), 'utf8');

/** A PATH on which systemd refuses, as in a container. */
function withoutServices(): void {
  write('bin/systemctl', '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n', 0o755);
  env = { ...env, PATH: `${home}/bin:${process.env.PATH}` };
}

describe.if(process.platform === 'linux')('mcpstead init --yes', () => {
  test('takes over the servers and connects the clients, also where no service can be installed', async () => {
    withoutServices();
    write('.cursor/mcp.json', cursorText);
    const { exitCode, stdout, stderr } = await runProgram(['init', '--yes'], { env, cwd: home });
    expect(exitCode).toBe(1);
    expect(read('.config/mcpstead/mcpstead.yaml')).toContain('  - name: notes\n');
    expect(read('.config/mcpstead/mcpstead.env')).toContain('NOTES_API_KEY=hunter2hunter2\n');
    expect(JSON.parse(read('.cursor/mcp.json').replace(/\/\/.*/, ''))).toEqual({
      mcpServers: { notes: { url: 'http://127.0.0.1:8766/mcp/notes' } },
    });
    expect(stderr).toContain('To try this step again: mcpstead service install');
    expect(stdout).toContain('mcpstead serve --watch');
    expect(stdout + stderr).not.toContain('hunter2hunter2');
  });

  test('is undone by disconnect, to the byte', async () => {
    withoutServices();
    write('.cursor/mcp.json', cursorText);
    await runProgram(['init', '--yes'], { env, cwd: home });
    expect(read('.cursor/mcp.json')).not.toBe(cursorText);
    expect(await runProgram(['disconnect', '--all', '--yes'], { env, cwd: home })).toMatchObject({
      exitCode: 0,
    });
    expect(read('.cursor/mcp.json')).toBe(cursorText);
  });

  test('says how to go on where there is no client and no configuration, and writes nothing', async () => {
    withoutServices();
    const { exitCode, stdout } = await runProgram(['init', '--yes'], { env, cwd: home });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('mcpstead add NAME URL');
    expect(existsSync(join(home, '.config'))).toBe(false);
  });
});

describe.if(process.platform === 'linux')('mcpstead init', () => {
  test('asks before each step, and does what is answered with yes', async () => {
    withoutServices();
    write('.cursor/mcp.json', cursorText);
    await using terminal = startOnTerminal(['init'], { env, cwd: home });
    await terminal.answer('Write? [Y/n]', 'y');
    await terminal.answer('Install it? [Y/n]', 'n');
    await terminal.answer('Write? [Y/n]', '');
    expect(await terminal.ended()).toBe(0);
    expect(read('.config/mcpstead/mcpstead.yaml')).toContain('  - name: notes\n');
    expect(read('.cursor/mcp.json')).toContain('/mcp/notes');
    expect(terminal.text()).not.toContain('hunter2hunter2');
  });

  test('writes nothing for who answers no', async () => {
    write('.cursor/mcp.json', cursorText);
    await using terminal = startOnTerminal(['init'], { env, cwd: home });
    await terminal.answer('Write? [Y/n]', 'no');
    expect(await terminal.ended()).toBe(0);
    expect(existsSync(join(home, '.config'))).toBe(false);
    expect(read('.cursor/mcp.json')).toBe(cursorText);
  });

  test('takes the end of the input for no', async () => {
    write('.cursor/mcp.json', cursorText);
    await using terminal = startOnTerminal(['init'], { env, cwd: home });
    await terminal.answer('Write? [Y/n]', '', '\x04');
    expect(await terminal.ended()).toBe(0);
    expect(existsSync(join(home, '.config'))).toBe(false);
    expect(read('.cursor/mcp.json')).toBe(cursorText);
  });

  test('needs a terminal, or --yes', async () => {
    write('.cursor/mcp.json', cursorText);
    const { exitCode, stderr } = await runProgram(['init'], { env, cwd: home });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('pass --yes');
    expect(existsSync(join(home, '.config'))).toBe(false);
  });
});
