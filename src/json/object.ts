import {
  type Ends,
  isObjectAt,
  isStringAt,
  isTextAt,
  numberAt,
  skipColon,
  skipKey,
  skipSpace,
  skipValue,
  stringAt,
  TooManyError,
} from './scan.ts';
import { unexpected } from './string.ts';

const comma = 0x2c;
const closeBrace = 0x7d;
/** The first letter of null and of no other JSON value. */
const letterN = 0x6e;

/** Keys that are their own JSON text between quotes: nearly all that this program writes. */
const plainKey = /^[\w/.-]*$/;

/** The JSON text of a key. */
function keyText(name: string): string {
  return plainKey.test(name) ? `"${name}"` : JSON.stringify(name);
}

/** The most members of an object that is parsed; arguments and structured content are not. */
export const maxMembers = 10_000;

/**
 * A cursor over the members of an object, in order; {@link next} advances it. A repeated key appears as often as it
 * occurs. Throws a SyntaxError for invalid JSON and a {@link TooManyError} beyond {@link maxMembers}.
 */
export class Members {
  readonly #text: string;
  /** The start and end of the member's key, with its quotes. */
  keyStart = -1;
  keyEnd = -1;
  readonly #ends: Ends | undefined;
  /** The start of the member's value. */
  start: number;
  #end: number;
  #count = 0;

  /**
   * @param start the index of the object
   * @param ends the known ends of long values
   */
  constructor(text: string, start = skipSpace(text, 0), ends?: Ends) {
    this.#ends = ends;
    if (!isObjectAt(text, start)) throw unexpected(text, start);
    this.#text = text;
    this.start = start;
    this.#end = start + 1;
  }

