import { rmSync } from 'node:fs';
import type { Place } from '../../config/places.ts';
import { messageOf } from '../../errors.ts';
import { readOwn, serviceManager } from './installed.ts';
import type { RunCommand, ServiceManager } from './manager.ts';
import { unusable } from './obstacles.ts';
import { runSteps } from './run-steps.ts';

/** What a removal did. */
interface Removal {
  readonly manager: ServiceManager;
  /** Whether there was a service. */
  readonly wasInstalled: boolean;
  /** Why the manager did not stop the service, or null. The file is removed all the same. */
  readonly failure: string | null;
}

/** Stops and removes the service. Throws a GatewayError if its file cannot be removed, or is somebody else's. */
export async function uninstall(place: Place, run: RunCommand): Promise<Removal> {
  const manager = serviceManager(place);
  if (readOwn(manager) === null) return { manager, wasInstalled: false, failure: null };
  const failure = await runSteps(manager.stop, run).then(() => null, messageOf);
  try {
    rmSync(manager.file, { force: true });
    // Made by "enable", and left behind if the manager could not be asked.
    if (manager.id === 'systemd')
      rmSync(manager.file.replace(/[^/]*$/, 'default.target.wants/$&'), { force: true });
  } catch (error) {
    throw unusable(`cannot remove ${manager.file}: ${messageOf(error)}`);
  }
  await runSteps(manager.forget, run).catch(() => {});
  return { manager, wasInstalled: true, failure };
}
