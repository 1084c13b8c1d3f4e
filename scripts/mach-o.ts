import { createHash } from 'node:crypto';

// Names and numbers as in Apple's <mach-o/loader.h> and <kern/cs_blobs.h>.
const headerBytes = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const CSMAGIC_EMBEDDED_SIGNATURE = 0xfade0cc0;
const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
const CS_HASHTYPE_SHA256 = 2;

/** `broken`: the signature does not match the file, and the system may refuse to run it. */
export type SignatureState = 'none' | 'valid' | 'broken';

interface Command {
  readonly kind: number;
  readonly offset: number;
  readonly size: number;
}

function commandsOf(file: Buffer): Command[] {
  const commands: Command[] = [];
  let offset = headerBytes;
  for (let left = file.readUInt32LE(16); left > 0; left -= 1) {
    const size = file.readUInt32LE(offset + 4);
    commands.push({ kind: file.readUInt32LE(offset), offset, size });
    offset += size;
  }
  return commands;
}

const signatureCommand = (file: Buffer) => commandsOf(file).find(({ kind }) => kind === LC_CODE_SIGNATURE);

/** Checks the hashes in the code signature of a 64-bit Mach-O file against its pages. */
export function signatureState(file: Buffer): SignatureState {
  const command = signatureCommand(file);
  if (!command) return 'none';
  const start = file.readUInt32LE(command.offset + 8);
  const blobs = file.subarray(start, start + file.readUInt32LE(command.offset + 12));
  if (blobs.readUInt32BE(0) !== CSMAGIC_EMBEDDED_SIGNATURE) return 'broken';
  for (let index = 0; index < blobs.readUInt32BE(8); index += 1) {
    const directory = blobs.subarray(blobs.readUInt32BE(16 + 8 * index));
    if (directory.readUInt32BE(0) !== CSMAGIC_CODEDIRECTORY) continue;
    return directory.readUInt8(37) === CS_HASHTYPE_SHA256 && pagesMatch(file.subarray(0, start), directory)
      ? 'valid'
      : 'broken';
  }
  return 'broken';
}

function pagesMatch(signed: Buffer, directory: Buffer): boolean {
  const hashes = directory.readUInt32BE(16);
  const pages = directory.readUInt32BE(28);
  const hashBytes = directory.readUInt8(36);
  const pageBytes = 1 << directory.readUInt8(39);
  if (directory.readUInt32BE(32) !== signed.length || pages !== Math.ceil(signed.length / pageBytes))
    return false;
  for (let page = 0; page < pages; page += 1) {
    const bytes = signed.subarray(page * pageBytes, (page + 1) * pageBytes);
    const expected = directory.subarray(hashes + page * hashBytes, hashes + (page + 1) * hashBytes);
    if (!createHash('sha256').update(bytes).digest().equals(expected)) return false;
  }
  return true;
}

/** Returns the file without its code signature, which must be at its end. */
export function withoutSignature(file: Buffer): Buffer {
  const command = signatureCommand(file);
  if (!command) return file;
  const start = file.readUInt32LE(command.offset + 8);
  if (start + file.readUInt32LE(command.offset + 12) !== file.length) {
    throw new Error('the code signature is not at the end of the Mach-O file');
  }
  const bare = Buffer.from(file.subarray(0, start));
  for (const { kind, offset } of commandsOf(bare)) {
    const name = bare.toString('latin1', offset + 8, offset + 24).replace(/\0+$/, '');
    if (kind !== LC_SEGMENT_64 || name !== '__LINKEDIT') continue;
    bare.writeBigUInt64LE(BigInt(start) - bare.readBigUInt64LE(offset + 40), offset + 48);
  }
  const commandsEnd = headerBytes + bare.readUInt32LE(20);
  bare.copyWithin(command.offset, command.offset + command.size, commandsEnd);
  bare.fill(0, commandsEnd - command.size, commandsEnd);
  bare.writeUInt32LE(bare.readUInt32LE(16) - 1, 16);
  bare.writeUInt32LE(bare.readUInt32LE(20) - command.size, 20);
  return bare;
}
