import { join } from 'node:path';
import type { RawBehavior } from './raw-server.ts';

const program = join(import.meta.dir, 'raw-server.ts');

/** The keys of a server in the configuration that starts `raw-server.ts`. */
export function rawStdio(name: string, behavior: RawBehavior = {}, more: Record<string, unknown> = {}) {
  return { name, command: process.execPath, args: [program, JSON.stringify(behavior), 'extra'], ...more };
}
