import { CallFailure, GatewayError } from '../../errors.ts';
import { Members, type ObjectText } from '../../json/object.ts';
import type { Exchange } from '../../protocol/exchange.ts';
import type { Seal } from '../../state/seal.ts';

const purpose = 'request-state';
/** How long a state is good for. */
const ttlSeconds = 600;
/** The longest state of an upstream, in bytes of its JSON string. */
const maxUpstreamBytes = 16 * 1024;
/** Longer texts are not states of ours: 16 KiB and the facts, in base64url. */
const maxSealedChars = 32 * 1024;
/** The first fact in a state; states of another format are not read. */
const format = 1;
/** The members of the params that may differ between a request and its retry, or that only the retry has. */
const variableMembers = ['_meta', 'inputResponses', 'requestState'];

/** How a retry goes on. */
type Continuation =
  /** A call waits for the answers under this id, in this process. */
  | { readonly kind: 'parked'; readonly id: string }
  /** The request goes to its upstream, with the upstream's own state, as JSON; null: it sent none. */
  | { readonly kind: 'upstream'; readonly state: string | null }
  /** The request is sent anew, because the upstream has refused it until the client has visited a URL. */
  | { readonly kind: 'anew' };

/** What the gateway keeps in a `requestState`. */
export interface RequestState {
  /** How often the client has been asked, this time included. */
  readonly round: number;
  /** The server that the request is for, or `unknown`. */
  readonly server: string;
  readonly next: Continuation;
}

/**
 * Seals what the gateway must know of a request when its client retries it. A state is bound to the principal, the view, the
 * method and the params, and expires. It outlives the process, but not the key. MCP 2026-07-28, Multi Round-Trip Requests.
 */
export class RequestStates {
  readonly #seal: Seal;
  readonly #nowMs: () => number;

  /** @param nowMs the time since the epoch */
  constructor(seal: Seal, nowMs: () => number = Date.now) {
    this.#seal = seal;
    this.#nowMs = nowMs;
  }

  /** The text of a state. Throws a {@link GatewayError} if the upstream's own is too long. */
  issue({ caller, method, params }: Exchange, { round, server, next }: RequestState): string {
    const detail = next.kind === 'parked' ? next.id : next.kind === 'upstream' ? next.state : null;
    const tooLong = detail !== null && Buffer.byteLength(detail) - 2 > maxUpstreamBytes;
    if (next.kind === 'upstream' && tooLong) throw stateTooLong(server, detail);
    const expirySeconds = Math.ceil(this.#nowMs() / 1000) + ttlSeconds;
    const binding = [caller.principal, caller.view, method, paramsDigest(params)];
    const facts = JSON.stringify([format, ...binding, expirySeconds, round, server, next.kind]);
    // The upstream's state stays as it came: decoding it may change it.
    return this.#seal.seal(purpose, `${facts}\n${detail ?? ''}`);
  }

  /** Reads the state of a retry. Throws `invalid_params`, which tells nothing to those that it is not for. */
  open({ caller, method, params }: Exchange, sealed: string): RequestState {
    const text = sealed.length > maxSealedChars ? null : this.#seal.open(purpose, sealed);
    const end = text?.indexOf('\n') ?? -1;
    const facts: unknown[] = text === null ? [] : JSON.parse(text.slice(0, end));
    const [found, principal, view, stateMethod, digest, expirySeconds, round, server, kind] = facts;
    if (text === null || found !== format || principal !== caller.principal)
      throw stateError('is not one that this gateway gave to this client; send it exactly as received');
    if (view !== caller.view || stateMethod !== method || digest !== paramsDigest(params))
      throw stateError('belongs to another request; a retry repeats the method and params of its request');
    if ((expirySeconds as number) * 1000 <= this.#nowMs())
      throw stateError(`has expired after ${ttlSeconds} s; make the request anew, without it`);
    const next = continuationOf(String(kind), text.slice(end + 1));
    return { round: Number(round), server: String(server), next };
  }
}

function continuationOf(kind: string, detail: string): Continuation {
  if (kind === 'parked') return { kind, id: detail };
  return kind === 'upstream' ? { kind, state: detail === '' ? null : detail } : { kind: 'anew' };
}

/** The error for a retry that cannot go on. @param problem what is wrong with its `requestState` */
export function stateError(problem: string): GatewayError {
  return new GatewayError('invalid_params', `Invalid params: the requestState ${problem}`);
}

function stateTooLong(server: string, state: string): GatewayError {
  const found = `sent a requestState of ${Buffer.byteLength(state) - 2} bytes`;
  const message = `upstream "${server}": ${found}; at most ${maxUpstreamBytes} are passed on`;
  return new CallFailure(server, 'upstream_protocol_error', message);
}

/**
 * The digest of what a retry must repeat: the texts of all members of the params but the variable ones, whatever their order.
 * SHA-256, in base64url.
 */
function paramsDigest(params: ObjectText | undefined): string {
  const members: string[] = [];
  if (params !== undefined) {
    const member = new Members(params.toString());
    while (member.next()) {
      const key = member.key();
      if (!variableMembers.includes(key)) members.push(`${JSON.stringify(key)}:${member.text()}`);
    }
  }
  return digestOf(members.toSorted().join('\n'));
}

/** SHA-256, in base64url. */
export function digestOf(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('base64url');
}
