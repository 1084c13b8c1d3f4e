import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import {
  brokenExample,
  clientsFile,
  commandsFile,
  configurationFile,
  contractFiles,
  schemaFile,
} from '../../../scripts/docs.ts';
import { allKeys, type KeyReference } from '../../../src/config/reference.ts';
import { problems, read, refusal } from '../config/reading.ts';

const committed = (name: string) => readFileSync(join(import.meta.dir, '../../../docs', name), 'utf8');

describe('the generated files are up to date (if not, run `npm run docs`)', () => {
  test('docs/config.schema.json', () => {
    expect(committed('config.schema.json')).toBe(schemaFile());
  });
  test('docs/configuration.md', () => {
    expect(committed('configuration.md')).toBe(configurationFile());
  });
  test('docs/clients.md', () => {
    expect(committed('clients.md')).toBe(clientsFile());
  });
  test('docs/schemas', () => {
    const files = contractFiles();
    expect(readdirSync(join(import.meta.dir, '../../../docs/schemas')).toSorted()).toEqual(
      [...files.keys()].toSorted(),
    );
    for (const [name, text] of files) expect(committed(`schemas/${name}`)).toBe(text);
  });
  test('docs/commands.md', () => {
    expect(committed('commands.md')).toBe(commandsFile());
  });
});

describe('the JSON Schema', () => {
  const validate = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(
    JSON.parse(committed('config.schema.json')),
  );

  test.each([
    'port: 0',
    'servers: []',
    'servers: [{ name: a, url: http://localhost/mcp }]',
    'servers: [{ name: A-1_b.c, url: HTTPS://example.com/?a=b, auth: none }]',
    `servers: [{ name: '\${NAME}', url: '\${BASE}/mcp', headers: { X: '\${KEY}' } }]`,
    `servers: [{ name: 'a-\${NAME}', url: 'http://\${HOST}/mcp', auth: { type: bearer, token_env: T } }]`,
    'servers: [{ name: a, url: http://b/, quirks: { inject_accept_header: null } }]',
    `servers: [{ name: a, url: http://b/, protocol: '\${P}', auth: '\${NONE}' }]`,
    `servers: [{ name: a, url: http://b/, auth: { type: '\${BEARER}', token_env: T } }]`,
    'servers: [{ name: a, url: "http://me:pw@b/mcp" }]',
    `servers: [{ name: ${'a'.repeat(100)}, url: http://b/ }]`,
    'servers: [{ name: a, url: http://b/, reconnect: { backoff_max_ms: 500 } }]',
    'mcp: { session: { idle_ttl_seconds: 0.5 } }',
  ])('accepts what the gateway accepts: %s', (text) => {
    expect(validate(parse(text))).toBe(true);
    const env = {
      NAME: 'a',
      HOST: 'b',
      BASE: 'http://b',
      KEY: 'c',
      T: 't',
      P: 'sse',
      NONE: 'none',
      BEARER: 'bearer',
    };
    expect(read(text, env).path).toBe('f.yaml');
  });

  test.each([
    'prot: 80',
    'port: "80"',
    'port: 65536',
    'mcp: { session: { idle_ttl_seconds: 0 } }',
    'mcp: { auth: { mode: barer } }',
    'mcp: { auth: { mode: none, bearer_token: a } }',
    'servers: [{ name: a }]',
    'servers: [{ url: http://b/ }]',
    'servers: [{ name: a__b, url: http://b/ }]',
    'servers: [{ name: a_, url: http://b/ }]',
    'servers: [{ name: a, url: ftp://b/ }]',
    'servers: [{ name: a, url: "http://b/#c" }]',
    'servers: [{ name: a, url: http://b/, command: c }]',
    'servers: [{ name: a, command: c, args: [1] }]',
    'servers: [{ name: a, command: c, env: { A: 1 } }]',
    'servers: [{ name: a, url: http://b/, protocol: streamable-http }]',
    'servers: [{ name: a, url: http://b/, auth: bearer }]',
    'servers: [{ name: a, url: http://b/, auth: { type: bearer, token: c } }]',
    'servers: [{ name: a, url: http://b/, auth: { type: bearer, token_env: a-b } }]',
    'servers: [{ name: a, url: http://b/, headers: { "a b": c } }]',
    'servers: [{ name: a, url: http://b/, headers: { a: 1 } }]',
    'logging: { level: loud }',
    'metrics:',
    '[]',
  ])('refuses what the gateway refuses: %s', (text) => {
    expect(validate(parse(text))).toBe(false);
    expect(problems(text)).not.toEqual([]);
  });
});

describe('the schema', () => {
  const isSection = ({ schema }: KeyReference) =>
    schema.properties !== undefined || schema.items?.properties !== undefined;

  test('explains every key', () => {
    expect(allKeys().filter(({ schema }) => !schema.description)).toEqual([]);
  });

  test('says for every key except sections what a change of it does', () => {
    expect(allKeys().filter((key) => (key.schema.onChange === undefined) !== isSection(key))).toEqual([]);
  });
});

describe('the page', () => {
  const page = committed('configuration.md');
  const blocks = (language: string) =>
    [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
      .filter(([, found]) => found === language)
      .map(([, , text]) => text ?? '');
  const env = {
    MCPSTEAD_BEARER_TOKEN: 't',
    ISSUES_TOKEN: 't',
    WIKI_CREDENTIALS: 'c',
    TICKETS_HOST: 'tickets.example.com',
    TICKETS_KEY: 'k',
  };
  const examples = blocks('yaml').filter((text) => text.trim() !== brokenExample);

  test.each(examples)('shows a file that works: %#', (text) => {
    expect(read(text, env).path).toBe('f.yaml');
  });

  test('shows a file without and a file with all defaults, which are equivalent', () => {
    const [short = '', long = ''] = examples;
    const { config } = read(short);
    expect(read(long).config).toEqual(config);
    expect(parse(long)).toEqual(config);
  });

  test('shows an invalid file and its messages', () => {
    expect(examples.length).toBe(blocks('yaml').length - 1);
    const shown = refusal(brokenExample).replaceAll('f.yaml', 'mcpstead.yaml');
    expect(blocks('text')).toEqual([`${shown}\n`]);
  });
});
