// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are for the configuration
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envFilePath, readEnvFile, withEnvValues } from '../../../src/config/env-file.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { GatewayError } from '../../../src/errors.ts';
import { serverWith } from './reading.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-env-file-'));
  path = join(folder, 'mcpstead.env');
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(text: string | Uint8Array, mode = 0o600): Record<string, string> {
  writeFileSync(path, text);
  chmodSync(path, mode);
  return Object.fromEntries(readEnvFile(path));
}

function refusal(text: string | Uint8Array, mode?: number): string {
  try {
    read(text, mode);
  } catch (error) {
    if (error instanceof GatewayError && error.kind === 'config_invalid')
      return error.message.replaceAll(path, 'FILE');
    throw error;
  }
  throw new Error('the file was accepted');
}

/** One `FILE:line:column: message` for each problem. */
const problems = (text: string) =>
  refusal(text)
    .split('\n')
    .filter((line) => line.startsWith('FILE'));

describe('a file of variables', () => {
  test('is called mcpstead.env and lies beside the configuration, whatever that is called', () => {
    expect(envFilePath('/etc/mcpstead/prod.yaml')).toBe('/etc/mcpstead/mcpstead.env');
    expect(envFilePath('mcpstead.yaml')).toBe('mcpstead.env');
    expect(envFilePath('C:\\Users\\me\\mcpstead.yaml')).toBe('C:\\Users\\me\\mcpstead.env');
  });

  test('may be missing', () => {
    expect(readEnvFile(path)).toEqual(new Map());
  });

  test.each([
    ['A=b', 'b'],
    ['  A = b  ', 'b'],
    ['\tA\t=\tb\t', 'b'],
    ['export A=b', 'b'],
    ['A=', ''],
    ['A= # none', ''],
    ['A=b # a comment', 'b'],
    ['A=b#c', 'b#c'],
    ['A=#b', ''],
    ['A=b c', 'b c'],
    ['A=b=c==', 'b=c=='],
    ['A=$HOME ${X} `x` \\n', '$HOME ${X} `x` \\n'],
    ["A='b # c'", 'b # c'],
    ["A='b' # c", 'b'],
    ["A='\\n$X'", '\\n$X'],
    ["A=''", ''],
    ['A="b \' # c" # d', "b ' # c"],
    ['A="a\\nb\\tc\\rd"', 'a\nb\tc\rd'],
    ['A="\\"\\\\\\$\\`"', '"\\$`'],
    ['A="C:\\Users"', 'C:\\Users'],
    ['A=b"c', 'b"c'],
    ['A="é 😀"', 'é 😀'],
  ])('%j gives %j', (line, value) => {
    expect(read(`${line}\n`)).toEqual({ A: value });
  });

  test('may have blank lines, comments, a byte order mark and line breaks of Windows, and no last line break', () => {
    expect(read('\uFEFFA=1\r\n\r\n  # B=2\r\n \t\r\n_c="3"\r\nD=4')).toEqual({ A: '1', _c: '3', D: '4' });
  });

  test('is refused with the line and column of each problem, and never shows a value', () => {
    const text = [
      'hunter2',
      '1A=hunter2',
      'A B=hunter2',
      '=hunter2',
      'C="hunter2',
      "D='hunter2",
      'E="hunter2"hunter2',
      'F=hunter2',
      'F=hunter2\0',
      ' F=hunter2',
    ].join('\n');
    expect(problems(text)).toEqual([
      'FILE:1:1: expected NAME=value, or a comment after "#"',
      'FILE:2:1: expected the name of a variable before "=": letters, digits and "_", no digit first',
      'FILE:3:1: expected NAME=value, or a comment after "#"',
      'FILE:4:1: expected the name of a variable before "=": letters, digits and "_", no digit first',
      'FILE:5:3: C: this quote is not closed on its line; a line break in a value is \\n in double quotes',
      'FILE:6:3: D: this quote is not closed on its line; a line break in a value is \\n in double quotes',
      'FILE:7:12: E: expected the end of the line after the closing quote; in double quotes a quote is \\"',
      'FILE:9:10: F: a value cannot contain a NUL character',
      'FILE:10:2: F is written twice',
      'FILE:8:1: first written here',
    ]);
    expect(refusal(text)).not.toContain('hunter2');
  });

  test('is refused if it is too large, no file, or not UTF-8', () => {
    expect(refusal(`A=${'b'.repeat(300_000)}`)).toBe('invalid configuration: FILE is larger than 256 KiB');
    expect(refusal(new Uint8Array([0x41, 0x3d, 0xff]))).toBe(
      'invalid configuration: FILE is not UTF-8; save the file in that encoding',
    );
    rmSync(path);
    mkdirSync(path);
    expect(() => readEnvFile(path)).toThrow('is not a regular file');
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o666])(
    'with mode %d is refused, since others can read or write it',
    (mode) => {
      const shown = mode.toString(8);
      expect(refusal('A=hunter2', mode)).toBe(
        `invalid configuration: FILE can be read or written by others (mode ${shown}); it holds secrets, so that only its owner may; run: chmod 600 FILE`,
      );
    },
  );

  test.each([0o600, 0o400, 0o700])('with mode %d is read', (mode) => {
    expect(read('A=b', mode)).toEqual({ A: 'b' });
  });

  test('is read on Windows, which has no such modes', () => {
    read('A=b');
    chmodSync(path, 0o644);
    expect(readEnvFile(path, 'win32')).toEqual(new Map([['A', 'b']]));
  });

  test('is judged by the file that a symbolic link names', () => {
    const target = join(folder, 'secrets');
    writeFileSync(target, 'A=b', { mode: 0o600 });
    symlinkSync(target, path);
    expect(readEnvFile(path)).toEqual(new Map([['A', 'b']]));
    chmodSync(target, 0o644);
    expect(() => readEnvFile(path)).toThrow('can be read or written by others');
  });
});

