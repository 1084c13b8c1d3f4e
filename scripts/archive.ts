import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import type { PackageFile } from './package-files.ts';
import type { Target } from './targets.ts';

/** A regular file in an archive. */
export interface ArchiveFile {
  /** Its path in the archive, at most 100 bytes of ASCII. */
  readonly path: string;
  readonly content: Uint8Array;
  /** Permission bits, such as 0o755. */
  readonly mode: number;
}

/** The archive of a release for `target`: one folder with `program` and `files`, dated `timeSeconds` since 1970. */
export function releaseArchive(
  target: Target,
  program: Uint8Array,
  files: readonly PackageFile[],
  timeSeconds: number,
): Buffer<ArrayBuffer> {
  const folder = `mcpstead-${target.name}`;
  const packed = [
    ...files.map(({ path, text }) => ({
      path: `${folder}/${path}`,
      content: Buffer.from(text),
      mode: 0o644,
    })),
    { path: `${folder}/${target.executable}`, content: program, mode: 0o755 },
  ];
  return (target.archive.endsWith('.zip') ? zip : tarGz)(packed, timeSeconds);
}

/**
 * A gzipped tar archive (POSIX.1-1988 ustar) of `files`. It is reproducible: no owner, and `timeSeconds` (since 1970) as the
 * only time. The options of the system's `tar` for that differ between systems.
 */
export function tarGz(files: readonly ArchiveFile[], timeSeconds: number): Buffer<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const { path, content, mode } of files) {
    const padding = (512 - (content.length % 512)) % 512;
    parts.push(tarHeader(path, content.length, mode, timeSeconds), content, new Uint8Array(padding));
  }
  parts.push(new Uint8Array(1024));
  return gzipSync(Buffer.concat(parts), { level: 9 });
}

function tarHeader(path: string, size: number, mode: number, timeSeconds: number): Uint8Array {
  const header = Buffer.alloc(512);
  const octal = (value: number, offset: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'ascii');
  header.write(path, 0, 100, 'ascii');
  octal(mode, 100, 8);
  octal(0, 108, 8); // owner
  octal(0, 116, 8); // group
  octal(size, 124, 12);
  octal(timeSeconds, 136, 12);
  header.write('        0', 148, 'ascii'); // the checksum, blank while it is computed; type: file
  header.write('ustar\x0000', 257, 'ascii');
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return header;
}

/**
 * A deflated zip archive of `files` (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16), as reproducible as `tarGz`.
 * Times are UTC, since zip has no time zone. Sizes stay below 4 GiB.
 */
export function zip(files: readonly ArchiveFile[], timeSeconds: number): Buffer<ArrayBuffer> {
  const locals: Uint8Array[] = [];
  const entries: Uint8Array[] = [];
  let offset = 0;
  for (const { path, content, mode } of files) {
    const name = Buffer.from(path, 'ascii');
    const deflated = deflateRawSync(content, { level: 9 });
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0); // version needed: 2.0, for deflate
    shared.writeUInt16LE(8, 4); // deflate
    shared.writeUInt32LE(dosTime(timeSeconds), 6);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(deflated.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(name.length, 22);

    const attributes = Buffer.alloc(14);
    attributes.writeUInt32LE(((0o100000 | mode) << 16) >>> 0, 6);
    attributes.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([20, 3]); // 2.0, with the attributes of Unix
    entries.push(Buffer.concat([signature(0x02014b50), madeBy, shared, attributes, name]));
    const local = Buffer.concat([signature(0x04034b50), shared, name, deflated]);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, directory, signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Packs date and time into 32 bits in the MS-DOS format, which starts in 1980. */
function dosTime(timeSeconds: number): number {
  const time = new Date(Math.max(timeSeconds, Date.UTC(1980) / 1000) * 1000);
  const date = ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate();
  const clock = (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1);
  return ((date << 16) | clock) >>> 0;
}
