import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Glob } from 'bun';
import { parse } from 'yaml';
import { reportFiles } from '../../bench/report.ts';
import { keptResults } from '../../bench/results.ts';
import manifest from '../../package.json' with { type: 'json' };
import { parseConfig } from '../../src/config/load.ts';
import { allKeys } from '../../src/config/reference.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { build } from '../../src/version.ts';
import { blocksOf } from '../support/pages.ts';
import { pageOf } from '../support/prometheus-page.ts';

const root = join(import.meta.dir, '../..');
const read = (path: string) => Bun.file(join(root, path)).text();
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'scripts/README.md',
  ...[...new Glob('docs/**/*.md').scanSync(root)].map((path) => path.replaceAll('\\', '/')),
];

/** The first keys of YAML for Prometheus, Docker Compose or Kubernetes. */
const foreign = ['scrape_configs', 'groups', 'services', 'apiVersion'];

/** Keys that the documentation names as refused. */
const refusedKeys = ['mcp.auth.bearer_token', 'servers[].auth.token'];
const keys = allKeys().map(({ key }) => key);
const topKeys = keys.filter((key) => /^[a-z_]+$/.test(key));
const serverKeys = keys.flatMap((key) => /^servers\[\]\.([a-z_]+)$/.exec(key)?.[1] ?? []);

/** Values for the variables that a configuration asks for. */
function variablesOf(yaml: string): Record<string, string> {
  const asked = [...yaml.matchAll(/\$\{(\w+)\}|token_env: (\w+)/g)].map((match) => match[1] ?? match[2]);
  return Object.fromEntries(
    [...asked, 'MCPSTEAD_BEARER_TOKEN'].map((name) => [name, 'a-value-for-the-test']),
  );
}

/** All code except the tests; names in pages have to occur there. */
const sources = [...new Glob('{src,scripts,npm,bench}/**/*.{ts,mjs,sh}').scanSync(root)];

const manifests = [...new Glob('docs/deploy/**/*.{yaml,service}').scanSync(root)];

/** The fenced blocks of one language in a page. */
const blocks = (page: string, language: string) =>
  blocksOf(page)
    .filter((block) => block.language === language)
    .map(({ text }) => text);

/** The anchors of a page: its headings as GitHub derives them, and `<a id="…">`. */
async function anchorsOf(page: string): Promise<string[]> {
  const text = await read(page);
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...headings, ...[...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id as string)];
}

