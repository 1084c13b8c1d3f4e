import { withEntries } from '../src/clients/connect/client-text.ts';
import { gatewayEntry } from '../src/clients/gateway-entry.ts';
import type { ClientRow, VariableSyntax } from '../src/clients/row.ts';
import { clientRows } from '../src/clients/table.ts';
import type { Place } from '../src/config/places.ts';

// The parts of docs/clients.md that come from the table of clients.

const systems: readonly (readonly [name: string, place: Place])[] = [
  ['Linux', { platform: 'linux', env: { HOME: '~' } }],
  ['macOS', { platform: 'darwin', env: { HOME: '~' } }],
  [
    'Windows',
    { platform: 'win32', env: { USERPROFILE: '~', APPDATA: '%APPDATA%', LOCALAPPDATA: '%LOCALAPPDATA%' } },
  ],
];

const code = (text: string) => `\`${text}\``;

/** One line for each client. */
export function clientTable(): string {
  const rows = clientRows.map((row) => [
    `[${row.title}](#${row.title.toLowerCase().replaceAll(' ', '-')})`,
    code(row.id),
    row.userFiles(systems[0]![1]).length === 0 ? 'no' : 'yes',
    connectionOf(row),
  ]);
  const head = ['client', 'word', '`import`', '`connect`'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function connectionOf({ connection, remote }: ClientRow): string {
  const form = remote === null ? 'a program: `mcpstead stdio`' : 'a URL';
  if (connection === 'none') return 'no: it is no longer developed';
  if (connection === 'snippet') return 'prints what to paste';
  return connection === 'command' ? `${form}, by the client's own command where it is installed` : form;
}

/** A section for each client. */
export const clientSections = (): string => clientRows.map(section).join('\n');

function section(row: ClientRow): string {
  const files = systems.map(([name, place]) => [name, row.userFiles(place)] as const);
  const lines = files.flatMap(([name, paths]) =>
    paths.length === 0 ? [] : [`- ${name}: ${paths.map(code).join(', ')}`],
  );
  const facts = [
    ...lines,
    ...(row.projectFiles.length > 0 ? [`- In a project: ${row.projectFiles.map(code).join(', ')}`] : []),
    ...(row.format === 'xml'
      ? []
      : [`- Servers are below ${code(row.key.join('.'))}, in ${formats[row.format]}.`]),
    ...(row.variables.length > 0
      ? [`- Variables: ${row.variables.map((syntax) => syntaxes[syntax]).join(', ')}.`]
      : []),
    ...(row.off === null ? [] : [`- Off: ${code(`${row.off[0]}: ${row.off[1]}`)}.`]),
  ];
  const parts = [`\n### ${row.title}\n`, ...(facts.length > 0 ? [`${facts.join('\n')}\n`] : [])];
  if (row.connection !== 'none') parts.push(`The gateway there:\n\n${snippet(row)}\n`);
  return [...parts, row.restart, ''].join('\n');
}

const formats = { jsonc: 'JSON, in which comments are fine', toml: 'TOML', yaml: 'YAML', xml: 'XML' };
const languages = { jsonc: 'json', toml: 'toml', yaml: 'yaml', xml: 'json' };
const reference = (text: string) => code(`\${${text}}`);
const syntaxes: Readonly<Record<VariableSyntax, string>> = {
  shell: `${reference('NAME')} and ${reference('NAME:-default')}`,
  dollar: '`$NAME`',
  env: reference('env:NAME'),
  input: `${reference('input:NAME')}, which it asks for`,
  file: reference('file:PATH'),
  braces: '`{env:NAME}` and `{file:PATH}`',
  folders: `${reference('userHome')} and ${reference('workspaceFolder')}`,
};

function snippet(row: ClientRow): string {
  const target = {
    url: 'http://127.0.0.1:8766/mcp',
    needsToken: false,
    command: '/usr/local/bin/mcpstead',
    view: null,
  };
  const format = row.format === 'xml' ? 'jsonc' : row.format;
  const text = withEntries('', { format, key: row.key }, [
    { name: 'mcpstead', value: gatewayEntry(row, target) },
  ]);
  // YAML here would be taken for a configuration of mcpstead.
  return `\`\`\`${languages[row.format] === 'yaml' ? 'text' : languages[row.format]}\n${text.trimEnd()}\n\`\`\``;
}
