import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileWatch } from '../../../../src/cli/serving/file-watch.ts';
import { waitUntil } from '../../../support/wait.ts';

let folder: string;
let file: string;
let watch: FileWatch;
let changes = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-watch-'));
  file = join(folder, 'mcpstead.yaml');
  writeFileSync(file, 'port: 1\n');
  changes = 0;
  watch = new FileWatch({ paths: [file, join(folder, 'mcpstead.env')], intervalMs: 20 });
  await watch.mark();
  watch.start(async () => void changes++);
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true });
});

const seen = (count: number) => waitUntil(`${count} changes`, () => changes === count);
/** Long enough for a change to be noticed and to come to rest. */
const quiet = () => Bun.sleep(500);

test.each([
  ['another size', () => writeFileSync(file, 'port: 12\n')],
  ['the same size', () => writeFileSync(file, 'port: 2\n')],
  [
    'the same size and time in another file',
    () => {
      const other = join(folder, 'other');
      writeFileSync(other, 'port: 2\n');
      utimesSync(other, new Date(1000), new Date(1000));
      utimesSync(file, new Date(1000), new Date(1000));
      renameSync(other, file);
    },
  ],
  ['other permissions', () => chmodSync(file, 0o600)],
  ['the end of the file', () => rmSync(file)],
  ['a new file that was missing', () => writeFileSync(join(folder, 'mcpstead.env'), 'A=b')],
])('%s is a change, and one only', async (_, change) => {
  change();
  await seen(1);
  await quiet();
  expect(changes).toBe(1);
});

test('nothing is noticed while nothing changes', async () => {
  await quiet();
  expect(changes).toBe(0);
});

test('a file that comes back is another change', async () => {
  rmSync(file);
  await seen(1);
  writeFileSync(file, 'port: 1\n');
  await seen(2);
});

test('a link to another folder is a change, as Kubernetes updates a ConfigMap', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'mcpstead.yaml'), 'port: 1\n');
  }
  symlinkSync('one', join(folder, '..data'));
  rmSync(file);
  symlinkSync('..data/mcpstead.yaml', file);
  await seen(1);
  symlinkSync('two', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await seen(2);
});

test('a file that grows is read when it has come to rest', async () => {
  for (let written = 0; written < 8; written++) {
    writeFileSync(file, 'x'.repeat(100 + written));
    await Bun.sleep(50);
  }
  await seen(1);
  await quiet();
  expect(changes).toBe(1);
});

test('what is marked is known', async () => {
  writeFileSync(file, 'port: 2\n');
  await watch.mark();
  await quiet();
  expect(changes).toBe(0);
});

test('nothing is noticed after the end', async () => {
  watch.stop();
  writeFileSync(file, 'port: 2\n');
  await quiet();
  expect(changes).toBe(0);
});
