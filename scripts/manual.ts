import type { Command } from '../src/cli/command.ts';
import { argumentRows, flagRows, formsOf, namesOf } from '../src/cli/help.ts';

/** The source of a manual page. */
export interface ManualSource {
  readonly root: Command;
  readonly commands: readonly Command[];
  readonly version: string;
  /** When this version was made, in seconds since 1970. */
  readonly timeSeconds: number;
}

const files: readonly (readonly [string, string])[] = [
  [
    '~/.config/mcpstead/mcpstead.yaml',
    'The configuration, unless --config or MCPSTEAD_CONFIG names another one; %APPDATA%\\mcpstead\\mcpstead.yaml on Windows',
  ],
  [
    'mcpstead.env',
    'Beside the configuration: values for it, NAME=value on each line, which only the owner may read',
  ],
  ['~/.local/state/mcpstead', 'State that outlives the program; %LOCALAPPDATA%\\mcpstead on Windows'],
];

const environment: readonly (readonly [string, string])[] = [
  ['MCPSTEAD_CONFIG', 'The configuration, unless --config names one'],
  ['MCPSTEAD_BEARER_TOKEN', 'The token that clients send in the mode mcp.auth.mode: bearer'],
  ['MCPSTEAD_STATE_KEY', 'The key of client sessions, for gateways that share them'],
  ['NO_COLOR', 'If it is set, nothing is colored'],
];

const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'Success, or a shutdown on request'],
  ['1', 'Failure at run time, such as a port in use or a required server out of reach'],
  ['2', 'Wrong usage or an invalid configuration'],
];

/** mcpstead.1: the manual page, in the macros of man(7). */
export function manualPage({ root, commands, version, timeSeconds }: ManualSource): string {
  const date = new Date(timeSeconds * 1000).toISOString().slice(0, 10);
  const parts = [
    `.TH MCPSTEAD 1 "${date}" "mcpstead ${version}" "User Commands"`,
    '.SH NAME',
    `mcpstead \\- ${text(root.summary)}`,
    '.SH SYNOPSIS',
    '.B mcpstead',
    text(formsOf(root)[0] as string),
    '.SH DESCRIPTION',
    ...(root.details ?? [`${root.summary}.`]).flatMap((paragraph) => [line(paragraph), '.PP']),
    'Without a command, it serves.',
    '.SH OPTIONS',
    ...rows(flagRows(root)),
    '.SH COMMANDS',
    ...commands.flatMap(commandPart),
    '.SH FILES',
    ...rows(files),
    '.SH ENVIRONMENT',
    ...rows(environment),
    '.SH EXIT STATUS',
    ...rows(exitCodes),
    '.SH SEE ALSO',
    '.UR https://github.com/ahkohd/mcpstead',
    'The documentation',
    '.UE',
  ];
  return `${parts.join('\n')}\n`;
}

function commandPart(command: Command): string[] {
  const { summary, details = [], examples = [], aliases = [] } = command;
  return [
    `.SS "${text(namesOf(command)).replaceAll('"', '\\(dq')}"`,
    line(`${summary}.`),
    ...formsOf(command).flatMap((form) => ['.PP', `.B mcpstead ${text(form)}`]),
    ...(aliases.length > 0 ? ['.PP', line(`Also: ${aliases.join(', ')}.`)] : []),
    ...details.flatMap((paragraph) => ['.PP', line(paragraph)]),
    ...rows([...argumentRows(command), ...flagRows(command)]),
    ...(examples.length > 0 ? ['.PP', 'Examples:'] : []),
    ...rows(examples.map((example) => [example.line, example.summary] as const)),
  ];
}

function rows(all: readonly (readonly [string, string])[]): string[] {
  return all.flatMap(([left, right]) => ['.TP', `.B ${text(left.trim())}`, line(right)]);
}

/** Lines of text at the width that manuals are kept at, none of which must look like a request. */
function line(words: string): string {
  return text(words)
    .replace(/(?=\S).{1,78}(?: |$)|\S+ ?/g, (part) => `${part.trimEnd()}\n`)
    .trimEnd()
    .replace(/^[.']/gm, '\\&$&');
}

/** Text without signs that troff takes for its own; others than ASCII as it names them (groff_char(7)). */
function text(words: string): string {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(
      /[^ -~]/gu,
      (sign) => `\\[u${(sign.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}]`,
    );
}
