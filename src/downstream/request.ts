import type { GatewayError } from '../errors.ts';
import type { Principal } from '../protocol/caller.ts';
import type { ReplyTarget } from './reply.ts';

/** An HTTP request to the MCP endpoint, independent of the HTTP server. */
export interface EndpointRequest extends ReplyTarget {
  readonly method: string;
  readonly principal: Principal;
  /** @param name in lower case */
  header(name: string): string | null;
  /** Reads the body, and calls one of the reader's methods when it is done. */
  readBody(reader: BodyReader): void;
}

export interface BodyReader {
  bodyRead(request: EndpointRequest, text: string): void;
  /** Returns the response to a request whose body could not be read. */
  bodyFailed(error: GatewayError): Response;
}
