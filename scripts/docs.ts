// Generates the documents that come from schemas and from the tables of commands and clients: `npm run docs`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands, root as program } from '../src/cli/command-table.ts';
import { contractNames, contractSchema } from '../src/cli/contracts/table.ts';
import { parseConfig } from '../src/config/load.ts';
import { allKeys, type KeyReference } from '../src/config/reference.ts';
import { reservedHeaders } from '../src/config/rules.ts';
import { configJsonSchema } from '../src/config/schema.ts';
import { clientSections, clientTable } from './clients-page.ts';
import { commandsPage } from './commands-page.ts';

const root = join(import.meta.dir, '..');

/** The invalid file whose error messages the documentation shows. */
export const brokenExample = `port: "8766"
mcp:
  sesion: { idle_ttl_seconds: 600 }
servers:
  - name: tickets
    url: https://tickets.example.com/mcp
    protocol: streamable-http
    headers: { X-API-Key: "\${TICKETS_KEY}" }
    auth: { type: bearer, token: abc123 }`;

/** docs/config.schema.json, without the reload effect of keys, which is not a keyword of JSON Schema. */
export function schemaFile(): string {
  const standard = (key: string, value: unknown) => (key === 'onChange' ? undefined : value);
  return formatted('docs/config.schema.json', JSON.stringify(configJsonSchema(), standard));
}

/** The files of docs/schemas by name: what commands print with `--json`. */
export function contractFiles(): Map<string, string> {
  return new Map(
    contractNames.map((name) => {
      const file = `${name}.json`;
      return [file, formatted(`docs/schemas/${file}`, JSON.stringify(contractSchema(name)))];
    }),
  );
}

/** docs/configuration.md */
export function configurationFile(): string {
  const parts: Record<string, string> = {
    keys: keyTable(),
    'own headers': reservedHeaders().map(code).join(', '),
    broken: `\`\`\`yaml\n${brokenExample}\n\`\`\``,
    messages: `\`\`\`text\n${messagesOf(brokenExample)}\n\`\`\``,
  };
  return fromTemplate('configuration.md', parts);
}

/** docs/clients.md */
export function clientsFile(): string {
  return fromTemplate('clients.md', { table: clientTable(), clients: clientSections() });
}

/** The page `name` in docs/, with parts in place of the placeholders in its template. */
function fromTemplate(name: string, parts: Readonly<Record<string, string>>): string {
  const template = readFileSync(join(import.meta.dir, name.replace('.md', '.template.md')), 'utf8');
  const text = template.replace(/\{\{([a-z ]+)\}\}/g, (_, part: string) => {
    const made = parts[part];
    if (made === undefined) throw new Error(`unknown placeholder {{${part}}} in the template`);
    return made;
  });
  return formatted(`docs/${name}`, text);
}

/** docs/commands.md */
export function commandsFile(): string {
  return formatted('docs/commands.md', commandsPage(program, commands));
}

/** Formats `text` as the repository's formatter would in the file at `path`. */
function formatted(path: string, text: string): string {
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const command = [process.execPath, biome, 'format', '--colors=off', `--stdin-file-path=${path}`];
  const done = Bun.spawnSync(command, { cwd: root, stdin: Buffer.from(text) });
  if (!done.success) throw new Error(`cannot format ${path}: ${done.stderr}`);
  return done.stdout.toString();
}

function messagesOf(text: string): string {
  try {
    parseConfig(text, 'mcpstead.yaml', {});
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the example of a broken configuration is not broken');
}

function keyTable(): string {
  const rows = allKeys().map(
    (key) =>
      `| ${[code(key.key), typeOf(key.schema), defaultOf(key), key.schema.onChange ?? '', meaning(key)].join(' | ')} |`,
  );
  return ['| key | type | default | change | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

const code = (text: string) => `\`${text}\``;
const meaning = ({ schema }: KeyReference) => (schema.description ?? '').replaceAll('|', '\\|');

function typeOf(schema: KeyReference['schema']): string {
  if (schema.properties) return 'section';
  if (schema.enum) return schema.enum.map((word) => code(String(word))).join(', ');
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.anyOf?.some((branch) => branch.properties)) return `${code('none')} or section`;
  // One of some words, or a string with a variable in it.
  if (schema.anyOf?.[0]) return typeOf(schema.anyOf[0]);
  if (schema.type === 'array') return schema.items?.properties ? 'list of sections' : 'list of strings';
  if (schema.type === 'object') return 'mapping of strings';
  if (Array.isArray(schema.type)) return schema.type.join(' or ');
  if (schema.minimum === undefined) return String(schema.type);
  return `${schema.type}, ${schema.minimum} to ${schema.maximum}`;
}

function defaultOf({ schema, required }: KeyReference): string {
  if (required) return 'required';
  if (schema.properties || schema.default === undefined) return '';
  return code(JSON.stringify(schema.default).replace(/^"|"$/g, ''));
}

if (import.meta.main) {
  mkdirSync(join(root, 'docs/schemas'), { recursive: true });
  for (const [name, text] of contractFiles()) writeFileSync(join(root, 'docs/schemas', name), text);
  writeFileSync(join(root, 'docs', 'config.schema.json'), schemaFile());
  writeFileSync(join(root, 'docs', 'configuration.md'), configurationFile());
  writeFileSync(join(root, 'docs', 'commands.md'), commandsFile());
  writeFileSync(join(root, 'docs', 'clients.md'), clientsFile());
}
