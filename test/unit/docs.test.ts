import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Glob } from 'bun';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { parseConfig } from '../../src/config/load.ts';
import { Metrics } from '../../src/observability/metrics.ts';
import { build } from '../../src/version.ts';
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

/** The fenced blocks of one language in a page. */
async function blocks(page: string, language: string): Promise<string[]> {
  const text = await read(page);
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] as string);
}

describe('the documentation', () => {
  test('shows configurations that are valid', async () => {
    let configurations = 0;
    for (const page of ['README.md', 'docs/operations.md', 'docs/deploy/README.md']) {
      for (const block of await blocks(page, 'yaml')) {
        // Samples for Prometheus are YAML, too.
        if (!('servers' in parse(block))) continue;
        const env = { TRACKER_TOKEN: 'a-token-for-the-test' };
        expect(parseConfig(block, page, env).config.servers.length).toBeGreaterThan(0);
        configurations++;
      }
    }
    expect(configurations).toBe(2);
  });

  test('shows an invalid configuration as it is told', async () => {
    const yaml = 'servers:\n  - name: local\n    url: http://127.0.0.1:3000/mcp\n    requird: true\n';
    const [sample] = (await blocks('README.md', 'text')).filter((block) =>
      block.includes('invalid configuration'),
    );
    expect(sample).toBeDefined();
    expect(() => parseConfig(yaml, 'mcpstead.yaml', {})).toThrow(
      sample?.replace('mcpstead: ', '').trimEnd() as string,
    );
  });

  test('names the metrics that there are, with their types, and no others', async () => {
    const metrics = new Metrics({ build, sessionsActive: () => 0 });
    const families = [...(await pageOf(metrics)).matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    const documented = [
      ...(await read('docs/operations.md')).matchAll(/^\| `(mcpstead_\w+)` +\| (\w+) +\|/gm),
    ];
    const listed = (matches: RegExpExecArray[]) =>
      matches.map((match) => `${match[1]} ${match[2]}`).toSorted();
    expect(listed(documented)).toEqual(listed(families));
    expect(families.length).toBe(38);
  });

  test('names only npm scripts that there are', async () => {
    const unknown: string[] = [];
    for (const page of pages) {
      for (const [, script] of (await read(page)).matchAll(/npm run ([\w:-]+)/g)) {
        if (!Object.hasOwn(manifest.scripts, script as string)) unknown.push(`${page}: ${script}`);
      }
    }
    expect(unknown).toEqual([]);
  });

  test('links only to files and folders that there are', async () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const [, target] of (await read(page)).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        if (!existsSync(join(root, page, '..', target as string))) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test('names only files of the checkout that there are', async () => {
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
    expect(named).toBeGreaterThan(20);
  });

  test('fits the width of 130 characters outside of tables and generated pages', async () => {
    const long: string[] = [];
    for (const page of pages.filter((name) => name !== 'docs/configuration.md')) {
      for (const [index, line] of (await read(page)).split('\n').entries()) {
        if (line.length > 130 && !line.startsWith('|')) long.push(`${page}:${index + 1}`);
      }
    }
    expect(long).toEqual([]);
  });
});
