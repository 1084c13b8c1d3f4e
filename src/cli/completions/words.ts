import type { Command, Flag, Positional } from '../command.ts';

// What shells complete, from the table of commands.

/** What may stand in a place: one of some words, a file, a directory, or something that no shell knows. */
export type CompletedValue =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'directory' | 'anything' };

/** An option as shells complete it. */
export interface CompletedFlag {
  /** `--config`, then `-c`. */
  readonly names: readonly string[];
  readonly summary: string;
  /** The name of its value in the help; null: it takes none. */
  readonly value: string | null;
  readonly completion: CompletedValue;
  readonly isRepeated: boolean;
}

/** A word as shells complete it. */
export interface CompletedWord {
  readonly name: string;
  readonly completion: CompletedValue;
  readonly isRepeated: boolean;
}

/** A command as shells complete it. */
export interface CompletedCommand {
  /** Its name, then its aliases; empty: the program itself. */
  readonly names: readonly string[];
  readonly summary: string;
  readonly flags: readonly CompletedFlag[];
  readonly words: readonly CompletedWord[];
  /** Whether the command of another program follows `--`. */
  readonly hasRest: boolean;
}

/** The commands of a program, `root` without its name. */
export interface CompletedProgram {
  readonly root: CompletedCommand;
  readonly commands: readonly CompletedCommand[];
}

export function completedProgram(root: Command, commands: readonly Command[]): CompletedProgram {
  return { root: { ...completed(root), names: [] }, commands: commands.map(completed) };
}

function completed({
  name,
  aliases = [],
  summary,
  flags,
  positionals = [],
  rest,
}: Command): CompletedCommand {
  return {
    names: [name, ...aliases],
    summary,
    flags: Object.entries(flags).flatMap(([flag, definition]) =>
      definition.isHidden ? [] : [completedFlag(flag, definition)],
    ),
    words: positionals.map((word) => ({
      name: word.name,
      completion: completionOf(word, word.name),
      isRepeated: word.isRepeated ?? false,
    })),
    hasRest: rest !== undefined,
  };
}

function completedFlag(name: string, flag: Flag): CompletedFlag {
  const value = flag.type === 'boolean' ? null : (flag.value ?? 'VALUE');
  return {
    names: [`--${name}`, ...(flag.short ? [`-${flag.short}`] : [])],
    summary: flag.summary,
    value,
    completion: value === null ? { kind: 'anything' } : completionOf(flag, value),
    isRepeated: flag.isRepeated ?? false,
  };
}

/** The table names files and directories by what stands for them in the help. */
function completionOf({ choices }: Pick<Positional, 'choices'>, name: string): CompletedValue {
  const files = /\bFILE\b/.test(name);
  const words = (choices ?? []).filter((choice) => choice !== '-');
  if (words.length > 0) return { kind: 'words', words };
  if (files) return { kind: 'file' };
  return { kind: /\bDIR(?:ECTORY)?\b/.test(name) ? 'directory' : 'anything' };
}
