import type { GatewayError } from '../errors.ts';
import type { Principal } from '../protocol/caller.ts';
import type { ReplyTarget } from './reply.ts';

/** An HTTP request to the MCP endpoint, independent of the HTTP server. */
export interface EndpointRequest extends ReplyTarget {
  readonly method: string;
  readonly principal: Principal;
  /** The body; empty until it is read. */
  readonly text: string;
  /** @param name in lower case */
  header(name: string): string | null;
  /** Reads the body, and calls one of the reader's methods when it is done. */
  readBody(reader: BodyReader): void;
}

export interface BodyReader {
  bodyRead(request: EndpointRequest): void;
  /** @param headers for the response */
  bodyFailed(request: EndpointRequest, error: GatewayError, headers: Record<string, string>): void;
}
