import type { Config } from './schema.ts';

/** A configuration that was read, checked and completed: what the gateway runs with. */
export interface LoadedConfig {
  /** Where it was read from, for messages. */
  readonly path: string;
  /** Validated, with defaults applied and `${NAME}` expanded. */
  readonly config: Config;
  /** The value of `MCPSTEAD_BEARER_TOKEN` when `mcp.auth.mode` is `bearer`, else null. */
  readonly bearerToken: string | null;
  /** Server name to the value of its `auth.token_env`. */
  readonly upstreamTokens: ReadonlyMap<string, string>;
  /** Every value that must never be shown. */
  readonly secrets: readonly string[];
}
