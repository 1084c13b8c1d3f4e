import type { CompletedCommand, CompletedFlag, CompletedProgram, CompletedValue } from './words.ts';

/** A script for fish. */
export function fishCompletions({ root, commands }: CompletedProgram): string {
  const names = commands.flatMap((command) => command.names);
  const none = `not __fish_seen_subcommand_from ${names.join(' ')}`;
  const lines = [
    ...root.flags.map((flag) => flagLine(none, flag)),
    ...commands.flatMap(({ names: own, summary }) =>
      own.map((name) => line(none, `-a ${name} -d ${quoted(summary)}`)),
    ),
    ...commands.flatMap(commandLines),
  ];
  return `# Completions of mcpstead for fish, by "mcpstead completions fish".
complete -c mcpstead -f
${lines.join('')}`;
}

function commandLines({ names, flags, words, hasRest }: CompletedCommand): string[] {
  const seen = `__fish_seen_subcommand_from ${names.join(' ')}`;
  const wordLines = words.flatMap(({ completion, isRepeated }, index) => {
    // The word itself is at this place of the line, behind the program and the command; options would shift it.
    const place = `test (count (string match -v -- '-*' (commandline -opc))) ${isRepeated ? '-ge' : '-eq'} ${index + 2}`;
    const action = actionOf(completion);
    return action === '' ? [] : [line(`${seen}; and ${place}`, action)];
  });
  const restLine = hasRest ? [line(`${seen}; and contains -- -- (commandline -opc)`, '-F')] : [];
  return [...flags.map((flag) => flagLine(seen, flag)), ...wordLines, ...restLine];
}

function flagLine(condition: string, { names, summary, value, completion }: CompletedFlag): string {
  const written = names.map((name) =>
    name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
  );
  const action = actionOf(completion);
  // -x: it takes a value, and that is no file.
  const argument = value === null ? [] : [completion.kind === 'file' ? '-r' : '-x', action].filter(Boolean);
  return line(condition, [...written, ...argument, `-d ${quoted(summary)}`].join(' '));
}

function line(condition: string, rest: string): string {
  return `complete -c mcpstead -n ${quoted(condition)} ${rest}\n`;
}

function actionOf(completion: CompletedValue): string {
  switch (completion.kind) {
    case 'words':
      return `-a ${quoted(completion.words.join(' '))}`;
    case 'file':
      return '-F';
    case 'directory':
      return `-a '(__fish_complete_directories)'`;
    case 'anything':
      return '';
  }
}

const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
