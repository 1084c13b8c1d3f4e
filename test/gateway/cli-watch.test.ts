// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram } from '../support/program.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-cli-watch-'));
  path = join(folder, 'mcpstead.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

const url = `http://127.0.0.1:${freePort()}/mcp`;
const withServers = (...names: string[]) =>
  `port: 0\nservers:\n${names.map((name) => `  - { name: ${name}, url: "${url}" }\n`).join('')}`;
const count = (text: string, part: string) => text.split(part).length - 1;

test('serve --watch reloads once for each change of the file and of mcpstead.env, and reports a fault once', async () => {
  writeFileSync(path, withServers('one'));
  await using program = startProgram(['serve', '--watch', '-c', path]);
  await program.printed('serving http');
  const seen = (part: string, times: number) =>
    waitUntil(`${times} × ${part}`, () => count(program.stderr(), part) === times, 20_000);

  writeFileSync(`${path}.new`, withServers('one', 'two'));
  renameSync(`${path}.new`, path);
  await seen('configuration reloaded', 1);
  expect(program.stderr()).toContain('"added":1');

  writeFileSync(path, 'port: [');
  await seen('configuration not reloaded', 1);
  await Bun.sleep(5_000);
  expect(count(program.stderr(), 'configuration not reloaded')).toBe(1);

  writeFileSync(
    path,
    `port: 0\nservers: [{ name: one, url: "${url}", headers: { X-Key: "\${SOME_KEY}" } }]\n`,
  );
  await seen('SOME_KEY is not set', 1);
  writeFileSync(join(folder, 'mcpstead.env'), 'SOME_KEY=first-0123456789\n', { mode: 0o600 });
  await seen('configuration reloaded', 2);
  writeFileSync(join(folder, 'mcpstead.env'), 'SOME_KEY=second-0123456789\n');
  await seen('configuration reloaded', 3);
  expect(count(program.stderr(), '"restarted":1')).toBe(2);

  rmSync(path);
  await seen('does not exist', 1);
  writeFileSync(path, withServers('three'));
  await seen('configuration reloaded', 4);
  expect(program.stderr()).not.toContain('0123456789');
  program.signal('SIGTERM');
  expect((await program.ended()).exitCode).toBe(0);
});

test('serve without --watch does not look at the file', async () => {
  writeFileSync(path, withServers('one'));
  await using program = startProgram(['serve', '-c', path]);
  await program.printed('serving http');
  writeFileSync(path, withServers('two'));
  await Bun.sleep(5_000);
  expect(program.stderr()).not.toContain('reloaded');
});
