import { dirname, join } from 'node:path';
import * as ast from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/async';
import { createVirtualFileSystem } from 'typescript/unstable/fs';

/** A source file, as the checks of the tree see it. */
export interface Module {
  path: string;
  lines: number;
  /** Imports and re-exports of other files, types and dynamic imports included. */
  imports: Import[];
  /** The packages and built-in modules that are loaded with this file. */
  packages: string[];
  exports: string[];
  /** The classes, interfaces and type aliases that the file declares. */
  types: string[];
  /** The classes of exported instances (`export const one = new Some()`): such a class is in use. */
  instantiated: string[];
  functions: { name: string; lines: number }[];
  /** The functions that are called by a dotted name, such as `process.exit`. */
  calls: string[];
}

/** `names` is `all` for an import that does not say which exports it uses. */
interface Import {
  target: string;
  names: string[] | 'all';
}

/** Parses files (path → text) with the TypeScript compiler. Paths are relative, with `/`. */
export async function parseModules(files: Map<string, string>): Promise<Module[]> {
  const config = { compilerOptions: { noResolve: true, noLib: true, types: [] }, files: [...files.keys()] };
  const virtual: Record<string, string> = { '/tree/tsconfig.json': JSON.stringify(config) };
  for (const [path, text] of files) virtual[`/tree/${path}`] = text;
  const api = new API({ cwd: '/tree', fs: createVirtualFileSystem(virtual) });
  try {
    const snapshot = await api.updateSnapshot({ openProjects: ['/tree/tsconfig.json'] });
    const program = snapshot.getProjects()[0]?.program;
    const modules: Module[] = [];
    for (const path of files.keys()) {
      const source = await program?.getSourceFile(`/tree/${path}`);
      if (source === undefined) throw new Error(`the compiler has not parsed ${path}`);
      modules.push(moduleOf(path, source));
    }
    return modules;
  } finally {
    await api.close();
  }
}

const typesOf = (text: string): string[] =>
  [...text.matchAll(/^(?:export )?(?:abstract )?(?:class|interface|type) (\w+)/gm)].map((found) => found[1]!);

function moduleOf(path: string, source: ast.SourceFile): Module {
  const lines = source.text.trimEnd().split('\n').length;
  const module: Module = {
    path,
    lines,
    imports: [],
    packages: [],
    exports: [],
    types: typesOf(source.text),
    instantiated: [],
    functions: [],
    calls: [],
  };
  const addImport = (specifier: ast.Node | undefined, names: Import['names']) => {
    if (specifier === undefined || !ast.isStringLiteral(specifier)) return;
    if (!specifier.text.endsWith('.ts')) return;
    module.imports.push({ target: join(dirname(path), specifier.text).replaceAll('\\', '/'), names });
  };
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;

  const visit = (node: ast.Node, scope: string[]) => {
    const name = nameOf(node);
    const inner = name === undefined ? scope : [...scope, name];
    if (isFunction(node)) {
      const length = lineOf(node.end) - lineOf(node.getStart(source)) + 1;
      module.functions.push({ name: inner.join('.'), lines: length });
    }
    if (ast.isImportDeclaration(node)) {
      addImport(node.moduleSpecifier, importedNames(node));
      const isType = node.importClause?.phaseModifier === ast.SyntaxKind.TypeKeyword;
      const specifier = node.moduleSpecifier;
      if (!isType && ast.isStringLiteral(specifier) && !specifier.text.startsWith('.'))
        module.packages.push(specifier.text);
    } else if (ast.isExportDeclaration(node)) addImport(node.moduleSpecifier, 'all');
    else if (ast.isImportTypeNode(node))
      addImport(ast.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, 'all');
    else if (ast.isCallExpression(node)) {
      if (node.expression.kind === ast.SyntaxKind.ImportKeyword)
        addImport(node.arguments[0], namesOfDynamicImport(node));
      else if (ast.isPropertyAccessExpression(node.expression))
        module.calls.push(node.expression.getText(source));
    }
    node.forEachChild((child) => visit(child, inner));
  };
  for (const statement of source.statements) {
    const names = exportedNames(statement);
    module.exports.push(...names);
    if (names.length > 0) module.instantiated.push(...instantiatedClasses(statement));
  }
  visit(source, []);
  return module;
}

