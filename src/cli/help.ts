import { type Command, commandGroups, type Positional } from './command.ts';
import { commands, root } from './command-table.ts';

/** Styles for a terminal, or plain text. */
interface Style {
  readonly heading: (text: string) => string;
  readonly name: (text: string) => string;
}

type Row = readonly [left: string, right: string];

/** A terminal is at least this wide; longer lines are folded. */
const maxColumns = 100;
/** A left column that is wider stands on a line of its own. */
const maxLeftColumns = 28;

const colored: Style = {
  heading: (text) => `\u001b[1m${text}\u001b[22m`,
  name: (text) => `\u001b[36m${text}\u001b[39m`,
};
const plain: Style = { heading: (text) => text, name: (text) => text };

/** The help of a command. @param isColored whether a terminal shows it */
export function helpText(command: Command, isColored: boolean): string {
  const style = isColored ? colored : plain;
  const isRoot = command === root;
  const sections = [
    `${style.heading(isRoot ? root.name : `${root.name} ${command.name}`)}: ${command.summary}`,
    section(
      'Usage',
      formsOf(command).map((form) => [`${root.name} ${form}`.trim(), ''] as const),
      plain,
      style,
    ),
    ...(command.details ?? []).map((paragraph) => fold(paragraph, 0)),
    ...(isRoot ? commandSections(style) : [section('Arguments', argumentRows(command), style)]),
    section('Options', flagRows(command), style),
    section(
      'Examples',
      (command.examples ?? []).map(({ line, summary }) => [line, summary] as const),
      style,
    ),
    isRoot ? 'Help for a command: mcpstead COMMAND --help' : '',
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** The forms of a command line, without the program's name. */
export function formsOf(command: Command): readonly string[] {
  if (command === root) return ['[COMMAND] [OPTIONS]'];
  const { name, positionals = [], rest } = command;
  const words = positionals.map(shownWord);
  const after = rest
    ? [
        rest.isRequired ? '-- ' : '[-- ',
        shownWord({ ...rest, isRequired: true }),
        rest.isRequired ? '' : ']',
      ].join('')
    : '';
  return command.forms ?? [[name, ...words, '[OPTIONS]', after].filter((part) => part !== '').join(' ')];
}

/** The names of a command: its own, then its aliases. */
export function namesOf({ name, aliases = [] }: Command): string {
  return [name, ...aliases].join(', ');
}

/** The options of a command: how each is written, and what it does. */
export function flagRows({ flags }: Command): Row[] {
  return Object.entries(flags)
    .filter(([, { isHidden }]) => !isHidden)
    .map(([name, { short, value, summary, choices, ...flag }]) => {
      const written = `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`;
      const limits = choices ? ` (${choices.join(', ')})` : '';
      return [written, `${summary}${limits}${flag.default ? ` [default: ${flag.default}]` : ''}`];
    });
}

/** The words that a command takes besides options, and what each is. */
export function argumentRows({ positionals = [], rest }: Command): Row[] {
  const all = rest ? [...positionals, { ...rest, name: `-- ${rest.name}` }] : positionals;
  return all.map(({ name, summary, choices }) => [
    name,
    choices ? `${summary} (${choices.join(', ')})` : summary,
  ]);
}

function shownWord({ name, choices, isRequired, isRepeated }: Positional): string {
  const word = `${choices && choices.length <= 4 ? choices.join('|') : name}${isRepeated ? '…' : ''}`;
  return isRequired ? word : `[${word}]`;
}

function commandSections(style: Style): string[] {
  const width = Math.max(...commands.map((command) => namesOf(command).length));
  return commandGroups.map((group) => {
    const members = commands.filter((command) => command.group === group);
    return section(
      group,
      members.map((command) => [namesOf(command).padEnd(width), command.summary] as const),
      style,
    );
  });
}

/** A heading with its rows in two columns; an empty text if there are none. */
function section(title: string, rows: readonly Row[], style: Style, headingStyle = style): string {
  if (rows.length === 0) return '';
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= maxLeftColumns);
  const width = Math.max(0, ...fitting) + 2;
  const lines = rows.map(([left, right]) => {
    if (right === '') return `  ${style.name(left)}`;
    const text = fold(right, width + 2);
    if (left.length > maxLeftColumns) return `  ${style.name(left)}\n${' '.repeat(width + 2)}${text}`;
    return `  ${style.name(left)}${' '.repeat(width - left.length)}${text}`;
  });
  return [headingStyle.heading(`${title}:`), ...lines].join('\n');
}

/** Folds a text at spaces. All lines but the first begin with `indent` spaces. */
function fold(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > maxColumns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}
