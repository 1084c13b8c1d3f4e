import type { CallFailureReason } from '../errors.ts';
import { HttpFailure, toHttpFailure } from '../http-client/http-failure.ts';
import { TooManyError } from '../json/scan.ts';
import type { SessionResetReason } from '../observability/upstream-metrics.ts';
import type { ResponseMessage, RpcError } from '../protocol/messages.ts';
import { SseTooLargeError } from '../protocol/sse-codec.ts';

/** How an upstream session was lost: the `reason` of `mcpstead_upstream_session_resets_total`. */
type SessionLoss = SessionResetReason;

/**
 * The kinds of failures between the gateway and an upstream.
 *
 * - `refused`: no connection was established, so nothing was executed.
 * - `busy`: too many requests are in flight, so nothing was executed.
 * - `limited`: the upstream accepts no more requests for now (429).
 * - `exhausted`: the gateway is out of file descriptors, so nothing was executed.
 * - `unstartable`: the program of the upstream cannot be started, and hardly will be by itself, so nothing was executed.
 * - `ended`: the process of the upstream ended; the request may have been executed, or have ended it, and is not repeated.
 * - `broken`: a connection broke; whether the request was executed is unknown.
 * - `timeout`, `cancelled`: the gateway stopped waiting.
 * - `auth`: the upstream refused the credential (401, 403).
 * - `unsupported`: the endpoint does not speak this transport (400, 404, 405 and the like).
 * - `protocol`: the answer is invalid.
 * - `returned_error`: the answer is an error.
 * - `overloaded`: the gateway holds as many bytes as it may; the request may have been executed.
 * - `loop`: the upstream is this very gateway, or leads back to it.
 */
export type FailureKind =
  | 'refused'
  | 'busy'
  | 'limited'
  | 'exhausted'
  | 'unstartable'
  | 'ended'
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
  unstartable: 'upstream_disconnected',
  ended: 'upstream_disconnected',
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

/** A failure of an upstream. Its message may be shown: what it quotes is short and without secrets. */
export class UpstreamFailure extends Error {
  readonly kind: FailureKind;
  /** Set if the failure may mean that the upstream does not know the session. If so, nothing was executed. */
  readonly loss: SessionLoss | undefined;
  /** The upstream's answer to the request, if that is the failure. */
  readonly answer: ResponseMessage | undefined;
  /** The HTTP status, if that is the failure. */
  readonly status: number | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    loss?: SessionLoss,
    answer?: ResponseMessage,
    status?: number,
  ) {
    super(message);
    this.name = 'UpstreamFailure';
    this.kind = kind;
    this.loss = loss;
    this.answer = answer;
    this.status = status;
  }

  get reason(): CallFailureReason {
    return reasons[this.kind];
  }

  /** Whether the gateway itself has run out of something. */
  get isOwnLack(): boolean {
    return this.kind === 'exhausted' || this.kind === 'overloaded';
  }

  /** Whether the failure says nothing about its session. */
  get saysNothing(): boolean {
    return this.isOwnLack || ['cancelled', 'busy', 'limited'].includes(this.kind);
  }

  /** The same failure, which may mean the loss of the session. */
  withLoss(loss: SessionLoss, answer?: ResponseMessage): UpstreamFailure {
    return new UpstreamFailure(this.kind, this.message, loss, answer, this.status);
  }
}

/** The failure of a call that the upstream answered with an error, which may be the tool's or the session's. */
export function errorAnswered(answer: ResponseMessage, error: RpcError): UpstreamFailure {
  const words = `${error.message.slice(0, maxWordsChars)} (error ${error.code})`;
  return new UpstreamFailure('returned_error', words, sessionLossIn(error) ?? undefined, answer);
}

/** The failure of a call whose client cancelled it or went away. */
export function cancelled(): UpstreamFailure {
  return new UpstreamFailure('cancelled', 'the request was cancelled');
}

