/** What a client proves about itself: nothing, or that it holds the gateway's token. */
export type Principal = 'none' | 'bearer';

/** The client behind a request. All requests of a session share one caller, as do all of a principal outside sessions. */
export interface Caller {
  readonly principal: Principal;
  /** Null outside a session. */
  readonly sessionId: string | null;
  /** JSON objects in which the client describes itself, shortened if they are too long to keep. */
  readonly clientInfo: string;
  readonly capabilities: string;
  /** The part of the gateway that the client uses; empty for the whole. */
  readonly view: string;
}

/** The callers of requests outside a session. */
export const sessionlessCallers: Readonly<Record<Principal, Caller>> = {
  none: { principal: 'none', sessionId: null, clientInfo: '{}', capabilities: '{}', view: '' },
  bearer: { principal: 'bearer', sessionId: null, clientInfo: '{}', capabilities: '{}', view: '' },
};
