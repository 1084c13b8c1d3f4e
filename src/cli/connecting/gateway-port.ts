import { defaultPort } from '../../config/default-port.ts';
import { customaryConfigPath } from '../../config/places.ts';
import { place } from '../place.ts';
import { gatewayLocation } from '../running/gateway-location.ts';

/** The port of this user's gateway, by which its entries in files of clients are recognized; by default the usual one. */
export function gatewayPort(config: string | undefined): number {
  const path = config || place.env.MCPSTEAD_CONFIG || customaryConfigPath(place);
  return gatewayLocation(path, place).port ?? defaultPort;
}
