import { describe, expect, test } from 'bun:test';
import { commandNamed } from '../../../src/cli/command-table.ts';
import { selectCommand } from '../../../src/cli/selection.ts';
import { GatewayError } from '../../../src/errors.ts';

/** The name of the command that `argv` selects, what it is asked for, and the options that are given. */
function selected(...argv: string[]) {
  const { command, action, args } = selectCommand(argv);
  const flags = Object.entries(args.flags).filter(
    ([, value]) => value !== undefined && (value as unknown) !== false,
  );
  return [command.name, action, ...flags.map(([name, value]) => `${name}=${value}`)];
}

/** The message that `argv` is refused with. */
function refusal(...argv: string[]): string {
  try {
    selectCommand(argv);
  } catch (error) {
    if (error instanceof GatewayError && error.exitCode === 2) return error.message;
    throw error;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

describe('the command', () => {
  test('is the first word that is neither a flag nor a value', () => {
    expect(selected('check', '--config', 'a.yaml')).toEqual(['check', 'run', 'config=a.yaml']);
    expect(selected('--config', 'serve', 'check')).toEqual(['check', 'run', 'config=serve']);
    expect(selected('--port', '8080', 'demo')).toEqual(['demo', 'run', 'port=8080']);
  });

  test('is the program itself when no subcommand is named', () => {
    expect(selected()).toEqual(['mcpstead', 'run']);
    expect(selected('-c', 'a.yaml')).toEqual(['mcpstead', 'run', 'config=a.yaml']);
    expect(selected('--config=a.yaml')).toEqual(['mcpstead', 'run', 'config=a.yaml']);
    expect(selected('-ca.yaml')).toEqual(['mcpstead', 'run', 'config=a.yaml']);
  });

  test('may be asked for help, wherever the flag stands', () => {
    expect(selected('--help')).toEqual(['mcpstead', 'help', 'help=true']);
    expect(selected('demo', '-h')).toEqual(['demo', 'help', 'port=8766', 'help=true']);
    expect(selected('-h', 'check', '-c', 'a.yaml')).toEqual(['check', 'help', 'config=a.yaml', 'help=true']);
  });

  test('may be asked for the version; help comes first', () => {
    expect(selected('--version')).toEqual(['mcpstead', 'version', 'version=true']);
    expect(selected('--version', '--help')).toEqual(['mcpstead', 'help', 'help=true', 'version=true']);
  });
});

describe('a wrong flag', () => {
  test('gets a suggestion', () => {
    expect(refusal('--confg', 'a.yaml')).toBe('unknown option --confg; did you mean --config?');
    expect(refusal('serve', '--conf=a.yaml')).toBe('unknown option --conf; did you mean --config?');
    expect(refusal('demo', '--Port', '1')).toBe('unknown option --Port; did you mean --port?');
    expect(refusal('-v')).toBe('unknown option -v; did you mean --version?');
  });

  test('is answered without a guess when nothing is near', () => {
    expect(refusal('--verbose-mode')).toBe('unknown option --verbose-mode');
    expect(refusal('--toString')).toBe('unknown option --toString');
    expect(refusal('-x')).toBe('unknown option -x');
  });

  test('is answered with the command that has it', () => {
    expect(refusal('--port', '8080')).toBe('unknown option --port; it belongs to "mcpstead demo"');
    expect(refusal('check', '--version')).toBe('unknown option --version; it belongs to "mcpstead"');
  });

  test('may be a negation', () => {
    expect(refusal('--no-config')).toBe('unknown option --no-config; did you mean --config?');
    expect(refusal('--no-help')).toBe('unknown option --no-help; did you mean --help?');
  });
});

describe('a wrong word', () => {
  test('is answered with the command or flag that was probably meant', () => {
    expect(refusal('chek')).toBe('unknown command "chek"; did you mean check?');
    expect(refusal('help')).toBe('unknown command "help"; did you mean --help?');
    expect(refusal('start')).toBe('unknown command "start"');
  });

  test('that looks like a file is answered with --config', () => {
    expect(refusal('my.yaml')).toBe('unknown command "my.yaml"; did you mean --config my.yaml?');
    expect(refusal('check', './my')).toBe('unexpected argument "./my"; did you mean --config ./my?');
    expect(refusal('demo', 'my.yml')).toBe('unexpected argument "my.yml"');
  });

  test('is refused after the subcommand, too', () => {
    expect(refusal('check', 'serve')).toBe('unexpected argument "serve"');
    expect(refusal('demo', '--port', '1', '2')).toBe('unexpected argument "2"');
    expect(refusal('check', '--', 'serve')).toBe('unexpected argument "serve"');
  });
});

describe('a value', () => {
  test('must not be missing or empty', () => {
    expect(refusal('--config')).toBe('--config needs a value');
    expect(refusal('--config=')).toBe('--config needs a value');
    expect(refusal('check', '-c', '')).toBe('--config needs a value');
    expect(refusal('demo', '--port')).toBe('--port needs a value');
  });

  test('is not the next flag, unless it is joined with =', () => {
    expect(refusal('--config', '--help')).toBe(
      '--config needs a value, found "--help"; if that is the value, write --config=--help',
    );
    expect(selected('--config=--help')).toEqual(['mcpstead', 'run', 'config=--help']);
  });

  test('is given once, under whichever of its names', () => {
    expect(refusal('--config', 'a', '--config', 'b')).toBe('--config is given twice');
    expect(refusal('-c', 'a', 'check', '--config=b')).toBe('--config is given twice');
  });

  test('does not follow a short flag with =', () => {
    expect(refusal('-c=a.yaml')).toBe('write -c a.yaml or --config=a.yaml');
  });

  test('is refused for a flag without one', () => {
    expect(refusal('--help=yes')).toBe('--help takes no value');
  });
});

describe('a port', () => {
  test('is a whole number from 0 to 65535', async () => {
    for (const wrong of ['65536', '-1', '80.5', '1e3', '0x50', ' 80', 'http', '٣']) {
      const run = async () =>
        commandNamed('demo')?.run({ flags: { port: wrong } as never, words: [], rest: null });
      await expect(run()).rejects.toThrow(`--port expects a number from 0 to 65535, found "${wrong}"`);
    }
  });
});
