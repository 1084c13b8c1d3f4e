import { ObjectText } from '../../json/object.ts';
import { elements } from '../../json/scan.ts';
import type { Caller } from '../../protocol/caller.ts';
import { maxSealedTextBytes } from '../../state/seal.ts';
import type { State } from '../../state/state.ts';

/** Some proxies refuse headers of twice this length. */
const maxIdChars = 2_048;
const maxTextBytes = maxSealedTextBytes(maxIdChars);
/** The client's name and version are cut to this length if its description is too long. */
const maxNameChars = 100;
/** Longer descriptions are dropped unread. */
const maxInspectedChars = 65_536;
/** The capabilities that are kept if all of them are too long. */
const essentialCapabilities = ['roots', 'sampling', 'elicitation', 'tasks'];
/** Sessions of earlier processes are resumed up to this age. */
const maxAgeSeconds = 30 * 24 * 3600;
const purpose = 'session';

/** The facts about a session, known from its start. The client's description of itself is shortened to fit into an id. */
export interface SessionFacts extends Pick<Caller, 'principal' | 'clientInfo' | 'capabilities' | 'view'> {
  readonly protocolVersion: string;
  /** The time of opening, in seconds since the epoch. */
  readonly openedSeconds: number;
}

/** Session ids. An id contains the sealed facts about its session, so that a restarted gateway can resume it. */
export class SessionIds {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** Returns a unique id for a new session. */
  issue(facts: SessionFacts): string {
    return this.#state.seal.seal(purpose, textOf(facts));
  }

  /** The facts in an id, or null if the id is not ours, or its session has ended or is too old. */
  read(id: string): SessionFacts | null {
    if (id.length > maxIdChars) return null;
    const text = this.#state.seal.open(purpose, id);
    if (text === null || this.#state.endedSessions.has(id)) return null;
    const facts = factsIn(text);
    return facts.openedSeconds + maxAgeSeconds > Date.now() / 1000 ? facts : null;
  }

  /** Prevents the session from being resumed. */
  end(id: string, openedSeconds: number): void {
    this.#state.endedSessions.add(id, Math.ceil(openedSeconds + maxAgeSeconds));
  }
}

/**
 * Shortens a client's description of itself to fit into an id. The result is a copy, because a slice would keep the whole
 * request body in memory for as long as the session.
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

/** A copy, or null if it is too long. */
function fitting(facts: SessionFacts): SessionFacts | null {
  if (facts.clientInfo.length + facts.capabilities.length > maxTextBytes) return null;
  const bytes = Buffer.from(textOf(facts));
  return bytes.length <= maxTextBytes ? factsIn(bytes.toString()) : null;
}

/** The object, or an empty one if a scan would take long. */
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

/** The inverse of {@link textOf}. */
function factsIn(text: string): SessionFacts {
  const [clientInfo, capabilities] = (elements(text) ?? []).slice(-2) as [string, string];
  const [protocolVersion, principal, view, openedSeconds] = JSON.parse(text);
  return { protocolVersion, principal, view, openedSeconds, clientInfo, capabilities };
}