const isFunction = (node: ast.Node): boolean =>
  ast.isFunctionDeclaration(node) ||
  ast.isFunctionExpression(node) ||
  ast.isArrowFunction(node) ||
  ast.isMethodDeclaration(node) ||
  ast.isConstructorDeclaration(node) ||
  ast.isGetAccessorDeclaration(node) ||
  ast.isSetAccessorDeclaration(node);

/** The name that a declaration gives to itself or to the function that it holds. */
function nameOf(node: ast.Node): string | undefined {
  if (ast.isConstructorDeclaration(node)) return 'constructor';
  const isNamed =
    isFunction(node) ||
    ast.isClassDeclaration(node) ||
    ast.isClassExpression(node) ||
    ast.isVariableDeclaration(node) ||
    ast.isPropertyDeclaration(node) ||
    ast.isPropertyAssignment(node);
  const name = isNamed ? (node as { name?: ast.Node }).name : undefined;
  return name !== undefined && 'text' in name ? String(name.text) : undefined;
}

function importedNames(node: ast.ImportDeclaration): Import['names'] {
  const clause = node.importClause;
  if (clause === undefined) return [];
  const names = clause.name === undefined ? [] : ['default'];
  const bindings = clause.namedBindings;
  if (bindings === undefined) return names;
  if (!ast.isNamedImports(bindings)) return 'all';
  return [...names, ...bindings.elements.map((element) => (element.propertyName ?? element.name).text)];
}

/** Understands `(await import('./x.ts')).name` and `const { name } = await import('./x.ts')`. */
function namesOfDynamicImport(node: ast.Node): Import['names'] {
  if (!ast.isAwaitExpression(node.parent)) return 'all';
  let user = node.parent.parent;
  if (ast.isParenthesizedExpression(user)) user = user.parent;
  if (ast.isPropertyAccessExpression(user)) return [user.name.text];
  if (!ast.isVariableDeclaration(user) || !ast.isObjectBindingPattern(user.name)) return 'all';
  return user.name.elements.map((element) => {
    const name = element.propertyName ?? element.name;
    return name !== undefined && 'text' in name ? String(name.text) : '';
  });
}

function exportedNames(statement: ast.Statement): string[] {
  if (ast.isExportAssignment(statement)) return ['default'];
  if (ast.isExportDeclaration(statement)) {
    const clause = statement.exportClause;
    return clause !== undefined && ast.isNamedExports(clause)
      ? clause.elements.map((element) => element.name.text)
      : [];
  }
  const { modifiers } = statement as { modifiers?: ast.NodeArray<ast.Node> };
  if (!modifiers?.some((modifier) => modifier.kind === ast.SyntaxKind.ExportKeyword)) return [];
  if (modifiers.some((modifier) => modifier.kind === ast.SyntaxKind.DefaultKeyword)) return ['default'];
  if (!ast.isVariableStatement(statement)) {
    const { name } = statement as { name?: { text: string } };
    return name === undefined ? [] : [name.text];
  }
  return statement.declarationList.declarations.flatMap((declaration) => boundNames(declaration.name));
}

function instantiatedClasses(statement: ast.Statement): string[] {
  if (!ast.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ initializer }) =>
    initializer !== undefined && ast.isNewExpression(initializer) && ast.isIdentifier(initializer.expression)
      ? [initializer.expression.text]
      : [],
  );
}

function boundNames(name: ast.Node | undefined): string[] {
  if (name === undefined) return [];
  if (ast.isIdentifier(name)) return [name.text];
  if (!ast.isObjectBindingPattern(name) && !ast.isArrayBindingPattern(name)) return [];
  return name.elements.flatMap((element) => boundNames('name' in element ? element.name : undefined));
}

/** The files that stand in none of the layers. */
export const filesOutsideLayers = (modules: Module[], layers: string[]): string[] =>
  modules.map(({ path }) => path).filter((path) => !layers.includes(layerOf(path)));

