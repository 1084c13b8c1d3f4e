import type { ExitCode } from './exit-code.ts';

/** An option of a command: `--name`. */
export interface Flag {
  readonly type: 'boolean' | 'string';
  /** What it does, as one phrase without a full stop. */
  readonly summary: string;
  /** One letter, for `-c`. */
  readonly short?: string;
  /** What stands for the value in the help: `FILE`. Only of strings. */
  readonly value?: string;
  /** The values that it accepts; absent: any. */
  readonly choices?: readonly string[];
  /** Used if it is not given; the help shows it. */
  readonly default?: string;
  /** Whether it may be given several times. */
  readonly isRepeated?: boolean;
  /** Whether help, completions and the manual leave it out. */
  readonly isHidden?: boolean;
}

/** A word of a command that is no option. */
export interface Positional {
  /** As the help shows it: `NAME`. */
  readonly name: string;
  readonly summary: string;
  readonly isRequired?: boolean;
  /** Whether it stands for all words that follow. Only of the last one. */
  readonly isRepeated?: boolean;
  /** The words that it accepts; absent: any. */
  readonly choices?: readonly string[];
}

/** The headings under which the help lists commands, in this order. */
export const commandGroups = [
  'Get started',
  'Serve',
  'Servers',
  'Clients',
  'Look inside',
  'Install',
] as const;
type CommandGroup = (typeof commandGroups)[number];

/** One line to try, and what it does. */
interface Example {
  readonly line: string;
  readonly summary: string;
}

type FlagValue<F extends Flag> = F['type'] extends 'boolean'
  ? boolean
  : F extends { readonly isRepeated: true }
    ? readonly string[]
    : F extends { readonly default: string }
      ? string
      : string | undefined;

/** The checked arguments of a command. */
export interface Arguments<F extends Readonly<Record<string, Flag>>> {
  readonly flags: { readonly [Name in keyof F]: FlagValue<F[Name]> };
  /** The words that are no options, in their order. */
  readonly words: readonly string[];
  /** The words after `--`; null if there is no `--`. */
  readonly rest: readonly string[] | null;
}

/** A command. Help, completions, the manual and the checks of the command line come from it. */
export interface Command<F extends Readonly<Record<string, Flag>> = Readonly<Record<string, Flag>>> {
  readonly name: string;
  /** Other names of the command. */
  readonly aliases?: readonly string[];
  /** What it does, as one phrase without a full stop. */
  readonly summary: string;
  readonly group: CommandGroup;
  /** Paragraphs for the help of this command alone. */
  readonly details?: readonly string[];
  readonly positionals?: readonly Positional[];
  /** What follows `--`. */
  readonly rest?: Positional;
  /** The forms of the command line, without the program's name, if the ones that follow from the arguments do not say enough. */
  readonly forms?: readonly string[];
  readonly flags: F;
  readonly examples?: readonly Example[];
  /** Method syntax, so that commands with other flags fit into one list. */
  run(args: Arguments<F>): Promise<ExitCode>;
}

/** The command itself: this infers the types of its arguments. */
export function defineCommand<const F extends Readonly<Record<string, Flag>>>(command: Command<F>): Command {
  return command as unknown as Command;
}
