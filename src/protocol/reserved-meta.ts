const prefix = 'io.modelcontextprotocol/';

/**
 * The keys of `_meta` that each hop of the modern era sets for itself and never passes on. Extensions have further keys with
 * the same prefix, which pass. MCP 2026-07-28, General Fields, `_meta`.
 */
export const reservedMeta = {
  protocolVersion: `${prefix}protocolVersion`,
  clientInfo: `${prefix}clientInfo`,
  clientCapabilities: `${prefix}clientCapabilities`,
  logLevel: `${prefix}logLevel`,
  subscriptionId: `${prefix}subscriptionId`,
  serverInfo: `${prefix}serverInfo`,
} as const;

/** All reserved keys. */
export const reservedMetaKeys: readonly string[] = Object.values(reservedMeta);
