import { readFileSync } from 'node:fs';
import type { Place } from '../../config/places.ts';
import { launchd } from './launchd.ts';
import type { ServiceManager } from './manager.ts';
import { unusable } from './obstacles.ts';
import { decodeRecord, type ServiceRecord } from './record.ts';
import { systemd } from './systemd.ts';
import { taskScheduler } from './task-scheduler.ts';

/** The manager of the user's services on this system. Throws a GatewayError if there is none, or no home for its file. */
export function serviceManager(place: Place): ServiceManager {
  switch (place.platform) {
    case 'darwin':
      return launchd(place, process.getuid?.() ?? 0);
    case 'linux':
      return systemd(place);
    case 'win32':
      return taskScheduler(place);
    default:
      throw unusable(
        `mcpstead installs services with launchd, systemd and the Task Scheduler, and this system (${place.platform}) has none ` +
          'of them: let its own init run "mcpstead serve --watch"',
      );
  }
}

/** The file of a service: as "mcpstead service install" wrote it, or by somebody else; null: there is none. */
type InstalledFile = { readonly text: string; readonly record: ServiceRecord | null } | null;

/** Reads the file of the service. Throws a GatewayError if it cannot be read. */
export function readInstalled({ file }: ServiceManager): InstalledFile {
  try {
    const text = readFileSync(file, 'utf8');
    return { text, record: decodeRecord(text) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unusable(`cannot read ${file}: ${code}`);
  }
}

/** Reads the file of our own service. Throws a GatewayError if it cannot be read, or is somebody else's. */
export function readOwn(
  manager: ServiceManager,
): { readonly text: string; readonly record: ServiceRecord } | null {
  const installed = readInstalled(manager);
  if (installed === null) return null;
  const { text, record } = installed;
  if (record !== null) return { text, record };
  throw unusable(
    `${manager.file} was not written by "mcpstead service install", and is left as it is: rename or remove it first`,
  );
}
