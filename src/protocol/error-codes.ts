/**
 * The codes of errors by which the gateway knows what others mean. Those of its own errors are in errors.ts. JSON-RPC 2.0, section
 * 5.1; MCP 2026-07-28, Base Protocol, Error Codes.
 */
export const errorCodes = {
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** Of the legacy era; the modern one has `invalidParams` in its place. MCP 2025-11-25, Resources, Error Handling. */
  resourceNotFound: -32002,
  /** The headers of a request do not fit its body, or lack what its tool annotates. */
  headerMismatch: -32020,
  missingClientCapability: -32021,
  /** The server does not speak the revision of the request. */
  unsupportedVersion: -32022,
} as const;
