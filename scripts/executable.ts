import { type SignatureState, signatureState } from './mach-o.ts';

/** The platform and signature of an executable file. */
export interface Executable {
  readonly format: 'ELF' | 'Mach-O' | 'PE';
  readonly cpu: 'arm64' | 'x64';
  /** The loader of an ELF file. */
  readonly loader: string | null;
  /** For PE, only its absence is known: an existing signature is reported as `broken`. */
  readonly signature: SignatureState;
}

/** Reads the headers of a 64-bit executable for one of our platforms; throws if it is not one. */
export function readExecutable(file: Buffer): Executable {
  if (file.readUInt32BE(0) === 0x7f454c46) return readElf(file);
  if (file.readUInt32LE(0) === 0xfeedfacf) {
    const cpu = cpuOf(file.readUInt32LE(4), { 16777228: 'arm64', 16777223: 'x64' });
    return { format: 'Mach-O', cpu, loader: null, signature: signatureState(file) };
  }
  if (file.toString('latin1', 0, 2) === 'MZ') return readPe(file);
  throw new Error('neither ELF nor Mach-O nor PE');
}

function cpuOf(machine: number, known: Record<number, Executable['cpu']>): Executable['cpu'] {
  const cpu = known[machine];
  if (cpu) return cpu;
  throw new Error(`unknown CPU 0x${machine.toString(16)}`);
}

function readElf(file: Buffer): Executable {
  const headers = Number(file.readBigUInt64LE(32));
  let loader: string | null = null;
  for (let index = 0; index < file.readUInt16LE(56); index += 1) {
    const header = headers + index * file.readUInt16LE(54);
    if (file.readUInt32LE(header) !== 3) continue; // PT_INTERP
    const start = Number(file.readBigUInt64LE(header + 8));
    loader = file.toString('latin1', start, start + Number(file.readBigUInt64LE(header + 32)) - 1);
  }
  const cpu = cpuOf(file.readUInt16LE(18), { 183: 'arm64', 62: 'x64' });
  return { format: 'ELF', cpu, loader, signature: 'none' };
}

function readPe(file: Buffer): Executable {
  const start = file.readUInt32LE(0x3c);
  if (file.toString('latin1', start, start + 4) !== 'PE\0\0') throw new Error('MZ, but not PE');
  const certificateBytes = file.readUInt32LE(start + 24 + 112 + 4 * 8 + 4);
  const cpu = cpuOf(file.readUInt16LE(start + 4), { 43620: 'arm64', 34404: 'x64' });
  return { format: 'PE', cpu, loader: null, signature: certificateBytes === 0 ? 'none' : 'broken' };
}
