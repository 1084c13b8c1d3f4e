import type { Severity } from './severity.ts';
import type { Era } from './versions.ts';

/** What a client proves about itself: nothing, or that it holds the gateway's token. */
export type Principal = 'none' | 'bearer';

/** A way to a client outside of its requests: the stream of its session, or of a subscription. */
export interface Channel {
  /** Sends a notification. A client without a stream gets it when it opens one, if that is useful then. */
  notify(method: string, paramsText?: string): void;
}

/** The client behind a request. All requests of a session share one caller, as do requests with equal identities outside. */
export interface Caller {
  readonly principal: Principal;
  readonly era: Era;
  /** Null outside a session. */
  readonly sessionId: string | null;
  /** JSON objects in which the client describes itself, shortened if they are too long to keep. */
  readonly clientInfo: string;
  readonly capabilities: string;
  /** The part of the gateway that the client uses: a server or a profile; empty for the whole. */
  readonly view: string;
  /** The least severe log messages that the client wants; null: it has not said. */
  readonly logLevel: Severity | null;
  /** Null if the client has no session. */
  readonly channel: Channel | null;
}

/** The callers of legacy requests for the whole gateway outside a session. */
const sessionlessCallers: Readonly<Record<Principal, Caller>> = {
  none: newSessionless('none', ''),
  bearer: newSessionless('bearer', ''),
};

/** The callers of other views that have one. */
const viewCallers = new Map<string, Readonly<Record<Principal, Caller>>>();
/** Views are configured, so this many only come up in the course of many reloads. */
const maxViewCallers = 10_000;

/** The caller of legacy requests outside a session. @param view the name of a view, which exists */
export function sessionlessCaller(principal: Principal, view: string): Caller {
  if (view === '') return sessionlessCallers[principal];
  let callers = viewCallers.get(view);
  if (callers === undefined) {
    if (viewCallers.size >= maxViewCallers) viewCallers.clear();
    callers = { none: newSessionless('none', view), bearer: newSessionless('bearer', view) };
    viewCallers.set(view, callers);
  }
  return callers[principal];
}

function newSessionless(principal: Principal, view: string): Caller {
  return {
    principal,
    era: 'legacy',
    sessionId: null,
    clientInfo: '{}',
    capabilities: '{}',
    view,
    logLevel: null,
    channel: null,
  };
}
