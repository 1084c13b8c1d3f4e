import type { CallFailureReason } from '../errors.ts';
import type { SessionResetReason } from '../observability/upstream-metrics.ts';
import type { ResponseMessage, RpcError } from '../protocol/jsonrpc.ts';
import { SseTooLargeError } from '../protocol/sse.ts';

/** How an upstream session was lost: the `reason` of `mcpstead_upstream_session_resets_total`. */
export type SessionLoss = SessionResetReason;

/**
 * What went wrong between the gateway and an upstream.
 *
 * - `refused`: no connection came about, so nothing was executed.
 * - `busy`: too many requests are in flight, so nothing was executed.
 * - `broken`: a connection broke; whether the request was executed is not known.
 * - `timeout`, `cancelled`: the gateway gave up waiting.
 * - `auth`: the upstream refused the credential (401, 403).
 * - `session_lost`: the upstream does not know our session, so nothing was executed.
 * - `unsupported`: the endpoint does not speak this transport (400, 404, 405 and the like).
 * - `protocol`: what came back is no valid answer.
 * - `returned_error`: a valid answer, but an error, to a request of the gateway's own.
 * - `loop`: the upstream is this very gateway, or leads back to it.
 */
export type FailureKind =
  | 'refused'
  | 'busy'
  | 'broken'
  | 'timeout'
  | 'cancelled'
  | 'auth'
  | 'session_lost'
  | 'unsupported'
  | 'protocol'
  | 'returned_error'
  | 'loop';

const reasons: Record<FailureKind, CallFailureReason> = {
  refused: 'upstream_disconnected',
  busy: 'upstream_disconnected',
  broken: 'upstream_disconnected',
  timeout: 'upstream_timeout',
  cancelled: 'cancelled',
  auth: 'upstream_auth_failed',
  session_lost: 'upstream_disconnected',
  unsupported: 'upstream_protocol_error',
  protocol: 'upstream_protocol_error',
  returned_error: 'upstream_returned_error',
  loop: 'upstream_disconnected',
};

/** A failure of an upstream. The message may be shown: what it quotes of the upstream is short and without secrets. */
export class UpstreamFailure extends Error {
  readonly kind: FailureKind;
  /** Set when kind is `session_lost`. */
  readonly loss: SessionLoss | undefined;

  /** What was taken for the loss of a session, where it may as well be the upstream's answer to the request. */
  readonly answer: ResponseMessage | undefined;

  constructor(kind: FailureKind, message: string, loss?: SessionLoss, answer?: ResponseMessage) {
    super(message);
    this.name = 'UpstreamFailure';
    this.kind = kind;
    this.loss = loss;
    this.answer = answer;
  }

  get reason(): CallFailureReason {
    return reasons[this.kind];
  }
}

/** The failure of a call whose client cancelled it or went away. */
export function cancelled(): UpstreamFailure {
  return new UpstreamFailure('cancelled', 'the request was cancelled');
}

/**
 * The failure of an upstream that would list this gateway's own tools again and again, under ever longer names.
 * @param direct whether it is this gateway, and not another one that has it for an upstream
 */
export function loopFailure(direct: boolean): UpstreamFailure {
  const found = direct ? 'is this very gateway' : 'is a gateway that leads back to this very one';
  return new UpstreamFailure('loop', `${found}: remove it from servers, or give the url of another server`);
}

/** What a request or the reading of its answer threw, in the gateway's terms. */
export function toFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof SseTooLargeError) return new UpstreamFailure('protocol', error.message);
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new UpstreamFailure('broken', 'connection closed unexpectedly');
  const detail = /^[A-Za-z0-9_]{1,60}$/.test(code) ? ` (${code})` : '';
  return new UpstreamFailure('broken', `connection failed${detail}`);
}

const speaksOfSession = /session|not initiali[sz]ed/i;
const saysItIsGone =
  /not found|unknown|invalid|no valid|expired|terminated|closed|ended|gone|missing|not exist|no longer|required|not initiali[sz]ed/i;
/** The SDKs' code for an unknown session, in the text of a JSON-RPC error. */
const lostCode = /"code"\s*:\s*-32001\b/;

/**
 * Whether an HTTP answer means that the upstream does not know our session (any more), and how it was lost.
 * 404 says so by itself (MCP 2025-11-25, Session Management); other statuses only when their body does, for
 * they have meanings of their own.
 */
export function sessionLossOf(status: number, body: string): SessionLoss | null {
  const says = speaksOfSession.test(body);
  if (status !== 404) {
    if (![400, 401, 403, 410].includes(status)) return null;
    if (!lostCode.test(body) && !(says && saysItIsGone.test(body))) return null;
  }
  return (says ? endOf(body) : null) ?? (status === 410 ? 'terminated' : 'unknown_session');
}

/**
 * The same for a JSON-RPC error: servers that do not mind HTTP statuses say it with -32001. The SDKs use that code
 * for their own timeouts, too, which are a matter of one request.
 */
export function sessionLossIn({ code, message }: RpcError): SessionLoss | null {
  if (code !== -32001 || /timed? ?out/i.test(message)) return null;
  return endOf(message) ?? 'unknown_session';
}

function endOf(text: string): SessionLoss | null {
  if (/expired/i.test(text)) return 'expired';
  return /terminated|closed|ended|gone/i.test(text) ? 'terminated' : null;
}

/**
 * What an error status means where nothing else is known.
 * @param words the upstream's own explanation, as it may be shown; empty: it gave none
 */
export function statusFailure(status: number, words = ''): UpstreamFailure {
  const message = `answered HTTP ${status}${words === '' ? '' : `: "${words}"`}`;
  if (status === 401 || status === 403) return new UpstreamFailure('auth', message);
  if ([400, 404, 405, 406, 410, 415, 501].includes(status))
    return new UpstreamFailure('unsupported', message);
  if ([502, 503, 504].includes(status)) return new UpstreamFailure('broken', message);
  return new UpstreamFailure('protocol', message);
}
