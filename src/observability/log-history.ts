import { jsonText, type LogLine } from './log-lines.ts';

/** The lines that are kept of the gateway itself, and of each server. */
const maxLines = 1_000;
const maxCharsEach = 262_144;
/** All of them together. */
const maxCharsInAll = 8 * 1024 * 1024;
/** The fields of longer lines are left out. */
const maxLineChars = 16_384;
/** What a short line takes besides its text. */
const charsPerLine = 64;

interface KeptLine {
  readonly serial: number;
  readonly text: string;
}

/** Called with the JSON text of each line, and the server that it is about; null: the gateway itself. */
type LineListener = (text: string, server: string | null) => void;

/**
 * The last lines of the log, as JSON texts `{at, level, message, …fields}`: 1,000 about each server, and as many about the gateway
 * itself, so that a server that logs much takes no room of others.
 */
export class LogHistory {
  readonly #own = new Ring();
  readonly #servers = new Map<string, Ring>();
  readonly #listeners = new Set<LineListener>();
  readonly #maxChars: number;
  #chars = 0;
  #serial = 0;

  constructor(maxChars = maxCharsInAll) {
    this.#maxChars = maxChars;
  }

  /** Sets the names of the servers. The lines of others go; new lines about others count as the gateway's own. */
  setServers(names: readonly string[]): void {
    const present = new Set(names);
    for (const [name, ring] of this.#servers) {
      if (present.has(name)) continue;
      this.#chars -= ring.chars;
      this.#servers.delete(name);
    }
    for (const name of names) if (!this.#servers.has(name)) this.#servers.set(name, new Ring());
  }

  /** Adds a line of the log, which has no secrets any more. */
  add(line: LogLine): void {
    const { server: field } = line.fields;
    const named = typeof field === 'string' ? this.#servers.get(field) : undefined;
    const server = named === undefined ? null : (field as string);
    const text = shortText(line);
    const ring = named ?? this.#own;
    this.#chars += ring.push({ serial: this.#serial++, text });
    while (this.#chars > this.#maxChars) this.#chars -= this.#longest().shift();
    for (const listener of this.#listeners) listener(text, server);
  }

  /** The last lines about a server, or with null all lines, the oldest first. */
  last(count: number, server: string | null): string[] {
    const rings = server === null ? [this.#own, ...this.#servers.values()] : [this.#servers.get(server)];
    const lines = rings.flatMap((ring) => ring?.lines ?? []);
    if (server === null) lines.sort((a, b) => a.serial - b.serial);
    return lines.slice(Math.max(0, lines.length - count)).map(({ text }) => text);
  }

  /** Calls `listener` for each line from now on. Returns a function that ends that. */
  follow(listener: LineListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #longest(): Ring {
    let longest = this.#own;
    for (const ring of this.#servers.values()) if (ring.chars > longest.chars) longest = ring;
    return longest;
  }
}

class Ring {
  readonly lines: KeptLine[] = [];
  chars = 0;

  /** Returns by how much the ring has grown, in characters. */
  push(line: KeptLine): number {
    const before = this.chars;
    this.lines.push(line);
    this.chars += line.text.length + charsPerLine;
    while (this.lines.length > maxLines || this.chars > maxCharsEach) this.shift();
    return this.chars - before;
  }

  /** Drops the oldest line. Returns the characters that this frees. */
  shift(): number {
    const line = this.lines.shift();
    const chars = line === undefined ? 0 : line.text.length + charsPerLine;
    this.chars -= chars;
    return chars;
  }
}

function shortText({ message, level, time: at, fields }: LogLine): string {
  const text = jsonText({ at, level, message, ...fields });
  if (text.length <= maxLineChars) return text;
  const { server } = fields;
  return jsonText({
    at,
    level,
    message: message.slice(0, maxLineChars / 4),
    ...(typeof server === 'string' && { server }),
    shortened: true,
  });
}
