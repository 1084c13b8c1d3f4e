import { ObjectText } from '../../json/object.ts';
import { elements } from '../../json/scan.ts';
import type { Principal } from '../../protocol/caller.ts';
import { maxSealedTextBytes } from '../../state/seal.ts';
import type { State } from '../../state/state.ts';

/** A header of twice that is refused by some proxies. */
const maxIdChars = 2_048;
const maxTextBytes = maxSealedTextBytes(maxIdChars);
/** As much of a client's name and version as is kept where all that it says of itself is too long. */
const maxNameChars = 100;
/** What is longer is not looked into. */
const maxInspectedChars = 65_536;
/** The capabilities that are kept where all are too long. */
const essentialCapabilities = ['roots', 'sampling', 'elicitation', 'tasks'];
/** After that time a session that this process does not know is not taken up again. */
const maxAgeSeconds = 30 * 24 * 3600;
const purpose = 'session';

/** What is known of a session from its opening on. */
export interface SessionFacts {
  readonly protocolVersion: string;
  /** The JSON texts of what the client said of itself, as much as goes into an id. */
  readonly clientInfo: string;
  readonly capabilities: string;
  readonly principal: Principal;
  /** The part of the gateway that it was opened in; empty: the whole. */
  readonly view: string;
  /** When it was opened, in seconds since the epoch. */
  readonly openedSeconds: number;
}

/**
 * The ids of sessions: what is known of the session, sealed, so that a restarted gateway goes on with the sessions of its
 * predecessor.
 */
export class SessionIds {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** An id for a new session; no two are the same. */
  issue(facts: SessionFacts): string {
    return this.#state.seal.seal(purpose, textOf(facts));
  }

  /** What is known of a session by its id, or null where it is none of ours, has ended for good, or is too old. */
  read(id: string): SessionFacts | null {
    if (id.length > maxIdChars) return null;
    const text = this.#state.seal.open(purpose, id);
    if (text === null || this.#state.endedSessions.has(id)) return null;
    const facts = factsIn(text);
    return facts.openedSeconds + maxAgeSeconds > Date.now() / 1000 ? facts : null;
  }

  /** Nobody shall go on with the session of that id. */
  end(id: string, openedSeconds: number): void {
    this.#state.endedSessions.add(id, Math.ceil(openedSeconds + maxAgeSeconds));
  }
}

/**
 * The same as far as it goes into an id: what a client says of itself may be too long, and is then kept in part. Nothing of
 * it refers to the text that it came in, which would otherwise stay in memory for as long as the session.
 */
export function factsThatFit(facts: SessionFacts): SessionFacts {
  const whole = fitting(facts);
  if (whole) return whole;
  const clientInfo = nameAndVersion(inspected(facts.clientInfo));
  const short = fitting({ ...facts, clientInfo });
  if (short) return short;
  const capabilities = essential(inspected(facts.capabilities));
  const kept = fitting({ ...facts, clientInfo, capabilities });
  return kept ?? (fitting({ ...facts, clientInfo, capabilities: '{}' }) as SessionFacts);
}

/** A copy, or null where it is too long. */
function fitting(facts: SessionFacts): SessionFacts | null {
  if (facts.clientInfo.length + facts.capabilities.length > maxTextBytes) return null;
  const bytes = Buffer.from(textOf(facts));
  return bytes.length <= maxTextBytes ? factsIn(bytes.toString()) : null;
}

/** The object, or an empty one where it would take long to go through it. */
function inspected(text: string): ObjectText {
  return new ObjectText(text.length > maxInspectedChars ? '{}' : text);
}

function nameAndVersion(info: ObjectText): string {
  const short = (name: string) => info.string(name)?.slice(0, maxNameChars).toWellFormed();
  return JSON.stringify({ name: short('name'), version: short('version') });
}

function essential(capabilities: ObjectText): string {
  const kept = essentialCapabilities.flatMap((name) => {
    const value = capabilities.member(name);
    return value === undefined ? [] : [`${JSON.stringify(name)}:${value}`];
  });
  return `{${kept.join(',')}}`;
}

function textOf(facts: SessionFacts): string {
  const { protocolVersion, principal, view, openedSeconds, clientInfo, capabilities } = facts;
  const own = JSON.stringify([protocolVersion, principal, view, openedSeconds]);
  return `${own.slice(0, -1)},${clientInfo},${capabilities}]`;
}

/** What {@link textOf} made a text of. */
function factsIn(text: string): SessionFacts {
  const [clientInfo, capabilities] = (elements(text) ?? []).slice(-2) as [string, string];
  const [protocolVersion, principal, view, openedSeconds] = JSON.parse(text);
  return { protocolVersion, principal, view, openedSeconds, clientInfo, capabilities };
}
