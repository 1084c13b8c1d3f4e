import { beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { Glob } from 'bun';
import {
  deadExports,
  deadFiles,
  filesOutsideLayers,
  importCircles,
  longFiles,
  longFunctions,
  type Module,
  parseModules,
  repeatedTypes,
  testsWithoutSource,
  upwardImports,
} from '../support/source-tree.ts';

const root = join(import.meta.dir, '../..');

/** The layers of src/, uppermost first: a file may import from its own layer and from those below it. */
const layers = [
  'main.ts',
  'cli',
  'bridge',
  'gateway.ts',
  'http',
  'downstream',
  'router',
  'registry',
  'upstream',
  'http-client',
  'process',
  'protocol',
  'clients',
  'config',
  'state',
  'observability',
  'json',
  'runtime',
  'errors.ts',
  'version.ts',
];

const pathsIn = (directory: string): string[] =>
  [...new Glob('**/*.ts').scanSync(join(root, directory))]
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted();

async function parseDirectory(directory: string): Promise<Module[]> {
  const files = new Map<string, string>();
  for (const path of pathsIn(directory)) files.set(path, await Bun.file(join(root, directory, path)).text());
  return parseModules(files);
}

describe('the tree of src', () => {
  let modules: Module[];
  /** The scripts' imports of src, as paths of src. */
  let scripts: Module[];

  beforeAll(async () => {
    modules = await parseDirectory('src');
    scripts = (await parseDirectory('scripts')).map((script) => ({
      ...script,
      imports: script.imports
        .filter(({ target }) => /^(?:\.\.\/)+src\//.test(target))
        .map(({ target, names }) => ({ target: target.replace(/^(?:\.\.\/)+src\//, ''), names })),
    }));
  });

  test('has every file in one of the layers', () => {
    expect(filesOutsideLayers(modules, layers)).toEqual([]);
    expect(modules.length).toBeGreaterThan(0);
  });

  test('has imports only down through the layers', () => {
    expect(upwardImports(modules, layers)).toEqual([]);
  });

  test('has no files that import each other', () => {
    expect(importCircles(modules)).toEqual([]);
  });

  test('has no file that neither main.ts nor a script needs', () => {
    expect(deadFiles(modules, 'main.ts', scripts)).toEqual([]);
  });

  test('has no export that no other file imports', () => {
    expect(deadExports(modules, scripts)).toEqual([]);
  });

  test('has no function of more than 70 lines', () => {
    expect(longFunctions(modules, 70)).toEqual([]);
  });

  test('has no file of more than 400 lines', () => {
    expect(longFiles(modules, 400)).toEqual([]);
  });

  test('has a file for every unit test', () => {
    expect(testsWithoutSource(pathsIn('test/unit'), modules)).toEqual([]);
  });

  test('loads only the fast modules of Node at the start', () => {
    const loaded = modules.flatMap(({ packages }) => packages.filter((name) => name.startsWith('node:')));
    expect([...new Set(loaded)].toSorted()).toEqual(['node:buffer', 'node:fs', 'node:util']);
  });

  test('gives each class, interface and type a name of its own', () => {
    expect(repeatedTypes(modules)).toEqual([]);
  });

  test('ends the process only in main.ts', () => {
    const enders = modules.filter(({ calls }) => calls.includes('process.exit')).map(({ path }) => path);
    expect(enders).toEqual(['main.ts']);
  });
});

describe('a planted fault is found:', () => {
  const parse = (files: Record<string, string>) => parseModules(new Map(Object.entries(files)));

  test('a file outside the layers', async () => {
    const modules = await parse({ 'main.ts': '', 'helpers/a.ts': '' });
    expect(filesOutsideLayers(modules, ['main.ts', 'cli'])).toEqual(['helpers/a.ts']);
  });

  test('an upward import, by a type, a call or a re-export', async () => {
    const modules = await parse({
      'cli/a.ts': "import { b } from '../json/b.ts';",
      'json/b.ts': "import type { A } from '../cli/a.ts'; // import { x } from '../cli/comment.ts'",
      'json/c.ts': 'const text = `import { a } from "../cli/text.ts"`; await import("../cli/a.ts");',
      'json/d.ts': "export { a } from '../cli/a.ts'; let a: import('../cli/a.ts').A;",
    });
    expect(upwardImports(modules, ['cli', 'json'])).toEqual([
      'json/b.ts imports cli/a.ts',
      'json/c.ts imports cli/a.ts',
      'json/d.ts imports cli/a.ts',
      'json/d.ts imports cli/a.ts',
    ]);
  });

  test('a type of the name of another, but not an imported one', async () => {
    const modules = await parse({
      'a.ts': "import type { B } from './b.ts'; // type B\nexport class A {}",
      'b.ts': 'interface A {}\nexport type B = A;',
    });
    expect(repeatedTypes(modules)).toEqual(['A: a.ts, b.ts']);
  });

  test('a circle of imports, but not a file that imports one', async () => {
    const modules = await parse({
      'a.ts': "import './b.ts';",
      'b.ts': "import type { C } from './c.ts';",
      'c.ts': "export const a = () => import('./a.ts');",
      'd.ts': "import './a.ts'; import './e.ts';",
      'e.ts': "import './f.ts';",
      'f.ts': "import './e.ts';",
    });
    expect(importCircles(modules)).toEqual(['a.ts ↔ b.ts ↔ c.ts', 'e.ts ↔ f.ts']);
  });

  test('a dead file, even if a dead file imports it', async () => {
    const modules = await parse({
      'main.ts': "import './a.ts';",
      'a.ts': "await import('./b.ts');",
      'b.ts': '',
      'dead.ts': "import './deader.ts';",
      'deader.ts': '',
      'script-only.ts': '',
    });
    const scripts = await parse({ 'script.ts': "import './script-only.ts';" });
    expect(deadFiles(modules, 'main.ts', scripts)).toEqual(['dead.ts', 'deader.ts']);
  });

  test('a dead export of any form, but not one in use', async () => {
    const modules = await parse({
      'a.ts': `
        export const used = 1, dead = 2;
        export function deadFunction() {}
        export async function* deadGenerator() {}
        export abstract class DeadClass {}
        export interface DeadInterface {}
        export type DeadType = 1;
        export enum DeadEnum {}
        export const { deadPart, key: deadValue, ...deadRest } = { deadPart: 1, key: 2 };
        class Late {} export { Late as DeadAlias };
        export default 1;
        export const loaded = 1, taken = 2, renamed = 3;
        export class Instantiated {}
        export const instance = new Instantiated();`,
      'b.ts': `
        import { used, renamed as other, instance } from './a.ts';
        (await import('./a.ts')).loaded;
        const { taken } = await import('./a.ts');`,
      'c.ts': "import * as all from './d.ts';",
      'd.ts': 'export const a = 1, b = 2;',
    });
    expect(deadExports(modules)).toEqual(
      [
        ...['dead', 'deadFunction', 'deadGenerator', 'DeadClass', 'DeadInterface', 'DeadType', 'DeadEnum'],
        ...['deadPart', 'deadValue', 'deadRest', 'DeadAlias', 'default'],
      ].map((name) => `a.ts: ${name}`),
    );
  });

  test('a long function of any form, whatever text it holds', async () => {
    const body = (lines: number) => `{ ${"/}/; '{'; `}`; // {\n".repeat(lines - 1)} }`;
    const modules = await parse({
      'a.ts': [
        `/** A comment\n * does not count. */\nfunction short() ${body(3)}`,
        `function long() ${body(4)}`,
        `class A { method() ${body(4)} constructor() ${body(4)} get value() ${body(4)} #field = () => ${body(4)}; }`,
        `const arrow = async () => ${body(4)}`,
        `const object = { key: function () ${body(4)} };`,
        `[].map(() => ${body(4)})`,
      ].join('\n'),
    });
    expect(longFunctions(modules, 3)).toEqual(
      ['long', 'A.method', 'A.constructor', 'A.value', 'A.#field', 'arrow', 'object.key', 'a callback'].map(
        (name) => `a.ts: ${name} has 4 lines`,
      ),
    );
  });

  test('a long file', async () => {
    const modules = await parse({ 'a.ts': '1;\n2;\n3;\n', 'b.ts': '1;\n2;\n' });
    expect(longFiles(modules, 2)).toEqual(['a.ts has 3 lines']);
  });

  test('a unit test of no file', async () => {
    const modules = await parse({ 'json/scan.ts': '' });
    const tests = [
      'json/scan.test.ts',
      'json/scan/numbers.test.ts',
      'json/other.test.ts',
      'json/other/a.test.ts',
      'json/helper.ts',
      'docs.test.ts',
      'scripts/a.test.ts',
    ];
    expect(testsWithoutSource(tests, modules)).toEqual(['json/other.test.ts', 'json/other/a.test.ts']);
  });
});