/** The imports from a layer above that of the file that imports. */
export function upwardImports(modules: Module[], layers: string[]): string[] {
  const level = (path: string) => layers.indexOf(layerOf(path));
  return modules.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => level(target) < level(path))
      .map(({ target }) => `${path} imports ${target}`),
  );
}

const layerOf = (path: string): string => path.split('/')[0] as string;

/** The groups of files that import each other, each as one line. */
export function importCircles(modules: Module[]): string[] {
  const targets = new Map(modules.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
  const reachable = new Map(
    modules.map(({ path }) => [path, reachableFrom(targets.get(path) ?? [], targets)]),
  );
  const circles = modules
    .filter(({ path }) => reachable.get(path)?.has(path))
    .map(({ path }) =>
      [...(reachable.get(path) as Set<string>)]
        .filter((other) => reachable.get(other)?.has(path))
        .toSorted()
        .join(' ↔ '),
    );
  return [...new Set(circles)].toSorted();
}

/** The files that neither `entry` nor a file of `users` reaches. */
export function deadFiles(modules: Module[], entry: string, users: Module[] = []): string[] {
  const targets = new Map(modules.map(({ path, imports }) => [path, imports.map(({ target }) => target)]));
  const roots = users.flatMap(({ imports }) => imports.map(({ target }) => target));
  const live = reachableFrom([entry, ...roots], targets);
  return modules.map(({ path }) => path).filter((path) => !path.endsWith('.d.ts') && !live.has(path));
}

function reachableFrom(starts: string[], targets: Map<string, string[]>): Set<string> {
  const found = new Set<string>();
  const open = [...starts];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    open.push(...(targets.get(path) ?? []));
  }
  return found;
}

/** The exports that no other file imports, those of `users` included. */
export function deadExports(modules: Module[], users: Module[] = []): string[] {
  const used = new Map<string, Set<string> | 'all'>();
  for (const { imports } of [...modules, ...users]) {
    for (const { target, names } of imports) {
      const known = used.get(target);
      if (names === 'all' || known === 'all') used.set(target, 'all');
      else used.set(target, new Set([...(known ?? []), ...names]));
    }
  }
  return modules
    .filter(({ path }) => !path.endsWith('.d.ts'))
    .flatMap(({ path, exports, instantiated }) => {
      const names = used.get(path);
      if (names === 'all') return [];
      const isDead = (name: string) => !names?.has(name) && !instantiated.includes(name);
      return exports.filter(isDead).map((name) => `${path}: ${name}`);
    });
}

export const longFunctions = (modules: Module[], maxLines: number): string[] =>
  modules.flatMap(({ path, functions }) =>
    functions
      .filter(({ lines }) => lines > maxLines)
      .map(({ name, lines }) => `${path}: ${name || 'a callback'} has ${lines} lines`),
  );

/** The names that more than one file gives to a type. */
export function repeatedTypes(modules: Module[]): string[] {
  const files = new Map<string, string[]>();
  for (const { path, types } of modules)
    for (const name of types) files.set(name, [...(files.get(name) ?? []), path]);
  return [...files]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

export const longFiles = (modules: Module[], maxLines: number): string[] =>
  modules.filter(({ lines }) => lines > maxLines).map(({ path, lines }) => `${path} has ${lines} lines`);

/**
 * The tests (paths below test/unit) of a room that mirror no file of src. `a/b.test.ts` mirrors `a/b.ts`; so does
 * `a/b/topic.test.ts`, for a file that has a test per topic.
 */
export function testsWithoutSource(tests: string[], modules: Module[]): string[] {
  const paths = new Set(modules.map(({ path }) => path));
  const rooms = new Set(modules.map(({ path }) => layerOf(path)));
  return tests
    .filter((path) => path.endsWith('.test.ts') && rooms.has(layerOf(path)))
    .filter((path) => !paths.has(path.replace(/\.test\.ts$/, '.ts')) && !paths.has(`${dirname(path)}.ts`));
}
