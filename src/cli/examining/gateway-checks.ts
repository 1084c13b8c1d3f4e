import { accessSync, constants, existsSync } from 'node:fs';
import { hostInUrl } from '../../config/hosts.ts';
import type { Place } from '../../config/places.ts';
import { messageOf } from '../../errors.ts';
import { readGatewayFiles } from '../../state/gateway-file.ts';
import { build } from '../../version.ts';
import type { Check } from '../contracts/doctor.ts';
import type { RunningGateway } from '../running/running-gateway.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { good, note, problem } from './checks.ts';
import { isPortFree, listenerOn } from './listener.ts';

/** What is known of the gateway and its place. */
interface GatewayFacts {
  readonly host: string;
  readonly port: number;
  /** The absolute path of the configuration. */
  readonly configPath: string;
  /** Null: none runs. */
  readonly gateway: RunningGateway | null;
  readonly isServiceInstalled: boolean;
}

/** Who has the port, and whether the gateway that runs is the one of this configuration and version. */
export function gatewayChecks(facts: GatewayFacts, place: Place): Check[] {
  const { port, gateway, configPath } = facts;
  const checks = [portCheck(facts, place)];
  if (gateway === null) return checks;
  const restart = facts.isServiceInstalled ? 'mcpstead service install' : 'end it, then: mcpstead serve';
  if (gateway.version !== build.version) {
    const what = `version ${gateway.version} runs, and this is ${build.version}`;
    checks.push(problem('gateway', what, restart));
  }
  if (gateway.config !== null && gateway.config !== configPath) {
    const what = `the gateway at ${gateway.url} has another configuration: ${shownPath(gateway.config, place)}`;
    checks.push(note('gateway', what, null));
  }
  if (port !== 0 && gateway.port !== port)
    checks.push(
      note(
        'gateway',
        `the gateway runs on port ${gateway.port}, and the configuration says ${port}`,
        restart,
      ),
    );
  return checks;
}

function portCheck({ host, port, gateway, isServiceInstalled }: GatewayFacts, { platform }: Place): Check {
  if (port === 0)
    return note('port', 'it is another one at each start, which clients cannot know', 'set "port"');
  if (gateway?.port === port) return good('port', `${port} is the gateway's: ${gateway.url}`);
  if (isPortFree(host, port)) {
    if (isServiceInstalled)
      return problem(
        'port',
        `${port} is free: the service is installed, and its gateway does not run`,
        'mcpstead service status',
      );
    return note(
      'port',
      `${port} is free: no gateway runs`,
      'mcpstead service install, or for now: mcpstead serve',
    );
  }
  const who = listenerOn(port, platform) ?? 'another program';
  return problem(
    'port',
    `${who} listens on ${hostInUrl(host)}:${port}, and is no gateway of yours`,
    'end it, or set another "port" in the configuration',
  );
}

/** Whether the state directory can be written. @param directory null: there is none */
export function stateChecks(directory: string | null, place: Place): Check[] {
  if (directory === null)
    return [
      problem(
        'state',
        'there is no directory for it: commands cannot find the gateway',
        'set HOME, or "state_dir" in the configuration',
      ),
    ];
  const shown = shownPath(directory, place);
  let at = directory;
  while (!existsSync(at) && /[/\\][^/\\]+$/.test(at)) at = at.replace(/[/\\][^/\\]*$/, '');
  try {
    accessSync(at || '/', constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    const fix =
      at === directory
        ? `chmod u+rwx ${directory}`
        : `make ${at} writable, or set "state_dir" in the configuration`;
    return [problem('state', `${shown} cannot be written: ${code}`, fix)];
  }
  const others = readGatewayFiles(directory).length;
  return [good('state', `${shown} can be written${others > 1 ? `, and names ${others} gateways` : ''}`)];
}