describe('the documentation', () => {
  // test/unit/scripts/docs.test.ts checks docs/configuration.md more strictly.
  test('shows configurations that are valid', async () => {
    let configurations = 0;
    for (const page of pages.filter((name) => name !== 'docs/configuration.md')) {
      for (const block of blocks(page, 'yaml')) {
        if (foreign.some((key) => key in parse(block))) continue;
        expect(() => parseConfig(block, page, variablesOf(block))).not.toThrow();
        configurations++;
      }
    }
    expect(configurations).toBeGreaterThan(0);
  });

  test('shows pieces of a configuration that are valid', async () => {
    const refused: string[] = [];
    let pieces = 0;
    for (const page of pages) {
      for (const [, piece] of (await read(page)).matchAll(/`([a-z_]+: [^`]+)`(?! is an error)/g)) {
        const [key = ''] = (piece as string).split(':');
        if (!topKeys.includes(key) && !serverKeys.includes(key)) continue;
        const server = `servers:\n  - name: a\n    ${key === 'url' ? '' : 'url: http://localhost/mcp\n    '}${piece}`;
        const whole = topKeys.includes(key) ? (piece as string) : server;
        pieces++;
        try {
          parseConfig(whole, page, variablesOf(whole));
        } catch (error) {
          refused.push(`${page}: ${piece}: ${error}`);
        }
      }
    }
    expect(pieces).toBeGreaterThan(0);
    expect(refused).toEqual([]);
  });

  test('shows JSON that is valid', async () => {
    const refused: string[] = [];
    let samples = 0;
    for (const page of pages) {
      const inText = [...(await read(page)).matchAll(/`(\{"[^`]*)`/g)].map(([, code]) => code as string);
      for (const sample of [...blocks(page, 'json'), ...inText].filter((text) => !text.includes('…'))) {
        samples++;
        try {
          JSON.parse(sample);
        } catch (error) {
          refused.push(`${page}: ${sample}: ${error}`);
        }
      }
    }
    expect(samples).toBeGreaterThan(0);
    expect(refused).toEqual([]);
  });

  test('names only existing keys', async () => {
    const strange: string[] = [];
    let named = 0;
    for (const page of pages) {
      for (const [, key] of (await read(page)).matchAll(/`([a-z_]+(?:\[\])?(?:\.[a-z_]+)+)`/g)) {
        const [first = ''] = (key as string).split(/[.[]/);
        if (![...topKeys, ...serverKeys].includes(first)) continue;
        named++;
        if (refusedKeys.includes(key as string)) continue;
        if (!keys.includes(key as string) && !keys.includes(`servers[].${key}`))
          strange.push(`${page}: ${key}`);
      }
    }
    expect(named).toBeGreaterThan(0);
    expect(strange).toEqual([]);
  });

  test('names only existing variables', async () => {
    const code = (await Promise.all(sources.map(read))).join('\n');
    const unknown: string[] = [];
    for (const page of [...pages, ...manifests, 'Dockerfile']) {
      for (const [name] of (await read(page)).matchAll(/\bMCPSTEAD_[A-Z_]+\b/g)) {
        if (!code.includes(name)) unknown.push(`${page}: ${name}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  test('shows an invalid configuration with the message of the program', async () => {
    const [quickStart = ''] = blocks('README.md', 'yaml');
    const yaml = `${quickStart}    requird: true\n`;
    const [sample] = blocks('README.md', 'text').filter((block) => block.includes('invalid configuration'));
    expect(sample).toBeDefined();
    expect(() => parseConfig(yaml, 'mcpstead.yaml', {})).toThrow(
      sample?.replace('mcpstead: ', '').trimEnd() as string,
    );
  });

  test('names exactly the existing metrics, with their types', async () => {
    const metrics = new Metrics({ build, sessionsActive: () => 0 });
    const families = [...(await pageOf(metrics)).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    const documented = [
      ...(await read('docs/operations.md')).matchAll(/^\| `(mcpstead_\w+)` +\| (\w+) +\|/gm),
    ];
    const listed = (matches: RegExpExecArray[]) =>
      matches.map((match) => `${match[1]} ${match[2]}`).toSorted();
    expect(listed(documented)).toEqual(listed(families));
    expect(families.length).toBeGreaterThan(0);
  });

  test('names only existing npm scripts', async () => {
    const unknown: string[] = [];
    for (const page of pages) {
      for (const [, script] of (await read(page)).matchAll(/npm run ([\w:-]+)/g)) {
        if (!Object.hasOwn(manifest.scripts, script as string)) unknown.push(`${page}: ${script}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  test('links only to existing files and folders', async () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const [, target] of (await read(page)).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        if (!existsSync(join(root, page, '..', target as string))) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('links only to existing sections', async () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const [, target = '', anchor] of (await read(page)).matchAll(
        /\]\((?!https?:)([^)#]*)#([^)]+)\)/g,
      )) {
        const anchors = await anchorsOf(target === '' ? page : join(page, '..', target));
        if (!anchors.includes(anchor as string)) broken.push(`${page}: ${target}#${anchor}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('has every section that the code links to', async () => {
    const broken: string[] = [];
    for (const source of sources) {
      for (const [link, page = '', anchor = ''] of (await read(source)).matchAll(
        /\b(docs\/[\w./-]+\.md)#([\w-]+)/g,
      )) {
        if (!(await anchorsOf(page)).includes(anchor)) broken.push(`${source}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('links every mechanism for speed from its code', async () => {
    const code = (await Promise.all(sources.map(read))).join('\n');
    const mechanisms = [...(await read('docs/performance.md')).matchAll(/<a id="([^"]+)">/g)];
    expect(mechanisms.length).toBeGreaterThan(10);
    const unlinked = mechanisms.filter(([, id]) => !new RegExp(`performance\\.md#${id}\\b`).test(code));
    expect(unlinked.map(([, id]) => id)).toEqual([]);
  });

  test('shows the last full run as the script of the benchmark generates it', async () => {
    for (const [path, text] of Object.entries(reportFiles(keptResults())))
      expect(await read(path)).toBe(text);
  });

  test('quotes messages of the program literally', async () => {
    const code = (await Promise.all(sources.map(read))).join('\n');
    const rows = (await read('README.md')).split('## Troubleshooting')[1]?.split('\n## ')[0] ?? '';
    const strange: string[] = [];
    let quoted = 0;
    for (const [, seen = ''] of rows.matchAll(/^\| ([^|]*)\|/gm)) {
      for (const [, message = ''] of seen.matchAll(/"([^"{}]{8,})"/g)) {
        // Numbers, names in capitals and text in brackets or dots are filled in; parts are joined at run time.
        const fixed = message
          .split(/[…,]|\d+|[A-Z]{4,}|\(.*\)/)
          .map((part) => part.replace(/^\W+|\W+$/g, ''));
        quoted++;
        strange.push(...fixed.filter((part) => part.length > 5 && !code.includes(part)));
      }
    }
    expect(quoted).toBeGreaterThan(0);
    expect(strange).toEqual([]);
  });

  test('names only existing identifiers', async () => {
    const code = (await Promise.all([...sources, ...manifests].map(read))).join('\n');
    const unknown: string[] = [];
    let named = 0;
    for (const page of pages.filter((name) => name !== 'CHANGELOG.md')) {
      // Words in camel case or with a capital letter: functions, types and constants, but also headers and products.
      for (const [, name] of (await read(page)).matchAll(/`([a-z]+[A-Z]\w*|[A-Z][a-z]+\w*)(?:\(\))?`/g)) {
        named++;
        if (!new RegExp(`\\b${name}\\b`).test(code)) unknown.push(`${page}: ${name}`);
      }
    }
    expect(named).toBeGreaterThan(0);
    expect(unknown).toEqual([]);
  });

  test('names only existing files of the checkout', async () => {
    const missing: string[] = [];
    let named = 0;
    for (const page of pages) {
      for (const [, path] of (await read(page)).matchAll(
        /`((?:src|test|scripts|docs|npm|bench)\/[\w./-]*)`/g,
      )) {
        named++;
        if (!existsSync(join(root, path as string))) missing.push(`${page}: ${path}`);
      }
    }
    expect(missing).toEqual([]);
    expect(named).toBeGreaterThan(0);
  });

  test('names only existing files of src, by path or name', async () => {
    const files = [...new Glob('**/*.ts').scanSync(join(root, 'src'))].map((path) =>
      path.replaceAll('\\', '/'),
    );
    const missing: string[] = [];
    let named = 0;
    for (const page of ['docs/architecture.md', 'docs/performance.md']) {
      for (const [, name = ''] of (await read(page)).matchAll(/`([a-z][a-z0-9/-]*(?:\.ts|\/))`/g)) {
        named++;
        const path = name.replace(/^src\//, '');
        const isThere = files.some((file) => `/${file}`.includes(`/${path}`));
        if (!isThere && !existsSync(join(root, name))) missing.push(`${page}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
    expect(named).toBeGreaterThan(40);
  });

  test('fits the width of 130 characters outside of tables and generated pages', async () => {
    const long: string[] = [];
    const generated = ['docs/configuration.md', 'docs/commands.md', 'docs/clients.md'];
    for (const page of pages.filter((name) => !generated.includes(name))) {
      for (const [index, line] of (await read(page)).split('\n').entries()) {
        if (line.length > 130 && !line.startsWith('|')) long.push(`${page}:${index + 1}`);
      }
    }
    expect(long).toEqual([]);
  });
});
