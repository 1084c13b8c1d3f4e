import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../../../src/runtime/replace-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'replace-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test('a new file belongs to its owner only, as does a directory made for it', () => {
  const path = join(directory, 'a', 'b', 'file');
  replaceFile(path, 'text');
  expect(readFileSync(path, 'utf8')).toBe('text');
  expect([modeOf(path), modeOf(join(directory, 'a'))]).toEqual(['600', '700']);
});

test('a file that is replaced keeps its mode, unless another is given', () => {
  const path = join(directory, 'file');
  writeFileSync(path, 'old');
  chmodSync(path, 0o664);
  replaceFile(path, 'new');
  expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['new', '664']);
  replaceFile(path, 'secret', 0o600);
  expect([readFileSync(path, 'utf8'), modeOf(path)]).toEqual(['secret', '600']);
});

test('a symbolic link stays, and the file that it names is replaced', () => {
  const path = join(directory, 'dotfiles');
  const link = join(directory, 'link');
  writeFileSync(path, 'old');
  symlinkSync(path, link);
  replaceFile(link, 'new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, 'utf8')).toBe('new');
});

test('a write that fails leaves what was, and no other file', () => {
  const path = join(directory, 'taken');
  replaceFile(join(path, 'file'), 'text');
  expect(() => replaceFile(path, 'text')).toThrow();
  expect(readdirSync(directory)).toEqual(['taken']);
  expect(readdirSync(path)).toEqual(['file']);
});

test('a check that throws in the last moment leaves what was, and no other file', () => {
  const path = join(directory, 'file');
  writeFileSync(path, 'old');
  const check = () => {
    throw new Error('changed meanwhile');
  };
  expect(() => replaceFile(path, 'new', undefined, check)).toThrow('changed meanwhile');
  expect(readdirSync(directory)).toEqual(['file']);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

test('a path without a directory is a file in the working directory', () => {
  const before = process.cwd();
  process.chdir(directory);
  try {
    replaceFile('file', 'text');
  } finally {
    process.chdir(before);
  }
  expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('text');
});
