import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { readExecutable } from '../../../scripts/executable.ts';
import { signatureState, withoutSignature } from '../../../scripts/mach-o.ts';

const pageBytes = 4096;
const linkeditStart = pageBytes;
const signatureStart = pageBytes + 100;

/** A Mach-O file for x64: one segment, a command after the signature's, two pages, and a signature of them. */
function signed(): Buffer {
  const hashes = 2 * 32;
  const directoryBytes = 44 + hashes;
  const file = Buffer.alloc(signatureStart + 20 + directoryBytes);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(0x01000007, 4);
  file.writeUInt32LE(3, 16); // commands
  file.writeUInt32LE(72 + 16 + 8, 20); // their bytes
  file.writeUInt32LE(0x19, 32);
  file.writeUInt32LE(72, 36);
  file.write('__LINKEDIT', 40);
  file.writeBigUInt64LE(BigInt(linkeditStart), 72); // file offset
  file.writeBigUInt64LE(BigInt(file.length - linkeditStart), 80); // file size
  file.writeUInt32LE(0x1d, 104);
  file.writeUInt32LE(16, 108);
  file.writeUInt32LE(signatureStart, 112);
  file.writeUInt32LE(file.length - signatureStart, 116);
  file.writeUInt32LE(0x2b, 120);
  file.writeUInt32LE(8, 124);
  file.write('code', 2000);

  const blobs = file.subarray(signatureStart);
  blobs.writeUInt32BE(0xfade0cc0, 0);
  blobs.writeUInt32BE(1, 8);
  blobs.writeUInt32BE(20, 16);
  const directory = blobs.subarray(20);
  directory.writeUInt32BE(0xfade0c02, 0);
  directory.writeUInt32BE(44, 16); // where the hashes are
  directory.writeUInt32BE(2, 28); // pages
  directory.writeUInt32BE(signatureStart, 32); // what is signed
  directory.set([32, 2, 0, 12], 36); // bytes of a hash, SHA-256, platform, log2 of a page
  for (const page of [0, 1]) {
    const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, signatureStart));
    directory.set(createHash('sha256').update(bytes).digest(), 44 + page * 32);
  }
  return file;
}

describe('the code signature of a Mach-O file', () => {
  test('is valid if it matches the pages', () => {
    expect(readExecutable(signed())).toEqual({
      format: 'Mach-O',
      cpu: 'x64',
      loader: null,
      signature: 'valid',
    });
  });

  test('is broken if a byte of the pages differs', () => {
    const file = signed();
    file.write('cODE', 2000);
    expect(signatureState(file)).toBe('broken');
  });

  test('can be removed; the other commands and the code stay', () => {
    const bare = withoutSignature(signed());
    expect(signatureState(bare)).toBe('none');
    expect(bare.length).toBe(signatureStart);
    expect([bare.readUInt32LE(16), bare.readUInt32LE(20)]).toEqual([2, 72 + 8]);
    expect(bare.subarray(104, 128).toString('hex')).toBe(`2b00000008000000${'00'.repeat(16)}`);
    expect(bare.readBigUInt64LE(80)).toBe(100n);
    expect(bare.toString('latin1', 2000, 2004)).toBe('code');
    expect(withoutSignature(bare)).toBe(bare);
  });

  test('is not removed if anything follows it', () => {
    const file = Buffer.concat([signed(), Buffer.alloc(16)]);
    expect(() => withoutSignature(file)).toThrow('not at the end');
  });
});
