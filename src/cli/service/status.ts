import { existsSync } from 'node:fs';
import type { Place } from '../../config/places.ts';
import { isAlive } from '../../process/is-alive.ts';
import { customaryDirectory } from '../../state/directory.ts';
import { readGatewayFiles } from '../../state/gateway-file.ts';
import { readInstalled, serviceManager } from './installed.ts';
import type { RunCommand } from './manager.ts';

/** The state of the service: the contract of `mcpstead service status --json`, to which fields are only ever added. */
export interface ServiceStatus {
  readonly manager: 'launchd' | 'systemd' | 'task-scheduler';
  readonly installed: boolean;
  /** Whether it starts when the user logs on. */
  readonly enabled: boolean;
  /** Null if the manager does not say. */
  readonly running: boolean | null;
  readonly pid: number | null;
  /** Of the last process that ended. */
  readonly last_exit_code: number | null;
  /** The file that describes the service, whether or not it exists. */
  readonly file: string;
  /** The command that starts it, without its own arguments; null: not installed. */
  readonly program: readonly string[] | null;
  /** Whether the program is still there. */
  readonly program_exists: boolean | null;
  readonly config: string | null;
  readonly path: string | null;
  /** The endpoint, while a gateway of its configuration runs. */
  readonly url: string | null;
  /** The file of the log, or the command that shows it. */
  readonly log: { readonly file: string } | { readonly command: string };
}

/** Reads and asks for the state of the service. Throws a GatewayError if there can be none here. */
export async function serviceStatus(place: Place, run: RunCommand): Promise<ServiceStatus> {
  const manager = serviceManager(place);
  const record = readInstalled(manager)?.record ?? null;
  const shared = { manager: manager.id, file: manager.file, log: manager.log };
  if (record === null) {
    return {
      ...shared,
      ...{ installed: false, enabled: false, running: false, pid: null, last_exit_code: null },
      ...{ program: null, program_exists: null, config: null, path: null, url: null },
    };
  }
  const state = await manager.stateOf(run);
  const gateway = gatewayOf(record.config, place);
  return {
    ...shared,
    installed: true,
    enabled: state.isEnabled,
    running: state.isRunning ?? gateway !== null,
    pid: state.pid ?? gateway?.pid ?? null,
    last_exit_code: state.lastExitCode,
    program: record.program,
    program_exists: record.program.every((path) => existsSync(path)),
    config: record.config,
    path: record.path,
    url: gateway?.url ?? null,
  };
}

/** The gateway of this user that serves the configuration at `config`, or null. */
function gatewayOf(config: string, place: Place): { readonly pid: number; readonly url: string } | null {
  const directory = customaryDirectory(place.env, place.platform);
  const all = directory === null ? [] : readGatewayFiles(directory);
  return all.find((gateway) => gateway.config === config && isAlive(gateway.pid)) ?? null;
}
