import type {
  CompletedCommand,
  CompletedFlag,
  CompletedProgram,
  CompletedValue,
  CompletedWord,
} from './words.ts';

/** A script for zsh: a file `_mcpstead` in a directory of `fpath`, or to be evaluated. */
export function zshCompletions({ root, commands }: CompletedProgram): string {
  const described = commands.flatMap(({ names, summary }) =>
    names.map((name) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}\n`),
  );
  return `#compdef mcpstead
# Completions of mcpstead for zsh, by "mcpstead completions zsh".

_mcpstead() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a commands=(
${described.join('')}  )
  _arguments -C ${lines(root.flags.map(flagSpec), '    ')} \\
    '1: :->command' '*:: :->arguments' && return
  case $state in
    command) _describe -t commands command commands ;;
    arguments)
      case $words[1] in
${commands.map(branch).join('')}      esac
      ;;
  esac
}

if [[ $funcstack[1] == _mcpstead ]]; then
  _mcpstead "$@"
else
  compdef _mcpstead mcpstead
fi
`;
}

function branch({ names, flags, words, hasRest }: CompletedCommand): string {
  const specs = [
    ...flags.map(flagSpec),
    ...words.map(wordSpec),
    ...(hasRest && !words.some(({ isRepeated }) => isRepeated) ? [quoted('*::command:_normal')] : []),
  ];
  return `        ${names.join(' | ')}) _arguments ${lines(specs, '          ')} ;;\n`;
}

function lines(specs: readonly string[], indent: string): string {
  return specs.map((spec) => `\\\n${indent}${spec}`).join(' ');
}

/** `'(-c --config)'{-c+,--config=}'[summary]:FILE:_files'` */
function flagSpec({ names, summary, value, completion, isRepeated }: CompletedFlag): string {
  const explained = `[${escaped(summary).replace(/[[\]]/g, '\\$&')}]`;
  const action = value === null ? '' : `:${escaped(value)}:${actionOf(completion)}`;
  const written = names.map((name) => `${name}${value === null ? '' : name.startsWith('--') ? '=' : '+'}`);
  const forms = written.length === 1 ? quoted(written[0] as string) : `{${written.join(',')}}`;
  const exclusive = isRepeated ? quoted('*') : names.length === 1 ? '' : quoted(`(${names.join(' ')})`);
  return `${exclusive}${forms}${quoted(`${explained}${action}`)}`;
}

function wordSpec({ name, completion, isRepeated }: CompletedWord, index: number): string {
  return quoted(`${isRepeated ? '*' : index + 1}:${escaped(name)}:${actionOf(completion)}`);
}

function actionOf(completion: CompletedValue): string {
  switch (completion.kind) {
    case 'words':
      return `(${completion.words.join(' ')})`;
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'anything':
      return ' ';
  }
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