describe('a value that is written into the file', () => {
  const edited = (text: string, values: Record<string, string>) =>
    withEnvValues(text, new Map(Object.entries(values)));

  test.each([
    'ghp_abc123',
    '',
    'a b',
    'a # b',
    '#a',
    "it's",
    '"quoted"',
    'both \' and "',
    'line\nbreak\r\n\ttab',
    '$HOME ${X} `x`',
    '\\n \\',
    '\'\\$`"\n',
    ' padded ',
    'é😀',
  ])('is %j when it is read again', (value) => {
    expect(read(edited('', { A: value, B: 'other' }))).toEqual({ A: value, B: 'other' });
    expect(read(edited('A=old # kept\nB=other', { A: value }))).toEqual({ A: value, B: 'other' });
  });

  test('takes the place of the old one; all other characters stay', () => {
    const text = '\uFEFF# head\r\n\r\nexport A = "old" # a\r\n  B=b\r\nC=c';
    expect(edited(text, { A: 'new', C: 'd' })).toBe('\uFEFF# head\r\n\r\nexport A = new # a\r\n  B=b\r\nC=d');
    expect(edited(text, { B: 'b' })).toBe(text);
    expect(edited(text, {})).toBe(text);
  });

  test('comes last if it is new, on a line of its own that ends as the others do', () => {
    expect(edited('A=a', { B: 'b' })).toBe('A=a\nB=b\n');
    expect(edited('A=a\r\n', { B: 'b', C: "c'" })).toBe('A=a\r\nB=b\r\nC="c\'"\r\n');
  });

  test('begins a new file below a comment that says what it is', () => {
    expect(edited('', { A: 'a b' })).toBe(
      "# Values for mcpstead.yaml, which names them as ${NAME}. Only its owner may read this file.\nA='a b'\n",
    );
  });

  test('is not written into a file with problems', () => {
    expect(() => edited('A', { B: 'b' })).toThrow('mcpstead.env:1:1: expected NAME=value');
  });
});

describe('the configuration', () => {
  const yaml = () => join(folder, 'mcpstead.yaml');

  test('takes its variables, tokens and keys from the file, over which the environment prevails', async () => {
    const text = serverWith(
      "headers: { X-A: '${A}', X-B: '${B}', X-C: '${C:-c}' }",
      'auth: { type: bearer, token_env: TOKEN }',
    );
    writeFileSync(yaml(), `mcp: { auth: { mode: bearer } }\n${text}`);
    const key = 'k'.repeat(32);
    read(
      `A=from-file\nB=from-file\nC=see\nTOKEN=t0ken\nMCPSTEAD_BEARER_TOKEN=bearer\nMCPSTEAD_STATE_KEY=${key}\n`,
    );
    const env = { B: 'from-process' };
    const loaded = await loadConfig(yaml(), env);
    expect(loaded.config.servers[0]?.headers).toEqual({
      'X-A': 'from-file',
      'X-B': 'from-process',
      'X-C': 'see',
    });
    expect(loaded.upstreamTokens).toEqual(new Map([['a', 't0ken']]));
    expect(loaded.bearerToken).toBe('bearer');
    expect(loaded.stateKey).not.toBeNull();
    expect(loaded.environment).toMatchObject({ A: 'from-file', B: 'from-process' });
    expect(env).toEqual({ B: 'from-process' });
  });

  test('keeps an empty variable of the environment', async () => {
    writeFileSync(yaml(), serverWith("headers: { X-A: '${A}' }"));
    read('A=from-file');
    expect((await loadConfig(yaml(), { A: '' })).config.servers[0]?.headers).toEqual({ 'X-A': '' });
  });

  test('hides what the file names like a credential, even if nothing refers to it', async () => {
    writeFileSync(yaml(), serverWith("headers: { X-A: '${A}' }"));
    read('A=shown-to-none\nUNUSED_API_KEY=unused-0123456789\nREGION=eu-central-1\n');
    const { secrets } = await loadConfig(yaml(), {});
    expect(secrets).toEqual(['shown-to-none', 'unused-0123456789']);
  });

  test('is refused if the file is not valid', async () => {
    writeFileSync(yaml(), serverWith());
    writeFileSync(path, 'hunter2', { mode: 0o600 });
    await expect(loadConfig(yaml(), {})).rejects.toThrow(`${path}:1:1: expected NAME=value`);
  });
});
