/**
 * Every error that mcpstead reports, in one table: its exit code, the HTTP status of a POST that it refuses as a whole, and
 * its JSON-RPC code for clients of the legacy era. For clients of the modern era, its code and the HTTP status of an answer
 * that is no stream; by default -32603 (internal error) and the former status.
 *
 * JSON-RPC codes: JSON-RPC 2.0 section 5.1; -32001 for an unknown session is the code of the MCP SDKs; -32002 for a resource
 * is of MCP 2025-11-25; -32020 to -32022 are of MCP 2026-07-28, Error Codes. -32000 is the gateway's own failure.
 */
const table = {
  // Command line and configuration.
  usage: { exitCode: 2, httpStatus: 400, rpcCode: -32000 },
  /** A file of a client, or of the user, cannot be read, edited or written. */
  file_unusable: { exitCode: 1, httpStatus: 500, rpcCode: -32000 },
  config_invalid: { exitCode: 2, httpStatus: 400, rpcCode: -32000 },
  port_unavailable: { exitCode: 1, httpStatus: 500, rpcCode: -32000 },
  required_upstream_down: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  internal: { exitCode: 1, httpStatus: 500, rpcCode: -32603, modern: { code: -32603, status: 200 } },
  // HTTP.
  forbidden: { exitCode: 1, httpStatus: 403, rpcCode: -32000 },
  not_acceptable: { exitCode: 1, httpStatus: 406, rpcCode: -32000 },
  request_timeout: { exitCode: 1, httpStatus: 408, rpcCode: -32000 },
  body_too_large: { exitCode: 1, httpStatus: 413, rpcCode: -32000 },
  unsupported_media_type: { exitCode: 1, httpStatus: 415, rpcCode: -32000 },
  overloaded: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  unavailable: { exitCode: 1, httpStatus: 503, rpcCode: -32000 },
  // MCP, downstream.
  parse_error: { exitCode: 1, httpStatus: 400, rpcCode: -32700, modern: { code: -32700, status: 400 } },
  invalid_request: { exitCode: 1, httpStatus: 400, rpcCode: -32600, modern: { code: -32600, status: 400 } },
  method_not_found: { exitCode: 1, httpStatus: 200, rpcCode: -32601, modern: { code: -32601, status: 404 } },
  invalid_params: { exitCode: 1, httpStatus: 200, rpcCode: -32602, modern: { code: -32602, status: 200 } },
  unknown_session: { exitCode: 1, httpStatus: 404, rpcCode: -32001 },
  unsupported_protocol_version: {
    exitCode: 1,
    httpStatus: 400,
    rpcCode: -32022,
    modern: { code: -32022, status: 400 },
  },
  /** `data.uri` names the resource. MCP 2025-11-25, Resources, Error Handling. */
  resource_not_found: {
    exitCode: 1,
    httpStatus: 200,
    rpcCode: -32002,
    modern: { code: -32602, status: 200 },
  },
  /** The `_meta` of a request of the modern era is incomplete or wrong. */
  invalid_envelope: { exitCode: 1, httpStatus: 400, rpcCode: -32602, modern: { code: -32602, status: 400 } },
  header_mismatch: { exitCode: 1, httpStatus: 400, rpcCode: -32020, modern: { code: -32020, status: 400 } },
  missing_client_capability: {
    exitCode: 1,
    httpStatus: 400,
    rpcCode: -32021,
    modern: { code: -32021, status: 400 },
  },
  // A call that an upstream failed to answer: see CallFailureReason.
  call_failed: { exitCode: 1, httpStatus: 200, rpcCode: -32000 },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  readonly exitCode: 1 | 2;
  readonly httpStatus: number;
  readonly rpcCode: number;
  readonly modern?: { readonly code: number; readonly status: number };
}

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
  /** The code for clients of the legacy era. */
  get rpcCode(): number {
    return table[this.kind].rpcCode;
  }
  /** The code for clients of the modern era, and the HTTP status of the answer to a request of theirs. */
  get modern(): { readonly code: number; readonly status: number } {
    const row: ErrorRow = table[this.kind];
    return row.modern ?? { code: -32603, status: row.httpStatus };
  }
}

/** The message of anything thrown. It may contain secrets: only the message of a GatewayError is fit for users. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Says that a request was cancelled. @param cause what ended its signal; a {@link GatewayError} tells why */
export function cancelledText(cause: unknown): string {
  const text = 'the request was cancelled';
  return cause instanceof GatewayError ? `${text}: ${cause.message}` : text;
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
