import { parseArgs } from 'node:util';
import type { ArgsDef, CommandMeta } from 'citty';
import { suggest } from '../config/suggest.ts';
import { GatewayError } from '../errors.ts';
import { type Command, root, subCommands } from './command-table.ts';

/** The command that a command line selects, and what to do with it. */
export interface Selection {
  readonly command: Command;
  /** The program, if `command` is one of its subcommands. */
  readonly parent: Command | undefined;
  /** The command line without the name of the subcommand. */
  readonly rawArgs: string[];
  readonly action: 'help' | 'version' | 'run';
}

const allCommands = [root, ...Object.values(subCommands)];

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/**
 * Selects the command for the arguments `argv`, without the program's name, and checks every argument: citty ignores unknown
 * flags, takes the last of two values, and takes the next flag for a missing value.
 *
 * @throws GatewayError('usage') for the first wrong argument
 */
export function selectCommand(argv: readonly string[]): Selection {
  const tokens = tokenize(argv);
  const first = tokens.find((token) => token.kind === 'positional');
  const name = first && Object.hasOwn(subCommands, first.value) ? first : undefined;
  const command = name ? subCommands[name.value]! : root;
  const rest = tokens.filter((token) => token !== name);
  rest.forEach((token, index) => {
    requireKnown(token, command, rest.slice(0, index));
  });
  return {
    command,
    parent: name ? root : undefined,
    rawArgs: argv.filter((_, index) => index !== name?.index),
    action: hasFlag(rest, 'help') ? 'help' : hasFlag(rest, 'version') ? 'version' : 'run',
  };
}

function hasFlag(tokens: readonly Token[], name: string): boolean {
  return tokens.some((token) => token.kind === 'option' && token.name === name);
}

/** Splits a command line into tokens. It needs the flags of all commands to tell values from other words. */
function tokenize(argv: readonly string[]): Token[] {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const command of allCommands) {
    for (const [name, arg] of Object.entries(command.args as ArgsDef)) {
      const short = 'alias' in arg && typeof arg.alias === 'string' ? arg.alias : undefined;
      options[name] = { type: arg.type === 'boolean' ? 'boolean' : 'string', ...(short && { short }) };
    }
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** Throws unless `command` takes `token` after the tokens `before` it. */
function requireKnown(token: Token, command: Command, before: readonly Token[]): void {
  if (token.kind === 'option-terminator') return;
  if (token.kind === 'positional') throw unexpectedWord(token.value, command);
  const args = command.args as ArgsDef;
  if (!Object.hasOwn(args, token.name)) throw unknownOption(token.rawName, command);
  const flag = `--${token.name}`;
  if (args[token.name]!.type === 'boolean') {
    if (token.value !== undefined) throw new GatewayError('usage', `${flag} takes no value`);
    return;
  }
  if (hasFlag(before, token.name)) throw new GatewayError('usage', `${flag} is given twice`);
  if (!token.value) throw new GatewayError('usage', `${flag} needs a value`);
  if (!token.inlineValue && token.value.startsWith('-')) {
    throw new GatewayError(
      'usage',
      `${flag} needs a value, found "${token.value}"; if that is the value, write ${flag}=${token.value}`,
    );
  }
  if (token.rawName.length === 2 && token.inlineValue && token.value.startsWith('=')) {
    const value = token.value.slice(1);
    throw new GatewayError('usage', `write ${token.rawName} ${value} or ${flag}=${value}`);
  }
}

function unknownOption(flag: string, command: Command): GatewayError {
  const owner = allCommands.find(({ args }) => Object.hasOwn(args as ArgsDef, flag.slice(2)));
  const hint = owner ? `; it belongs to "${fullName(owner)}"` : suggestion(flag, flagsOf(command));
  return new GatewayError('usage', `unknown option ${flag}${hint}`);
}

function fullName(command: Command): string {
  const { name } = command.meta as CommandMeta;
  return command === root ? `${name}` : `${(root.meta as CommandMeta).name} ${name}`;
}

function unexpectedWord(word: string, command: Command): GatewayError {
  const flags = flagsOf(command);
  const what = command === root ? 'unknown command' : 'unexpected argument';
  if (/[/\\]|\.ya?ml$/i.test(word) && flags.includes('--config')) {
    return new GatewayError('usage', `${what} "${word}"; did you mean --config ${word}?`);
  }
  const names = command === root ? Object.keys(subCommands) : [];
  const near = suggestion(word, names) || suggestion(`--${word}`, flags);
  return new GatewayError('usage', `${what} "${word}"${near}`);
}

function flagsOf(command: Command): string[] {
  return Object.keys(command.args as ArgsDef).map((name) => `--${name}`);
}

/** `; did you mean …?` if `word` begins a candidate or is a near miss of one, else an empty text. */
function suggestion(word: string, candidates: readonly string[]): string {
  const bare = word.replace(/^-+/, '');
  const begun = candidates.find((candidate) => candidate.replace(/^-+/, '').startsWith(bare));
  const guess = bare ? (begun ?? suggest(bare, candidates)) : null;
  return guess ? `; did you mean ${guess}?` : '';
}
