import { describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { completedProgram } from '../../../../src/cli/completions/words.ts';
import { zshCompletions } from '../../../../src/cli/completions/zsh.ts';
import { sampleCommands, sampleRoot } from '../../../support/sample-commands.ts';
import { waitUntil } from '../../../support/wait.ts';

const script = zshCompletions(completedProgram(sampleRoot, sampleCommands));
const zsh = Bun.which('zsh') ?? Bun.which('zsh-static');

/** An interactive zsh writes down what it is told to offer: there is no way to ask it. */
const settings = `
PROMPT=
autoload -Uz compinit
compinit -u -D
compadd() {
  [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return }
  local -a found
  builtin compadd -O found "$@"
  print -rl -- $found >>$ZDOTDIR/found
  builtin compadd "$@"
}
report() { : >$ZDOTDIR/done }
zle -N report
bindkey '^I' list-choices '^X' report
source $ZDOTDIR/script.zsh
cd $ZDOTDIR/files
`;

/** What zsh offers at the end of `line`. */
async function completions(line: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-zsh-'));
  // A zsh that is unpacked somewhere does not find its own functions.
  const functions = join(dirname(zsh as string), '../usr/share/zsh/functions');
  const own = existsSync(functions) ? `fpath=(${functions}/**/*(/))\n` : '';
  Bun.spawnSync(['mkdir', join(folder, 'files')]);
  writeFileSync(join(folder, 'files', 'a.yaml'), '');
  writeFileSync(join(folder, 'script.zsh'), script);
  writeFileSync(join(folder, '.zshenv'), `${own}unsetopt global_rcs\n`);
  writeFileSync(join(folder, '.zshrc'), settings);
  const terminal = new Bun.Terminal({ cols: 200, rows: 50 });
  const child = Bun.spawn([zsh as string, '-i'], {
    env: { ...process.env, ZDOTDIR: folder, TERM: 'dumb' },
    terminal,
  });
  try {
    terminal.write(`${line}\t\u0018`);
    await waitUntil('an answer of zsh', () => existsSync(join(folder, 'done')), 20_000);
    const found = join(folder, 'found');
    const lines = existsSync(found) ? readFileSync(found, 'utf8').split('\n') : [];
    return [...new Set(lines)].filter((each) => each !== '').toSorted();
  } finally {
    child.kill('SIGKILL');
    await child.exited;
    terminal.close();
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(zsh === null)('zsh', () => {
  test('completes commands and their aliases', async () => {
    expect(await completions('mcpstead ')).toEqual(['draw', 'lend', 'paint', 'wash']);
    expect(await completions('mcpstead -c x w')).toEqual(['wash']);
  });

  test('completes the options of a command, but no hidden ones', async () => {
    expect(await completions('mcpstead --')).toEqual(['--config', '--help']);
    expect(await completions('mcpstead draw --')).toEqual(['--frame', '--help', '--into', '--label']);
  });

  test('completes the values of an option, and files', async () => {
    expect(await completions('mcpstead paint --frame ')).toEqual(['gold', 'wood']);
    expect(await completions('mcpstead --config a')).toEqual(['a.yaml']);
  });

  test('completes the words of a command by their places', async () => {
    expect(await completions('mcpstead paint ')).toEqual(['blue', 'green', 'red']);
    expect(await completions('mcpstead paint red a')).toEqual(['a.yaml']);
    expect(await completions('mcpstead wash thin thi')).toEqual(['thick', 'thin']);
  });
});
