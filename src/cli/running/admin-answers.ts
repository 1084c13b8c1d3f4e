import type { z } from 'zod';
import { customaryConfigPath } from '../../config/places.ts';
import { GatewayError } from '../../errors.ts';
import { build } from '../../version.ts';
import { unknownServer } from '../calls/call-target.ts';
import { overviewContract } from '../contracts/status.ts';
import { place } from '../place.ts';
import { gatewayLocation } from './gateway-location.ts';
import { findRunningGateway, type RunningGateway, runningGateway } from './running-gateway.ts';

/** The running gateway of a configuration, or the only one; null: none runs. @param config null: there is no configuration */
export function gatewayOf(config: string | null): Promise<RunningGateway | null> {
  return findRunningGateway(gatewayLocation(config, place));
}

/** Like {@link gatewayOf}, but rejects with a {@link GatewayError} that says how to start one. */
export function requiredGateway(config: string | null): Promise<RunningGateway> {
  return runningGateway(gatewayLocation(config, place), noGatewayText(config));
}

/** Says that no gateway runs, and what to do. */
export function noGatewayText(config: string | null): string {
  if (config === null && customaryConfigPath(place) === null)
    return 'no gateway runs, as far as can be known without HOME\nTo name a configuration: --config FILE';
  if (config === null)
    return 'no gateway runs, and there is no configuration yet\nTo make one: mcpstead init';
  return 'no gateway runs\nTo start it now: mcpstead serve\nTo have it always: mcpstead service install';
}

/** What a gateway answers at a path below `/-/`, checked. Rejects with a {@link GatewayError} if it is of a version that answers otherwise. */
export async function answerOf<T extends z.ZodType>(
  gateway: RunningGateway,
  path: string,
  contract: T,
): Promise<z.infer<T>> {
  const parsed = contract.safeParse(await gateway.get(path));
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new GatewayError(
    'unavailable',
    `the gateway at ${gateway.url} is version ${gateway.version}, and its answer is not what version ${build.version} ` +
      `expects (${path}, ${at}): restart the gateway`,
  );
}

/** The server of the gateway with this name; undefined: all of them. Rejects with a {@link GatewayError} if none has the name. */
export async function selectedServers(
  gateway: RunningGateway,
  name: string | undefined,
): Promise<z.infer<typeof overviewContract>['servers']> {
  const { servers } = await answerOf(gateway, '/-/servers', overviewContract);
  const selected = servers.filter((server) => name === undefined || server.name === name);
  if (name === undefined || selected.length > 0) return selected;
  throw unknownServer(
    name,
    servers.map((server) => server.name),
  );
}
