import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { loadConfig } from '../../../../src/config/load.ts';
import { GatewayError } from '../../../../src/errors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpstead-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The message about a file of these bytes, with the folder left out. */
async function refusal(name: string, content?: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  if (content !== undefined) await Bun.write(path, content);
  const error = await loadConfig(path, {}).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof GatewayError)) throw new Error(`not refused as expected: ${error}`);
  expect(error.kind).toBe('config_invalid');
  expect(error.exitCode).toBe(2);
  return error.message.replaceAll(folder + sep, '');
}

test('a file is read, and its path kept', async () => {
  const path = join(folder, 'good.yaml');
  await Bun.write(path, 'port: 80\nhost: localhost # ümläut\n');
  const loaded = await loadConfig(path, {});
  expect(loaded.path).toBe(path);
  expect(loaded.config.port).toBe(80);
});

test('a symbolic link to a file is fine: a Kubernetes ConfigMap is mounted as one', async () => {
  await Bun.write(join(folder, 'target.yaml'), 'port: 81');
  await symlink(join(folder, 'target.yaml'), join(folder, 'link.yaml'));
  expect((await loadConfig(join(folder, 'link.yaml'), {})).config.port).toBe(81);
});

test('problems name the path as it was given', async () => {
  expect(await refusal('bad.yaml', 'port: x')).toContain('bad.yaml:1:7: port: expected');
});

test('a missing file', async () => {
  expect(await refusal('missing.yaml')).toBe('invalid configuration: missing.yaml does not exist');
});

test('what looks like an address is the name of a file all the same', async () => {
  await expect(loadConfig('s3://bucket/a.yaml', {})).rejects.toThrow('s3://bucket/a.yaml does not exist');
  await Bun.write(join(folder, 'a b#c?%20.yaml'), 'port: 81');
  expect((await loadConfig(join(folder, 'a b#c?%20.yaml'), {})).config.port).toBe(81);
});

test('a directory', async () => {
  expect(await refusal('.')).toEndWith(' is a directory');
});

test('an empty file', async () => {
  expect(await refusal('empty.yaml', '')).toBe('invalid configuration: empty.yaml is empty');
});

test('a file of more than 1 MiB', async () => {
  const limit = 1_048_576;
  await Bun.write(join(folder, 'full.yaml'), 'port: 80\n# '.padEnd(limit, 'x'));
  expect((await loadConfig(join(folder, 'full.yaml'), {})).config.port).toBe(80);
  expect(await refusal('over.yaml', 'port: 80\n# '.padEnd(limit + 1, 'x'))).toBe(
    'invalid configuration: over.yaml is larger than 1 MiB',
  );
});

test('a file that is not UTF-8', async () => {
  expect(await refusal('latin1.yaml', Buffer.from('port: 80\nhost: sch\xf6n # hunter2\n', 'latin1'))).toBe(
    [
      'invalid configuration, 1 problem',
      '',
      'latin1.yaml:2:10: this is not UTF-8; save the file in that encoding',
      '  2 | host: ***',
      '    |       ^^^',
    ].join('\n'),
  );
  expect(await refusal('utf16.yaml', Buffer.from('\uFEFFport: 80\n', 'utf16le'))).toStartWith(
    'invalid configuration, 1 problem\n\nutf16.yaml:1:1: this is not UTF-8',
  );
});

const posix = process.platform !== 'win32';

test.if(posix)('a pipe, which would never end', async () => {
  Bun.spawnSync(['mkfifo', join(folder, 'pipe')]);
  expect(await refusal('pipe')).toBe(
    'invalid configuration: pipe is not a regular file, which a reload could read again',
  );
});

test.if(posix && process.getuid?.() !== 0)('a file without permission', async () => {
  await Bun.write(join(folder, 'locked.yaml'), 'port: 80');
  await chmod(join(folder, 'locked.yaml'), 0o000);
  expect(await refusal('locked.yaml')).toBe(
    'invalid configuration: locked.yaml cannot be read: permission denied',
  );
});
