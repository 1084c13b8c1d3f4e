import { readFileSync, statSync } from 'node:fs';
import { defaultPort } from '../../config/default-port.ts';
import { readYaml } from '../../config/document.ts';
import type { Place } from '../../config/places.ts';
import { Source } from '../../config/source.ts';
import { isRecord } from '../../config/values.ts';
import { customaryDirectory } from '../../state/directory.ts';

/** Where the file of a running gateway is. */
export interface GatewayLocation {
  /** The state directory; null: there is none, so no gateway can be found. */
  readonly directory: string | null;
  /** The port of the configuration; null: it takes any, or is not known. */
  readonly port: number | null;
}

const maxFileBytes = 1_048_576;

/**
 * Where the gateway of a configuration announces itself. Only the two keys that matter are read, because a command may not have
 * the variables that the gateway has.
 * @param configPath null: there is no configuration; a file that cannot be read counts as none
 */
export function gatewayLocation(configPath: string | null, { env, platform }: Place): GatewayLocation {
  const customary = customaryDirectory(env, platform);
  const value = configPath === null ? null : readValue(configPath);
  if (value === null) return { directory: customary, port: null };
  const { state_dir: directory, port = defaultPort } = value;
  return {
    directory: typeof directory === 'string' && directory !== '' ? directory : customary,
    port: typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536 ? port : null,
  };
}

function readValue(path: string): Readonly<Record<string, unknown>> | null {
  try {
    const status = statSync(path);
    if (!status.isFile() || status.size > maxFileBytes) return null;
    const { value } = readYaml(new Source(path, readFileSync(path, 'utf8').replace(/^\uFEFF/, '')));
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
