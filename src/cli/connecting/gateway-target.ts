import type { GatewayTarget } from '../../clients/gateway-entry.ts';
import { hostInUrl, reachableHost } from '../../config/hosts.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { customaryConfigPath, type Place } from '../../config/places.ts';
import { didYouMean } from '../../config/suggest.ts';
import { GatewayError } from '../../errors.ts';
import { absolutePath } from '../absolute-path.ts';
import { ownProgram } from '../own-program.ts';
import { clientProgram } from './client-program.ts';

/**
 * The gateway of a configuration as clients of this machine reach it. Throws `usage` if it has no fixed port, or no such view.
 * @param view the server or profile that clients are to see; null: all
 */
export function gatewayTarget(
  { path, config, disabled }: LoadedConfig,
  view: string | null,
  place: Place,
): GatewayTarget {
  if (config.port === 0) {
    throw new GatewayError(
      'usage',
      `${path} has port 0, which is another one at each start: set a port that clients can rely on`,
    );
  }
  const names = [...config.servers, ...config.profiles].map(({ name }) => name);
  if (view !== null && !names.includes(view)) {
    const found = disabled.some(({ name }) => name === view)
      ? 'is disabled'
      : 'is none of its servers and profiles';
    throw new GatewayError('usage', `${path}: "${view}" ${found}${didYouMean(view, names)}`);
  }
  const [command = '', ...args] = bridgeOf(path, place);
  return {
    url: `http://${hostInUrl(reachableHost(config.host))}:${config.port}/mcp`,
    needsToken: config.mcp.auth.mode === 'bearer',
    command,
    args,
    view,
  };
}

/** The words that start a bridge to the gateway of a configuration. Clients have neither the directory nor the variables of a shell. */
export function bridgeOf(path: string, place: Place): readonly string[] {
  const { command, args } = clientProgram(ownProgram(), place);
  const file = absolutePath(path);
  const isCustomary = file === customaryConfigPath(place);
  return [command, ...args, 'stdio', ...(isCustomary ? [] : ['--config', file])];
}
