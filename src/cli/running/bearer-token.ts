import { envFilePath, readEnvFile } from '../../config/env-file.ts';
import type { Place } from '../../config/places.ts';

/**
 * The token of clients of a gateway, as the gateway itself finds it: in the environment, else in `mcpstead.env` beside its
 * configuration; null: there is none. Throws `config_invalid` if that file cannot be used.
 * @param config the path of the gateway's configuration; null: it has none
 */
export function bearerTokenOf(config: string | null, { env, platform }: Place): string | null {
  const { MCPSTEAD_BEARER_TOKEN: given } = env;
  if (given) return given;
  if (config === null) return null;
  return readEnvFile(envFilePath(config), platform).get('MCPSTEAD_BEARER_TOKEN') || null;
}
