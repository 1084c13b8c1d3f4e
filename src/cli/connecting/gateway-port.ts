import { defaultPort } from '../../config/default-port.ts';
import { customaryConfigPath } from '../../config/places.ts';
import { place } from '../place.ts';
import { gatewayLocation } from '../running/gateway-location.ts';

/** The port by which entries of clients lead to the gateway of this user. It works without a configuration. */
export function gatewayPort(config: string | undefined): number {
  const path = config || place.env.MCPSTEAD_CONFIG || customaryConfigPath(place);
  return gatewayLocation(path, place).port ?? defaultPort;
}