  /** The end of the member's value; after the last member, the end of the object. */
  get end(): number {
    if (this.#end < 0) this.#end = this.#ends?.get(this.start) ?? skipValue(this.#text, this.start);
    return this.#end;
  }

  /** Advances to the next member. Returns false at the end of the object; it must not be called again then. */
  next(): boolean {
    const text = this.#text;
    const isFirst = this.keyStart < 0;
    let at = skipSpace(text, this.end);
    const code = text.charCodeAt(at);
    if (code === closeBrace) {
      this.#end = at + 1;
      return false;
    }
    if (!isFirst) {
      if (code !== comma) throw unexpected(text, at);
      at = skipSpace(text, at + 1);
    }
    if (++this.#count > maxMembers) throw new TooManyError(maxMembers, 'members in an object');
    this.keyStart = at;
    this.keyEnd = skipKey(text, at);
    this.start = skipColon(text, this.keyEnd);
    this.#end = -1;
    return true;
  }

  /** Whether the member's key is `name`. */
  is(name: string): boolean {
    return isStringAt(this.#text, this.keyStart, this.keyEnd, name);
  }

  /** The member's key. */
  key(): string {
    return stringAt(this.#text, this.keyStart, this.keyEnd) as string;
  }

  /** Whether the member's value is the string `wanted`. */
  isString(wanted: string): boolean {
    return isStringAt(this.#text, this.start, this.end, wanted);
  }

  /** The text of the member's value. */
  text(): string {
    return this.#text.slice(this.start, this.end);
  }

  /** The member's value if it is an object, else its text. */
  value(): ObjectText | string {
    const object = ObjectText.of(this.#text, this.start, this.#ends);
    if (object === undefined) return this.text();
    // Saves a second scan.
    this.#end = object.end;
    return object;
  }
}

/** A member to set: its name, and the JSON of its value. */
export interface MemberEdit {
  readonly name: string;
  readonly value: string;
}

/** Where the members of an object are, relative to its text: see {@link ObjectText}. */
interface ObjectIndex {
  readonly places: number[];
  readonly hasNull: boolean;
}

/** The text of a JSON object with an index of its members. */
export class ObjectText {
  readonly #text: string;
  /** The start and end of the object in the surrounding text. */
  readonly start: number;
  readonly end: number;
  readonly #ends: Ends | undefined;
  /** For each member the start and end of its key and of its value. */
  readonly #places: number[];
  /** Whether any member is null. */
  readonly hasNull: boolean;

  /**
   * @param start the index of the object
   * @param ends the known ends of long values
   * @param index the index of an object that was scanned before
   */
  constructor(text: string, start = skipSpace(text, 0), ends?: Ends, index?: ObjectIndex) {
    this.#ends = ends;
    if (index !== undefined) {
      this.#places = index.places;
      this.hasNull = index.hasNull;
      this.#text = text;
      this.start = start;
      this.end = text.length;
      return;
    }
    this.#places = [];
    const member = new Members(text, start, ends);
    let hasNull = false;
    while (member.next()) {
      this.#places.push(member.keyStart, member.keyEnd, member.start, member.end);
      if (text.charCodeAt(member.start) === letterN) hasNull = true;
    }
    this.hasNull = hasNull;
    this.#text = text;
    this.start = start;
    this.end = member.end;
  }

  /** The object at `start`, or undefined for a value of another type. */
  static of(text: string, start = skipSpace(text, 0), ends?: Ends): ObjectText | undefined {
    return isObjectAt(text, start) ? new ObjectText(text, start, ends) : undefined;
  }

  toString(): string {
    return this.#text.slice(this.start, this.end);
  }

  /** The text of the member `name`, or undefined. The last of repeated keys wins, as with JSON.parse. */
  member(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : this.#text.slice(this.#places[at], this.#places[at + 1]);
  }

  /** The member `name` if it is a string. */
  string(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : stringAt(this.#text, this.#places[at]!, this.#places[at + 1]!);
  }

  /** The member `name` if it is a number. */
  number(name: string): number | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : numberAt(this.#text, this.#places[at]!, this.#places[at + 1]!);
  }

  /** Whether the text of the member `name` is `wanted`. */
  isText(name: string, wanted: string): boolean {
    const at = this.#find(name);
    return at >= 0 && isTextAt(this.#text, this.#places[at]!, this.#places[at + 1]!, wanted);
  }

  /** Whether the member `name` is an object or absent. */
  isObjectOrAbsent(name: string): boolean {
    const at = this.#find(name);
    return at < 0 || isObjectAt(this.#text, this.#places[at]!);
  }

  /** The length of the text of the member `name`; 0 if it is absent. */
  memberLength(name: string): number {
    const at = this.#find(name);
    return at < 0 ? 0 : this.#places[at + 1]! - this.#places[at]!;
  }

  /** The member `name` if it is an object. */
  object(name: string): ObjectText | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : ObjectText.of(this.#text, this.#places[at], this.#ends);
  }

  /**
   * The text with these members set; the rest is unchanged, including white space. An absent member is appended. The last
   * of repeated members is set and the others are removed: a key repeated a hundred thousand times must not multiply the
   * value.
   * @param edits a few, of different members
   */
  with(...edits: readonly MemberEdit[]): string {
    const text = this.#text;
    const places = this.#places;
    let after = '';
    let end = this.end - 1;
    let setBits = 0;
    // From the end, where the repetition that counts comes first.
    for (let i = places.length - 4; i >= 0; i -= 4) {
      const e = this.#editAt(i, edits);
      if (e < 0) continue;
      const isSet = (setBits & (1 << e)) !== 0;
      // An earlier repetition goes with everything up to the next member.
      after = isSet
        ? text.slice(places[i + 4], end) + after
        : edits[e]!.value + text.slice(places[i + 3], end) + after;
      end = (isSet ? places[i] : places[i + 2])!;
      setBits |= 1 << e;
    }
    let edited = text.slice(this.start, end) + after;
    let separator = places.length === 0 ? '' : ',';
    for (let e = 0; e < edits.length; e++) {
      if ((setBits & (1 << e)) !== 0) continue;
      const { name, value } = edits[e]!;
      edited += `${separator}${keyText(name)}:${value}`;
      separator = ',';
    }
    return `${edited}}`;
  }

  /**
   * The object with the member `name` set, or without it if `value` is null. Unlike an object made of the text of
   * {@link with}, it is not scanned again.
   */
  edited(name: string, value: string | null): ObjectText {
    const places = this.#places;
    const at = this.#find(name);
    if (at < 0 && value === null) return this;
    let first = 0;
    while (first < at - 2 && !isStringAt(this.#text, places[first]!, places[first + 1]!, name)) first += 4;
    // Absent, or repeated.
    if (first !== at - 2)
      return new ObjectText(value === null ? this.without(name) : this.with({ name, value }));
    return value === null ? this.#cut(at - 2) : this.#spliced(places[at]!, places[at + 1]!, value);
  }

  /** The object without the only member of its name, whose places begin at `i`. */
  #cut(i: number): ObjectText {
    const places = this.#places;
    if (i > 0 && i === places.length - 4) return this.#withoutLast();
    // With its preceding comma, or as the first member with the comma that follows.
    const from = i === 0 ? places[0]! : places[i - 1]!;
    const to = i === 0 && places.length > 4 ? places[4]! : places[i + 3]!;
    return this.#spliced(from, to, '', i);
  }

  /** The object without its last member and the comma before it, so that all others stay where they are in the text. */
  #withoutLast(): ObjectText {
    const places = this.#places.slice(0, -4);
    const text = this.#text.slice(0, places.at(-1)) + this.#text.slice(this.#places.at(-1), this.end);
    return new ObjectText(text, this.start, this.#ends, { places, hasNull: this.hasNull });
  }

  /**
   * The object with `value` in place of the text from `from` to `to`.
   * @param cut where the places of a member begin that this removes; by default those before all, so none
   */
  #spliced(from: number, to: number, value: string, cut = -4): ObjectText {
    const { start } = this;
    const text = this.#text.slice(start, from) + value + this.#text.slice(to, this.end);
    const shift = from + value.length - to;
    const place = (index: number) => index - start + (index >= to ? shift : 0);
    const places = this.#places;
    const moved: number[] = [];
    for (let i = 0; i < places.length; i++) if (i < cut || i >= cut + 4) moved.push(place(places[i]!));
    let ends: Map<number, number> | undefined;
    this.#ends?.forEach((end, at) => {
      if (at > from && at < to) return;
      ends ??= new Map();
      ends.set(place(at), place(end));
    });
    return new ObjectText(text, 0, ends, { places: moved, hasNull: this.hasNull });
  }

  /** The index of the edit of the member whose places begin at `i`, or -1. */
  #editAt(i: number, edits: readonly MemberEdit[]): number {
    const places = this.#places;
    for (let e = 0; e < edits.length; e++)
      if (isStringAt(this.#text, places[i]!, places[i + 1]!, edits[e]!.name)) return e;
    return -1;
  }

  /** The text that {@link with} puts before and after the value of the existing member `name`. */
  around(name: string): [before: string, after: string] {
    const text = this.#text;
    const places = this.#places;
    const last = this.#find(name);
    let before = '';
    let at = this.start;
    for (let i = 0; i < last - 2; i += 4) {
      if (!isStringAt(text, places[i]!, places[i + 1]!, name)) continue;
      before += text.slice(at, places[i]);
      // A member follows: at least the last one of this name.
      at = places[i + 4]!;
    }
    return [before + text.slice(at, places[last]), text.slice(places[last + 1], this.end)];
  }

  /** The text without the members of these names; the rest is unchanged. */
  without(...names: readonly string[]): string {
    const text = this.#text;
    const places = this.#places;
    const isRemoved = (i: number) => names.some((name) => isStringAt(text, places[i]!, places[i + 1]!, name));
    if (names.every((name) => this.#find(name) < 0)) return this.toString();
    let kept = '';
    for (let i = 0; i < places.length; i += 4) {
      if (isRemoved(i)) continue;
      // With its preceding comma, unless it is now the first member.
      const from = kept === '' ? places[i] : places[i - 1];
      kept += text.slice(from, places[i + 3]);
    }
    return text.slice(this.start, places[0]) + kept + text.slice(places[places.length - 1], this.end);
  }

  /** Whether a member has one of these names. */
  hasAny(names: readonly string[]): boolean {
    for (let i = 0; i < this.#places.length; i += 4) if (this.#isNamed(i, names)) return true;
    return false;
  }

  /** The number of members, repetitions included. */
  get size(): number {
    return this.#places.length / 4;
  }

  /**
   * The start and end, in turn and in the surrounding text, of what must be cut out to remove the members of these names, each
   * with a comma.
   */
  spans(names: readonly string[]): number[] {
    const places = this.#places;
    const spans: number[] = [];
    let end = places.length;
    while (end > 0 && this.#isNamed(end - 4, names)) end -= 4;
    for (let i = 0; i < end; i += 4) if (this.#isNamed(i, names)) spans.push(places[i]!, places[i + 4]!);
    // The last ones go with the comma before them.
    if (end < places.length) spans.push(end === 0 ? places[0]! : places[end - 1]!, places.at(-1)!);
    return spans;
  }

  /** Whether the member whose places begin at `i` has one of these names. */
  #isNamed(i: number, names: readonly string[]): boolean {
    for (const name of names)
      if (isStringAt(this.#text, this.#places[i]!, this.#places[i + 1]!, name)) return true;
    return false;
  }

  /** The text without these {@link spans}. */
  cut(spans: readonly number[]): string {
    let text = '';
    let at = this.start;
    for (let i = 0; i < spans.length; i += 2) {
      text += this.#text.slice(at, spans[i]);
      at = spans[i + 1]!;
    }
    return text + this.#text.slice(at, this.end);
  }

  /** The index in the places of the last value of this name, or -1. */
  #find(name: string): number {
    const places = this.#places;
    for (let i = places.length - 4; i >= 0; i -= 4)
      if (isStringAt(this.#text, places[i]!, places[i + 1]!, name)) return i + 2;
    return -1;
  }
}
