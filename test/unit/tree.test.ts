import { expect, test } from 'bun:test';
import { dirname, join, relative } from 'node:path';
import { Glob } from 'bun';

const source = join(import.meta.dir, '../../src');

/** The layers of src/, uppermost first: a file may import from its own layer and from those below it. */
const layers = [
  'main.ts',
  'cli',
  'gateway.ts',
  'http',
  'downstream',
  'router',
  'registry',
  'upstream',
  'http-client',
  'protocol',
  'config',
  'state',
  'observability',
  'json',
  'runtime',
  'errors.ts',
  'version.ts',
];

const layerOf = (path: string) => path.split('/')[0] as string;

/** The relative modules that a file imports or re-exports, for types and dynamically, too. */
async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(join(source, file)).text();
  const found = text.matchAll(/^(?:import|export) [^;]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/gms);
  return [...found].map((match) => (match[1] ?? match[2]) as string);
}

const files = [...new Glob('**/*.ts').scanSync(source)].map((file) => file.replaceAll('\\', '/')).toSorted();

test('every file stands in one of the layers', () => {
  expect(files.filter((file) => !layers.includes(layerOf(file)))).toEqual([]);
  expect(files.length).toBeGreaterThan(30);
});

test('imports go down through the layers, never up', async () => {
  const upward: string[] = [];
  for (const file of files) {
    for (const path of await importsOf(file)) {
      const target = relative(source, join(source, dirname(file), path)).replaceAll('\\', '/');
      if (target.startsWith('..')) continue;
      if (layers.indexOf(layerOf(target)) < layers.indexOf(layerOf(file)))
        upward.push(`${file} imports ${target}`);
    }
  }
  expect(upward).toEqual([]);
});

test('modules of Node that are slow to load are loaded only when they are needed', async () => {
  const imported = new Set<string>();
  for (const file of files) {
    const text = await Bun.file(join(source, file)).text();
    for (const [, name] of text.matchAll(/^import (?!type)[^;]*?from '(node:[^']+)'/gms))
      imported.add(name as string);
  }
  const quick = ['node:buffer', 'node:fs', 'node:util'];
  expect([...imported].toSorted()).toEqual(quick);
});

test('a file is small enough to hold in the head', async () => {
  const long: string[] = [];
  for (const file of files) {
    const lines = (await Bun.file(join(source, file)).text()).split('\n').length;
    if (lines > 500) long.push(`${file}: ${lines} lines`);
  }
  expect(long).toEqual([]);
});

test('only main.ts ends the process', async () => {
  const enders: string[] = [];
  for (const file of files) {
    if (/process\.exit\(/.test(await Bun.file(join(source, file)).text())) enders.push(file);
  }
  expect(enders).toEqual(['main.ts']);
});
