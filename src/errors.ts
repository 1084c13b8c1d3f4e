/**
 * Every error that mcpstead reports: its JSON-RPC code, HTTP status and exit code in one table.
 *
 * JSON-RPC codes: JSON-RPC 2.0 section 5.1; -32001 for an unknown session is the code of the MCP SDKs;
 * -32022 is MCP 2026-07-28 `UnsupportedProtocolVersion`. -32000 is the gateway's own failure.
 */
const table = {
  // Command line and configuration.
  usage: { exitCode: 2, httpStatus: 400, rpcCode: -32000 },
  config_invalid: { exitCode: 2, httpStatus: 400, rpcCode: -32000 },
  port_unavailable: { exitCode: 1, httpStatus: 500, rpcCode: -32000 },
  required_upstream_down: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  internal: { exitCode: 1, httpStatus: 500, rpcCode: -32603 },
  // HTTP.
  forbidden: { exitCode: 1, httpStatus: 403, rpcCode: -32000 },
  not_acceptable: { exitCode: 1, httpStatus: 406, rpcCode: -32000 },
  request_timeout: { exitCode: 1, httpStatus: 408, rpcCode: -32000 },
  body_too_large: { exitCode: 1, httpStatus: 413, rpcCode: -32000 },
  unsupported_media_type: { exitCode: 1, httpStatus: 415, rpcCode: -32000 },
  overloaded: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  unavailable: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  // MCP, downstream.
  parse_error: { exitCode: 1, httpStatus: 400, rpcCode: -32700 },
  invalid_request: { exitCode: 1, httpStatus: 400, rpcCode: -32600 },
  method_not_found: { exitCode: 1, httpStatus: 200, rpcCode: -32601 },
  invalid_params: { exitCode: 1, httpStatus: 200, rpcCode: -32602 },
  /** `data.uri` names the resource. MCP 2025-11-25, Resources, Error Handling. */
  resource_not_found: { exitCode: 1, httpStatus: 200, rpcCode: -32002 },
  unknown_session: { exitCode: 1, httpStatus: 404, rpcCode: -32001 },
  unsupported_protocol_version: { exitCode: 1, httpStatus: 400, rpcCode: -32022 },
  // A call that an upstream failed to answer: see CallFailureReason.
  call_failed: { exitCode: 1, httpStatus: 200, rpcCode: -32000 },
} as const;

/** The kinds of error that mcpstead itself reports. */
type ErrorKind = keyof typeof table;

/** Why a call failed: the `reason` of a -32000 error's data and of `mcpstead_tool_call_errors_total`. */
export const callFailureReasons = [
  'upstream_disconnected',
  'upstream_timeout',
  'upstream_auth_failed',
  'upstream_protocol_error',
  'upstream_returned_error',
  'cancelled',
  'overloaded',
  'internal',
] as const;
export type CallFailureReason = (typeof callFailureReasons)[number];

/** An error whose message is fit for users: readable, without secrets and upstream bodies. */
export class GatewayError extends Error {
  readonly kind: ErrorKind;
  /** The `data` member of the JSON-RPC error; absent if there is none. */
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ErrorKind, message: string, data?: Readonly<Record<string, unknown>>) {
    super(message);
    this.name = 'GatewayError';
    this.kind = kind;
    this.data = data;
  }

  get exitCode(): 1 | 2 {
    return table[this.kind].exitCode;
  }
  get httpStatus(): number {
    return table[this.kind].httpStatus;
  }
  get rpcCode(): number {
    return table[this.kind].rpcCode;
  }
}

/** The message of anything thrown. It may contain secrets: only the message of a GatewayError is fit for users. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The answer to a call that the upstream `server` failed to answer: code -32000, `data: {server, reason}`. */
export class CallFailure extends GatewayError {
  readonly reason: CallFailureReason;

  constructor(server: string, reason: CallFailureReason, message: string) {
    super('call_failed', message, { server, reason });
    this.name = 'CallFailure';
    this.reason = reason;
  }
}
