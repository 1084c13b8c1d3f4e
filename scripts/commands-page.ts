import { type Command, commandGroups } from '../src/cli/command.ts';
import { argumentRows, flagRows, formsOf, namesOf } from '../src/cli/help.ts';

/** docs/commands.md, unformatted: every command with its arguments, options and examples. */
export function commandsPage(root: Command, commands: readonly Command[]): string {
  const groups = commandGroups.flatMap((group) => {
    const members = commands.filter((command) => command.group === group);
    return members.length === 0 ? [] : [`## ${group}`, ...members.flatMap(section)];
  });
  const parts = [
    '# Commands',
    'Generated from the table of commands by `npm run docs`. `mcpstead COMMAND --help` shows the same, and so does `man mcpstead` ' +
      'where a package has installed it. Exit codes: [operations](operations.md#signals-and-exit-codes).',
    '## The program itself',
    `${root.summary}. Without a command, it serves.`,
    table('option', flagRows(root)),
    ...groups,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function section(command: Command): string[] {
  const { summary, details = [], examples = [] } = command;
  const forms = formsOf(command).map((form) => `mcpstead ${form}`);
  const shown = examples.map(({ line, summary: effect }) => `${line}   # ${effect}`);
  return [
    `### ${namesOf(command)}`,
    `${summary}.`,
    block('text', forms),
    ...details.map(escaped),
    table('argument', argumentRows(command)),
    table('option', flagRows(command)),
    block('sh', shown),
  ];
}

function block(language: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`\`\`\`${language}`, ...lines, '```'].join('\n');
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(
    ([left, right]) => `| \`${left.trim().replaceAll('|', '\\|')}\` | ${escaped(right)} |`,
  );
  return [`| ${title} | does |`, '|---|---|', ...lines].join('\n');
}

const escaped = (text: string) => text.replace(/[|<*]/g, '\\$&');
