import type { CompletedCommand, CompletedProgram, CompletedValue } from './words.ts';

/** How to offer words, files and directories. */
const helpers = `_mcpstead_words() {
  # shellcheck disable=SC2207 # no word contains a space
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_mcpstead_files() {
  # Bash 3.2 does not let a function leave the files to readline.
  if ! compopt -o default 2>/dev/null; then
    local IFS=$'\\n'
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}

_mcpstead_directories() {
  compopt -o filenames 2>/dev/null
  local IFS=$'\\n'
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -d -- "$cur"))
}

`;

/** A script for bash 3.2 and later; macOS has no later one. */
export function bashCompletions({ root, commands }: CompletedProgram): string {
  const all = [root, ...commands];
  const takingValues = all.flatMap(({ flags }) => flags.flatMap(({ names, value }) => (value ? names : [])));
  const values = all.flatMap(({ names, flags }) =>
    flags.flatMap((flag) => (flag.value ? [arm(pairs(names, flag.names), actionOf(flag.completion))] : [])),
  );
  return `# Completions of mcpstead for bash, by "mcpstead completions bash".
# shellcheck shell=bash

_mcpstead() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= at=0 i
  COMPREPLY=()
  # Bash makes three words of --option=value.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --)
        _mcpstead_files
        return
        ;;
      ${[...new Set(takingValues)].join(' | ')})
        ((i++))
        if [[ \${COMP_WORDS[i]-} == = ]]; then ((i++)); fi
        ;;
      -* | =) ;;
      *)
        if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((at++)); fi
        ;;
    esac
  done

  case "$command $prev" in
${values.join('')}  esac
  if [[ $cur == -* ]]; then
    case $command in
${all.map((command) => arm(namesOrEmpty(command), wordsAction(command.flags.map(({ names }) => names[0] as string)))).join('')}    esac
    return
  fi
  case "$command $at" in
    ' 0') _mcpstead_words '${commands.flatMap(({ names }) => names).join(' ')}' ;;
${commands.flatMap(wordArms).join('')}  esac
}

${helpers}complete -F _mcpstead mcpstead
`;
}

/** A branch of a case. */
function arm(patterns: readonly string[], action: string): string {
  return action === '' ? '' : `    ${patterns.map((text) => `'${text}'`).join(' | ')}) ${action} ;;\n`;
}

const namesOrEmpty = ({ names }: CompletedCommand) => (names.length === 0 ? [''] : names);

/** Each command before each word. */
function pairs(commands: readonly string[], words: readonly (string | number)[]): string[] {
  return (commands.length === 0 ? [''] : commands).flatMap((command) =>
    words.map((word) => `${command} ${word}`),
  );
}

function wordArms({ names, words }: CompletedCommand): string[] {
  return words.map(({ completion, isRepeated }, index) => {
    const action = actionOf(completion, '');
    const patterns = pairs(names, [index]);
    if (action === '') return '';
    // A word that repeats stands in all later places, too.
    const later = isRepeated ? names.map((name) => `'${name} '*`) : [];
    return `    ${[...patterns.map((text) => `'${text}'`), ...later].join(' | ')}) ${action} ;;\n`;
  });
}

function actionOf(completion: CompletedValue, anything = 'return'): string {
  switch (completion.kind) {
    case 'words':
      return `${wordsAction(completion.words)}${anything === '' ? '' : '; return'}`;
    case 'file':
      return `_mcpstead_files${anything === '' ? '' : '; return'}`;
    case 'directory':
      return `_mcpstead_directories${anything === '' ? '' : '; return'}`;
    case 'anything':
      return anything;
  }
}

function wordsAction(words: readonly string[]): string {
  return `_mcpstead_words '${words.join(' ')}'`;
}
