import type { Principal } from '../protocol/caller.ts';
import type { ReplyTarget } from './reply.ts';

/** An HTTP request to the MCP endpoint, independent of the HTTP server. */
export interface EndpointRequest extends ReplyTarget {
  readonly method: string;
  readonly principal: Principal;
  /** The part of the gateway that the path names: a server or a profile; empty for the whole. */
  readonly view: string;
  /** Reads the body, and passes it, or its failure, to the endpoint. */
  readBody(): void;
}
