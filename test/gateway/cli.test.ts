import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import manifest from '../../package.json' with { type: 'json' };
import { runProgram } from '../support/program.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

describe('--help', () => {
  test('explains the program on stdout', async () => {
    const { exitCode, stdout, stderr } = await runProgram(['--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const word of ['-c, --config', 'MCPSTEAD_CONFIG', '--version', 'serve', 'check', 'demo']) {
      expect(stdout).toContain(word);
    }
  });

  test('explains each subcommand with its own options', async () => {
    const demo = await runProgram(['demo', '--help']);
    expect(demo).toMatchObject({ exitCode: 0, stderr: '' });
    expect(demo.stdout).toContain('mcpstead demo');
    expect(demo.stdout).toContain('      --port N  Port to listen on [default: 8766]\n');
    const check = await runProgram(['check', '-h']);
    expect(check).toMatchObject({ exitCode: 0, stderr: '' });
    expect(check.stdout).toContain('  -c, --config FILE  Configuration file');
    expect(check.stdout).not.toContain('--port');
  });

  test('is plain text outside of a terminal', async () => {
    const { stdout } = await runProgram(['--help'], { env: { NO_COLOR: undefined, CI: undefined } });
    expect(stdout).not.toContain('\u001b');
  });
});

test('--version shows the version, the commit and the version of Bun', async () => {
  const { exitCode, stdout, stderr } = await runProgram(['--version']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^mcpstead \S+ \(commit ([0-9a-f]{12}|unknown), Bun \S+\)\n$/);
  expect(stdout).toStartWith(`mcpstead ${manifest.version} (`);
  expect(stdout).toEndWith(`Bun ${Bun.version})\n`);
});

describe('wrong usage is one message on stderr and exit code 2', () => {
  const seeHelp = '\nRun "mcpstead --help" for the options.\n';
  const cases: [args: string[], message: string][] = [
    [['--confg', 'a.yaml'], 'unknown option --confg; did you mean --config?'],
    [['chek', '--config', 'a.yaml'], 'unknown command "chek"; did you mean check?'],
    [['a.yaml'], 'unknown command "a.yaml"; did you mean --config a.yaml?'],
    [
      ['serve', '--config', 'a.yaml', 'b.yaml'],
      'unexpected argument "b.yaml"; did you mean --config b.yaml?',
    ],
    [['-c', 'a.yaml', '-c', 'b.yaml'], '--config is given twice'],
    [['check', '--config'], '--config needs a value'],
    [['--config='], '--config needs a value'],
    [['demo', '--port', 'http'], '--port expects a number from 0 to 65535, found "http"'],
    [['demo', '--port', '65536'], '--port expects a number from 0 to 65535, found "65536"'],
  ];
  for (const [args, message] of cases) {
    test(`mcpstead ${args.join(' ')}`, async () => {
      expect(await runProgram(args)).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: `mcpstead: ${message}${seeHelp}`,
      });
    });
  }

  for (const command of [[], ['serve'], ['check']]) {
    test(`${['mcpstead', ...command].join(' ')} without a configuration, which points to the demo`, async () => {
      const { exitCode, stdout, stderr } = await runProgram(command);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain('no configuration file: pass --config FILE or set MCPSTEAD_CONFIG=FILE');
      expect(stderr).toContain('"mcpstead demo"');
    });
  }
});
