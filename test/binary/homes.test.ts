import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { commands } from '../../src/cli/command-table.ts';
import { fixtureRows, placeOf, plantedSecrets, writeClientFile } from '../support/client-fixtures.ts';
import { startCommand } from '../support/program.ts';

// The built program edits the files of clients, and reports what it does.

setDefaultTimeout(60_000);

const platform = targetNamed(platformName());
const program = join(binaryFolder(platform.name), platform.executable);

let home: string;
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-binary-home-')));
  mkdirSync(join(home, 'bin'));
  for (const manager of ['systemctl', 'loginctl']) {
    writeFileSync(join(home, 'bin', manager), '#!/bin/sh\necho "Failed to connect to bus" >&2\nexit 1\n');
    chmodSync(join(home, 'bin', manager), 0o755);
  }
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function run(...args: string[]) {
  const unset = ['XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'CLAUDE_CONFIG_DIR', 'CODEX_HOME', 'OPENCODE_CONFIG'];
  await using running = startCommand([program, ...args], {
    cwd: home,
    env: {
      ...Object.fromEntries(unset.map((name) => [name, undefined])),
      HOME: home,
      PATH: `${home}/bin:/usr/bin:/bin`,
      SHELL: '/bin/sh',
    },
  });
  return await running.ended();
}

/** The mode and the bytes of a file. */
const stateOf = (path: string) => `${statSync(path).mode.toString(8)} ${readFileSync(path, 'latin1')}`;

describe.if(process.platform === 'linux')('with the files of fifteen clients', () => {
  test('init imports all servers and shows no secret, and disconnect leaves every file as it was', async () => {
    const place = placeOf('linux', home);
    const paths = fixtureRows.map((row) => writeClientFile(row, place, home));
    const before = paths.map((path) => stateOf(path));

    const dry = await run('import', '--dry-run');
    expect(dry.exitCode).toBe(0);
    expect(paths.map((path) => stateOf(path))).toEqual(before);

    const initialized = await run('init', '--yes');
    expect(initialized.stdout).toMatch(/\d+ servers in 15 clients/);
    const changed = paths.filter((path, index) => stateOf(path) !== before[index]);
    expect(changed.length).toBeGreaterThanOrEqual(12);
    const checked = await run('check');
    expect({ exitCode: checked.exitCode, stderr: checked.stderr }).toEqual({ exitCode: 0, stderr: '' });

    const disconnected = await run('disconnect', '--all', '--yes');
    expect({ exitCode: disconnected.exitCode, stderr: disconnected.stderr }).toEqual({
      exitCode: 0,
      stderr: '',
    });
    expect(paths.map((path) => stateOf(path))).toEqual(before);

    const yaml = readFileSync(join(home, '.config/mcpstead/mcpstead.yaml'), 'utf8');
    const shown = [dry, initialized, checked, disconnected]
      .map(({ stdout, stderr }) => stdout + stderr)
      .join('\n');
    for (const [name, secret] of Object.entries(plantedSecrets)) {
      expect({ name, isShown: shown.includes(secret), isInYaml: yaml.includes(secret) }).toEqual({
        name,
        isShown: false,
        isInYaml: false,
      });
    }
  });
});

test.each([
  ['bash', 'complete -'],
  ['zsh', '#compdef mcpstead'],
  ['fish', 'complete -c mcpstead'],
  ['powershell', 'Register-ArgumentCompleter'],
])('completions for %s know every command', async (shell, words) => {
  const { exitCode, stdout, stderr } = await run('completions', shell);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain(words);
  for (const { name } of commands) expect(stdout).toContain(name);
});

test.each(commands)('$name --help explains the command', async ({ name, summary, flags, examples = [] }) => {
  const { exitCode, stdout, stderr } = await run(name, '--help');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toStartWith(`mcpstead ${name}: ${summary}\n`);
  for (const [flag, { isHidden = false }] of Object.entries(flags))
    expect({ flag, isShown: stdout.includes(`--${flag}`) }).toEqual({ flag, isShown: !isHidden });
  for (const { line } of examples) expect(stdout).toContain(line);
});
