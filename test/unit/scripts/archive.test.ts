import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { tarGz, zip } from '../../../scripts/archive.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const timeSeconds = Date.UTC(2026, 0, 2, 12, 34, 56) / 1000;
const files = [
  { path: 'mcpstead-x/LICENSE', content: encode('free\n'), mode: 0o644 },
  { path: 'mcpstead-x/mcpstead', content: encode('#!/bin/sh\n'.repeat(100)), mode: 0o755 },
];

test('a tar archive unpacks to the same files, with their permissions and the given time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-archive-'));
  try {
    writeFileSync(join(folder, 'a.tar.gz'), tarGz(files, timeSeconds));
    const done = Bun.spawnSync(['tar', '-xzf', 'a.tar.gz'], { cwd: folder });
    expect({ exitCode: done.exitCode, stderr: done.stderr.toString() }).toEqual({ exitCode: 0, stderr: '' });
    for (const { path, content, mode } of files) {
      const status = statSync(join(folder, path));
      expect(readFileSync(join(folder, path), 'utf8')).toBe(new TextDecoder().decode(content));
      expect(status.mode & 0o100).toBe(mode & 0o100);
      expect(status.mtimeMs).toBe(timeSeconds * 1000);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a zip archive has the layout of the specification', () => {
  const bytes = Buffer.from(zip(files.slice(0, 1), timeSeconds));
  const name = Buffer.from('mcpstead-x/LICENSE').toString('hex');
  // version 2.0, no flags, deflate; 12:34:56 on 2026-01-02; CRC-32; 7 bytes deflated from 5; name of 18 bytes
  const shared = '14000000' + '0800' + '5c64225c' + 'd06225a7' + '07000000' + '05000000' + '1200' + '0000';
  const deflated = '4b2b4a4de50200';
  expect(inflateRawSync(Buffer.from(deflated, 'hex')).toString()).toBe('free\n');
  expect(bytes.toString('hex')).toBe(
    [
      ['504b0304', shared, name, deflated],
      ['504b0102', '1403', shared, '0000', '0000', '0000', '0000a481', '00000000', name],
      ['504b0506', '0000', '0000', '0100', '0100', '40000000', '37000000', '0000'],
    ]
      .flat()
      .join(''),
  );
});

test('the same files give the same bytes', () => {
  expect(Buffer.from(tarGz(files, timeSeconds)).equals(tarGz(files, timeSeconds))).toBe(true);
  expect(Buffer.from(zip(files, timeSeconds)).equals(zip(files, timeSeconds))).toBe(true);
  // The header of gzip (RFC 1952, 2.3) has room for a time, bytes 4 to 7; the system stands in byte 9.
  expect([...tarGz(files, timeSeconds).subarray(0, 8)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0]);
});
