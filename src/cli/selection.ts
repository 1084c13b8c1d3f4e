import { parseArgs } from 'node:util';
import { suggest } from '../config/suggest.ts';
import { GatewayError } from '../errors.ts';
import type { Arguments, Command, Flag, Positional } from './command.ts';
import { commandNamed, commands, root } from './command-table.ts';

/** The command that a command line selects, and what to do with it. */
interface Selection {
  readonly command: Command;
  readonly action: 'help' | 'version' | 'run';
  /** Complete only if the action is `run`. */
  readonly args: Arguments<Command['flags']>;
}

const allCommands = [root, ...commands];

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

/**
 * Selects the command for the arguments `argv`, without the program's name, and checks every argument.
 *
 * @throws GatewayError('usage') for the first wrong argument
 */
export function selectCommand(argv: readonly string[]): Selection {
  const tokens = tokenize(argv);
  const end = tokens.find((token) => token.kind === 'option-terminator')?.index ?? argv.length;
  const first = tokens.find((token) => token.kind === 'positional' && token.index < end);
  const named = first?.kind === 'positional' ? commandNamed(first.value) : undefined;
  const command = named ?? root;
  const own = tokens.filter((token) => token.index < end && (named === undefined || token !== first));
  const options = own.filter((token) => token.kind === 'option');
  own.forEach((token, index) => {
    if (token.kind === 'option') requireKnown(token, command, own.slice(0, index));
    else if (token.kind === 'positional' && !command.positionals?.length)
      throw unexpectedWord(token.value, command);
  });
  const words = own.flatMap((token) => (token.kind === 'positional' ? token.value : []));
  const isGiven = (name: string) => options.some((token) => token.name === name);
  const action = isGiven('help') ? 'help' : isGiven('version') ? 'version' : 'run';
  const rest = end < argv.length ? argv.slice(end + 1) : null;
  if (action === 'run') requireWords(words, rest, command);
  return { command, action, args: { flags: flagValues(options, command), words, rest } };
}

function flagValues(options: readonly OptionToken[], { flags }: Command): Record<string, never> {
  const values = Object.entries(flags).map(([name, flag]) => {
    const given = options.filter((token) => token.name === name);
    const texts = given.map(({ value }) => value as string);
    if (flag.type === 'boolean') return [name, given.length > 0];
    return [name, flag.isRepeated ? texts : (texts[0] ?? flag.default)];
  });
  return Object.fromEntries(values);
}

/** Splits a command line into tokens. It needs the flags of all commands to tell values from other words. */
function tokenize(argv: readonly string[]): Token[] {
  const options: Record<string, { type: Flag['type']; short?: string }> = {};
  for (const { flags } of allCommands) {
    for (const [name, { type, short }] of Object.entries(flags)) {
      options[name] = { type, ...(short && { short }) };
    }
  }
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** Throws unless `command` takes `token` after the tokens `before` it. */
function requireKnown(token: OptionToken, command: Command, before: readonly Token[]): void {
  if (!Object.hasOwn(command.flags, token.name)) throw unknownOption(token.rawName, command);
  const flag = `--${token.name}`;
  const { type, choices, isRepeated } = command.flags[token.name]!;
  if (type === 'boolean') {
    if (token.value !== undefined) throw new GatewayError('usage', `${flag} takes no value`);
    return;
  }
  const isGiven = before.some((other) => other.kind === 'option' && other.name === token.name);
  if (isGiven && !isRepeated) throw new GatewayError('usage', `${flag} is given twice`);
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
  if (choices) requireChoice(token.value, choices, flag);
}

/** Throws unless `command` takes these words, and what follows `--`. */
function requireWords(words: readonly string[], rest: readonly string[] | null, command: Command): void {
  const positionals = command.positionals ?? [];
  const takesAll = positionals.at(-1)?.isRepeated === true;
  const extra = takesAll ? undefined : words[positionals.length];
  if (extra !== undefined) throw unexpectedWord(extra, command);
  positionals.forEach((positional, index) => {
    const given = positional.isRepeated ? words.slice(index) : words.slice(index, index + 1);
    if (given.length === 0 && positional.isRequired) throw missing(positional, command);
    for (const word of given) {
      if (positional.choices) requireChoice(word, positional.choices, positional.name);
    }
  });
  if (rest === null || rest.length === 0) {
    if (command.rest?.isRequired || (command.rest && rest)) throw missing(command.rest, command);
  } else if (!command.rest) throw unexpectedWord(rest[0]!, command);
}

function missing({ name, summary }: Positional, command: Command): GatewayError {
  return new GatewayError('usage', `"${fullName(command)}" needs ${name}: ${lowerFirst(summary)}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function requireChoice(word: string, choices: readonly string[], what: string): void {
  if (choices.includes(word)) return;
  const hint = suggestion(word, choices) || `; it is one of ${choices.join(', ')}`;
  throw new GatewayError('usage', `unknown ${what} "${word}"${hint}`);
}

function unknownOption(flag: string, command: Command): GatewayError {
  const owner = allCommands.find(({ flags }) => Object.hasOwn(flags, flag.slice(2)));
  const hint = owner ? `; it belongs to "${fullName(owner)}"` : suggestion(flag, flagsOf(command));
  return new GatewayError('usage', `unknown option ${flag}${hint}`);
}

function fullName(command: Command): string {
  return command === root ? root.name : `${root.name} ${command.name}`;
}

function unexpectedWord(word: string, command: Command): GatewayError {
  const flags = flagsOf(command);
  const what = command === root ? 'unknown command' : 'unexpected argument';
  if (/[/\\]|\.ya?ml$/i.test(word) && flags.includes('--config')) {
    return new GatewayError('usage', `${what} "${word}"; did you mean --config ${word}?`);
  }
  const names = command === root ? commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]) : [];
  const near = suggestion(word, names) || suggestion(`--${word}`, flags);
  return new GatewayError('usage', `${what} "${word}"${near}`);
}

function flagsOf({ flags }: Command): string[] {
  return Object.keys(flags).map((name) => `--${name}`);
}

/** `; did you mean …?` if `word` begins a candidate or is a near miss of one, else an empty text. */
function suggestion(word: string, candidates: readonly string[]): string {
  const bare = word.replace(/^-+/, '');
  const begun = candidates.find((candidate) => candidate.replace(/^-+/, '').startsWith(bare));
  const guess = bare ? (begun ?? suggest(bare, candidates)) : null;
  return guess ? `; did you mean ${guess}?` : '';
}