/**
 * The failure of an upstream that leads back to this gateway, whose tools it would list again under ever longer names.
 * @param isDirect whether the upstream is this gateway, not another one with this gateway as its upstream
 */
export function loopFailure(isDirect: boolean): UpstreamFailure {
  const found = isDirect ? 'is this very gateway' : 'is a gateway that leads back to this very one';
  return new UpstreamFailure('loop', `${found}: remove it from servers, or give the url of another server`);
}

/** Longer messages of errors are truncated. */
const maxWordsChars = 1_000;

/** The failure that was thrown; null: the error is another one, such as a signal's reason. */
export function failureIn(error: unknown): UpstreamFailure | null {
  if (error instanceof UpstreamFailure) return error;
  return error instanceof HttpFailure ? new UpstreamFailure(error.kind, error.message) : null;
}

/** The failure for whatever a request, or the reading of its answer, threw. */
export function toFailure(error: unknown): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  if (error instanceof TooManyError) return new UpstreamFailure('protocol', `answered with ${error.message}`);
  if (error instanceof SseTooLargeError) return new UpstreamFailure('protocol', error.message);
  const { kind, message } = toHttpFailure(error);
  return new UpstreamFailure(kind, message);
}

const mentionsSession =
  /session|not (?:been |yet )?initiali[sz]ed|uninitiali[sz]ed|(?:before|without|first|must|please|re-?) ?initiali[sz]/i;
const mentionsLoss =
  /not found|unknown|invalid|no valid|no such|no active|expired|timed? ?out|terminated|closed|ended|gone|lost|stale|missing|mismatch|not (?:valid|exist|recogni[sz]ed|been|yet)|no longer|required|initiali[sz]/i;
/** The SDKs' code for an unknown session, in the text of a JSON-RPC error. */
const lostCode = /"code"\s*:\s*-32001\b/;

/**
 * How the session was lost if an HTTP error status may mean that, else null. If the session fails its check, too, the request
 * was not executed. 404 and 401 may mean it by themselves (MCP 2025-11-25, Session Management), other statuses only if their
 * body says so, and the answers of a proxy for a broken server never do.
 *
 * @param isNamed whether the request named a session
 */
export function sessionLossOf(status: number, body: string, isNamed = true): SessionLoss | null {
  if (status === 502 || status === 503 || status === 504) return null;
  const isStated = mentionsSession.test(body) && mentionsLoss.test(body);
  if (!isStated && !(isNamed && (status === 404 || status === 401 || lostCode.test(body)))) return null;
  return (isStated ? endOf(body) : null) ?? (status === 410 ? 'terminated' : 'unknown_session');
}

/**
 * The same for a JSON-RPC error. Servers report a lost session with -32001, which the SDKs also use for their own timeouts, or in
 * words only.
 */
export function sessionLossIn({ code, message }: RpcError): SessionLoss | null {
  const words = message.slice(0, maxWordsChars);
  const isStated = mentionsSession.test(words) && mentionsLoss.test(words);
  if (!isStated && (code !== -32001 || /timed? ?out/i.test(words))) return null;
  return endOf(words) ?? 'unknown_session';
}

function endOf(text: string): SessionLoss | null {
  if (/expired|timed? ?out/i.test(text)) return 'expired';
  return /terminated|closed|ended|gone/i.test(text) ? 'terminated' : null;
}

/**
 * The failure that an error status means.
 * @param words the upstream's own explanation, fit to be shown; empty: none
 */
export function statusFailure(status: number, words = ''): UpstreamFailure {
  const message = `answered HTTP ${status}${words === '' ? '' : `: "${words}"`}`;
  return new UpstreamFailure(kindOf(status), message, undefined, undefined, status);
}

function kindOf(status: number): FailureKind {
  if (status === 401 || status === 403) return 'auth';
  if ([400, 404, 405, 406, 410, 415, 501].includes(status)) return 'unsupported';
  if (status === 429) return 'limited';
  return [502, 503, 504].includes(status) ? 'broken' : 'protocol';
}
