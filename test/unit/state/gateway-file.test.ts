import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import {
  type GatewayFile,
  newAdminToken,
  readGatewayFiles,
  removeGatewayFile,
  writeGatewayFile,
} from '../../../src/state/gateway-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/mcpstead-gateway-file-`);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file: GatewayFile = {
  pid: 4711,
  url: 'http://127.0.0.1:8766/mcp',
  config: '/home/ada/.config/mcpstead/mcpstead.yaml',
  token: 'a-token',
  version: '1.2.3',
  started_at: '2026-11-28T21:00:00.000Z',
};

test('a gateway file is written for its owner only, and read with its port', () => {
  writeGatewayFile(directory, 8766, file);
  expect(readdirSync(`${directory}/gateways`)).toEqual(['8766.json']);
  expect(JSON.parse(readFileSync(`${directory}/gateways/8766.json`, 'utf8'))).toEqual(file);
  expect(statSync(`${directory}/gateways/8766.json`).mode & 0o777).toBe(0o600);
  expect(statSync(`${directory}/gateways`).mode & 0o777).toBe(0o700);
  expect(readGatewayFiles(directory)).toEqual([{ ...file, port: 8766 }]);
});

test('a file that others can read is replaced by one that they cannot read', () => {
  mkdirSync(`${directory}/gateways`);
  writeFileSync(`${directory}/gateways/8766.json`, '{}', { mode: 0o644 });
  writeGatewayFile(directory, 8766, file);
  expect(statSync(`${directory}/gateways/8766.json`).mode & 0o777).toBe(0o600);
});

test('several gateways are read by ascending port', () => {
  for (const port of [9000, 443, 10_000]) writeGatewayFile(directory, port, file);
  expect(readGatewayFiles(directory).map(({ port }) => port)).toEqual([443, 9000, 10_000]);
});

test('a missing directory has no gateways', () => {
  expect(readGatewayFiles(`${directory}/missing`)).toEqual([]);
});

describe('a file is left out', () => {
  const write = (name: string, text: string) => {
    mkdirSync(`${directory}/gateways`, { recursive: true });
    writeFileSync(`${directory}/gateways/${name}`, text);
  };
  const others: [string, string, string][] = [
    ['that is no JSON', '1.json', '{"pid":'],
    ['that is a list', '1.json', '[]'],
    ['that is null', '1.json', 'null'],
    ['without a token', '1.json', JSON.stringify({ ...file, token: undefined })],
    ['with an empty token', '1.json', JSON.stringify({ ...file, token: '' })],
    ['with a pid that is a text', '1.json', JSON.stringify({ ...file, pid: '4711' })],
    ['with a URL that is none', '1.json', JSON.stringify({ ...file, url: 'nowhere' })],
    ['with a name that is no port', 'x1.json', JSON.stringify(file)],
    ['that is being written', '1.json.4711', JSON.stringify(file)],
    ['that is too large', '1.json', `${JSON.stringify(file)}${' '.repeat(65_536)}`],
  ];
  test.each(others)('%s', (_, name, text) => {
    write(name, text);
    writeGatewayFile(directory, 2, file);
    expect(readGatewayFiles(directory).map(({ port }) => port)).toEqual([2]);
  });
});

describe('removing a gateway file', () => {
  test('removes the own one', () => {
    writeGatewayFile(directory, 8766, file);
    removeGatewayFile(directory, 8766, file);
    expect(readdirSync(`${directory}/gateways`)).toEqual([]);
  });

  test.each([
    ['pid', { pid: 4712 }],
    ['token', { token: 'another' }],
  ])('leaves one of another %s', (_, other) => {
    writeGatewayFile(directory, 8766, { ...file, ...other });
    removeGatewayFile(directory, 8766, file);
    expect(readdirSync(`${directory}/gateways`)).toEqual(['8766.json']);
  });

  test('does nothing without one', () => {
    removeGatewayFile(directory, 8766, file);
    expect(readdirSync(directory)).toEqual([]);
  });
});

test.skipIf(process.getuid?.() === 0)('a directory that cannot be written throws and leaves nothing', () => {
  mkdirSync(`${directory}/gateways`);
  chmodSync(`${directory}/gateways`, 0o500);
  expect(() => writeGatewayFile(directory, 8766, file)).toThrow('EACCES');
  expect(readdirSync(`${directory}/gateways`)).toEqual([]);
});

test('each admin token is new, and has 32 bytes', () => {
  const tokens = new Set(Array.from({ length: 100 }, newAdminToken));
  expect(tokens.size).toBe(100);
  for (const token of tokens) expect(Buffer.from(token, 'base64url').length).toBe(32);
});
