import type { CallFailureReason } from '../errors.ts';
import { HttpFailure, toHttpFailure } from '../http-client/http-failure.ts';
import { TooManyError } from '../json/scan.ts';
import type { SessionResetReason } from '../observability/upstream-metrics.ts';
import type { ResponseMessage, RpcError } from '../protocol/messages.ts';
import { SseTooLargeError } from '../protocol/sse-codec.ts';

/** How an upstream session was lost: the `reason` of `mcpstead_upstream_session_resets_total`. */
type SessionLoss = SessionResetReason;

/**
 * What went wrong between the gateway and an upstream.
 *
 * - `refused`: no connection came about, so nothing was executed.
 * - `busy`: too many requests are in flight, so nothing was executed.
 * - `limited`: the upstream takes no more requests for now (429).
 * - `exhausted`: the gateway itself is out of file descriptors, so nothing was executed.
 * - `broken`: a connection broke; whether the request was executed is not known.
 * - `timeout`, `cancelled`: the gateway gave up waiting.
 * - `auth`: the upstream refused the credential (401, 403).
 * - `unsupported`: the endpoint does not speak this transport (400, 404, 405 and the like).
 * - `protocol`: what came back is no valid answer.
 * - `returned_error`: a valid answer, but an error.
 * - `overloaded`: the gateway holds as much as it can; the request may have been executed.
 * - `loop`: the upstream is this very gateway, or leads back to it.
 */
export type FailureKind =
  | 'refused'
  | 'busy'
  | 'limited'
  | 'exhausted'
  | 'broken'
  | 'timeout'
  | 'cancelled'
  | 'auth'
  | 'unsupported'
  | 'protocol'
  | 'returned_error'
  | 'overloaded'
  | 'loop';

const reasons: Record<FailureKind, CallFailureReason> = {
  refused: 'upstream_disconnected',
  busy: 'upstream_disconnected',
  limited: 'upstream_protocol_error',
  exhausted: 'internal',
  broken: 'upstream_disconnected',
  timeout: 'upstream_timeout',
  cancelled: 'cancelled',
  auth: 'upstream_auth_failed',
  unsupported: 'upstream_protocol_error',
  protocol: 'upstream_protocol_error',
  returned_error: 'upstream_returned_error',
  overloaded: 'overloaded',
  loop: 'upstream_disconnected',
};

/** A failure of an upstream. The message may be shown: what it quotes of the upstream is short and without secrets. */
export class UpstreamFailure extends Error {
  readonly kind: FailureKind;
  /** Set where it may mean that the upstream does not know our session: if that is so, nothing was executed. */
  readonly loss: SessionLoss | undefined;
  /** The upstream's answer to the request, where the failure was made of one. */
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

  /** Whether it is for want of something that the gateway itself has run out of. */
  get isOwnLack(): boolean {
    return this.kind === 'exhausted' || this.kind === 'overloaded';
  }

  /** Whether it tells nothing of the session that it happened in. */
  get saysNothing(): boolean {
    return this.isOwnLack || ['cancelled', 'busy', 'limited'].includes(this.kind);
  }

  /** The same failure, which may mean the loss of the session. */
  withLoss(loss: SessionLoss, answer?: ResponseMessage): UpstreamFailure {
    return new UpstreamFailure(this.kind, this.message, loss, answer);
  }
}

/** An error with which an upstream answered a call, for those who have to find out whether it is the tool's own. */
export function errorAnswered(answer: ResponseMessage, error: RpcError): UpstreamFailure {
  const words = `${error.message.slice(0, maxWordsChars)} (error ${error.code})`;
  return new UpstreamFailure('returned_error', words, sessionLossIn(error) ?? undefined, answer);
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

/** As much of the message of an error as is looked at: it may be of any length. */
const maxWordsChars = 1_000;

/** The failure that was thrown, in the gateway's terms; null: the error is none, such as a signal's reason. */
export function failureIn(error: unknown): UpstreamFailure | null {
  if (error instanceof UpstreamFailure) return error;
  return error instanceof HttpFailure ? new UpstreamFailure(error.kind, error.message) : null;
}

/** What a request or the reading of its answer threw, in the gateway's terms. */
export function toFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof TooManyError) return new UpstreamFailure('protocol', `answered with ${error.message}`);
  if (error instanceof SseTooLargeError) return new UpstreamFailure('protocol', error.message);
  const { kind, message } = toHttpFailure(error);
  return new UpstreamFailure(kind, message);
}

const speaksOfSession =
  /session|not (?:been |yet )?initiali[sz]ed|uninitiali[sz]ed|(?:before|without|first|must|please|re-?) ?initiali[sz]/i;
const saysItIsGone =
  /not found|unknown|invalid|no valid|no such|no active|expired|timed? ?out|terminated|closed|ended|gone|lost|stale|missing|mismatch|not (?:valid|exist|recogni[sz]ed|been|yet)|no longer|required|initiali[sz]/i;
/** The SDKs' code for an unknown session, in the text of a JSON-RPC error. */
const lostCode = /"code"\s*:\s*-32001\b/;

/**
 * Whether an HTTP error status may mean that the upstream does not know our session (any more), and how it was lost: if
 * the session fails its check, too, the request was not executed. 404 and 401 may mean it by themselves (MCP 2025-11-25,
 * Session Management), others only when their body says so; what a proxy answers for a server that broke never does.
 *
 * @param named whether the request named a session
 */
export function sessionLossOf(status: number, body: string, named = true): SessionLoss | null {
  if (status === 502 || status === 503 || status === 504) return null;
  const says = speaksOfSession.test(body) && saysItIsGone.test(body);
  if (!says && !(named && (status === 404 || status === 401 || lostCode.test(body)))) return null;
  return (says ? endOf(body) : null) ?? (status === 410 ? 'terminated' : 'unknown_session');
}

/**
 * The same for a JSON-RPC error: servers that do not mind HTTP statuses say it with -32001, which the SDKs use for their
 * own timeouts, too, or in words alone.
 */
export function sessionLossIn({ code, message }: RpcError): SessionLoss | null {
  const words = message.slice(0, maxWordsChars);
  const says = speaksOfSession.test(words) && saysItIsGone.test(words);
  if (!says && (code !== -32001 || /timed? ?out/i.test(words))) return null;
  return endOf(words) ?? 'unknown_session';
}

function endOf(text: string): SessionLoss | null {
  if (/expired|timed? ?out/i.test(text)) return 'expired';
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
  if (status === 429) return new UpstreamFailure('limited', message);
  if ([502, 503, 504].includes(status)) return new UpstreamFailure('broken', message);
  return new UpstreamFailure('protocol', message);
}
