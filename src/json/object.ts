import {
  type Ends,
  isObjectAt,
  isStringAt,
  isTextAt,
  malformed,
  numberAt,
  skipColon,
  skipKey,
  skipSpace,
  skipValue,
  stringAt,
  TooManyError,
} from './scan.ts';

const comma = 0x2c;
const closeBrace = 0x7d;
/** The first letter of null, and of no other JSON value. */
const letterN = 0x6e;

/** As many members may an object have that is looked into: those of arguments and structured content do not count. */
export const maxMembers = 10_000;

/**
 * Goes through the members of an object, in order, one with each {@link next}. A repeated key comes as often as it stands
 * there. Throws a SyntaxError for what is no JSON, and a {@link TooManyError} beyond {@link maxMembers}.
 */
export class Members {
  readonly #text: string;
  /** Where in the text the member's key stands, with its quotes. */
  keyStart = -1;
  keyEnd = -1;
  readonly #ends: Ends | undefined;
  /** Where the member's value begins. */
  start: number;
  #end: number;
  #count = 0;

  /**
   * @param start where the object begins
   * @param ends where long values end, where that is known
   */
  constructor(text: string, start = skipSpace(text, 0), ends?: Ends) {
    this.#ends = ends;
    if (!isObjectAt(text, start)) throw malformed(text, start);
    this.#text = text;
    this.start = start;
    this.#end = start + 1;
  }

  /** Where the member's value ends; after the last one, where the object does. */
  get end(): number {
    if (this.#end < 0) this.#end = this.#ends?.get(this.start) ?? skipValue(this.#text, this.start);
    return this.#end;
  }

  /** Goes on to the next member; false: there is none, and must not be called again. */
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
      if (code !== comma) throw malformed(text, at);
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

  /** The member's value where it is an object, else its text. */
  value(): ObjectText | string {
    const object = ObjectText.of(this.#text, this.start, this.#ends);
    if (object === undefined) return this.text();
    // It need not be gone through twice.
    this.#end = object.end;
    return object;
  }
}

/** The text of a JSON object of which it is known where its members stand. */
export class ObjectText {
  readonly #text: string;
  /** Where the object stands in the text that it was found in. */
  readonly start: number;
  readonly end: number;
  readonly #ends: Ends | undefined;
  /** Of each member where its key and its value begin and end. */
  readonly #places: number[] = [];
  /** Whether a member is null. */
  readonly hasNull: boolean;

  /**
   * @param start where the object begins
   * @param ends where long values end, where that is known
   */
  constructor(text: string, start = skipSpace(text, 0), ends?: Ends) {
    this.#ends = ends;
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

  /** The object that begins at `start`, or undefined where another value does. */
  static of(text: string, start = skipSpace(text, 0), ends?: Ends): ObjectText | undefined {
    return isObjectAt(text, start) ? new ObjectText(text, start, ends) : undefined;
  }

  toString(): string {
    return this.#text.slice(this.start, this.end);
  }

  /** The text of the member `name`, or undefined. Of a repeated key the last counts, as it does for JSON.parse. */
  member(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : this.#text.slice(this.#places[at], this.#places[at + 1]);
  }

  /** The member `name` where it is a string. */
  string(name: string): string | undefined {
    const at = this.#find(name);
    return at < 0
      ? undefined
      : stringAt(this.#text, this.#places[at] as number, this.#places[at + 1] as number);
  }

  /** The member `name` where it is a number. */
  number(name: string): number | undefined {
    const at = this.#find(name);
    return at < 0
      ? undefined
      : numberAt(this.#text, this.#places[at] as number, this.#places[at + 1] as number);
  }

  /** Whether the text of the member `name` is `wanted`. */
  isText(name: string, wanted: string): boolean {
    const at = this.#find(name);
    return (
      at >= 0 && isTextAt(this.#text, this.#places[at] as number, this.#places[at + 1] as number, wanted)
    );
  }

  /** Whether the member `name` is nothing but an object, if it is there at all. */
  isObjectOrAbsent(name: string): boolean {
    const at = this.#find(name);
    return at < 0 || isObjectAt(this.#text, this.#places[at] as number);
  }

  /** The member `name` where it is an object. */
  object(name: string): ObjectText | undefined {
    const at = this.#find(name);
    return at < 0 ? undefined : ObjectText.of(this.#text, this.#places[at], this.#ends);
  }

  /**
   * The text with the member `name` set to the text `value`; all else stays as it came, to the last blank. A repeated
   * member is set where it counts, which is its last place, and left out elsewhere: a key that comes a hundred thousand
   * times must not bring as many values. One that was absent is appended.
   */
  with(name: string, value: string): string {
    const text = this.#text;
    const places = this.#places;
    const last = this.#find(name);
    if (last < 0) {
      const separator = places.length === 0 ? '' : ',';
      return `${text.slice(this.start, this.end - 1)}${separator}${JSON.stringify(name)}:${value}}`;
    }
    return this.#before(name, last) + value + text.slice(places[last + 1], this.end);
  }

  /** What {@link with} puts before and after the value of the member `name`, which is there. */
  around(name: string): [before: string, after: string] {
    const last = this.#find(name);
    return [this.#before(name, last), this.#text.slice(this.#places[last + 1], this.end)];
  }

  /** What stands before the value that begins at `last` among the places, without its earlier ones. */
  #before(name: string, last: number): string {
    const text = this.#text;
    const places = this.#places;
    let before = '';
    let at = this.start;
    for (let i = 0; i < last - 2; i += 4) {
      if (!isStringAt(text, places[i] as number, places[i + 1] as number, name)) continue;
      before += text.slice(at, places[i]);
      // There is a next one, if only the last of that name.
      at = places[i + 4] as number;
    }
    return before + text.slice(at, places[last]);
  }

  /** The text without the members of these names, wherever they stand; all else stays as it came. */
  without(...names: readonly string[]): string {
    const text = this.#text;
    const places = this.#places;
    const isOne = (i: number) =>
      names.some((name) => isStringAt(text, places[i] as number, places[i + 1] as number, name));
    if (names.every((name) => this.#find(name) < 0)) return this.toString();
    let kept = '';
    for (let i = 0; i < places.length; i += 4) {
      if (isOne(i)) continue;
      // With the comma before it, unless it is the first one now.
      const from = kept === '' ? places[i] : places[i - 1];
      kept += text.slice(from, places[i + 3]);
    }
    return text.slice(this.start, places[0]) + kept + text.slice(places[places.length - 1], this.end);
  }

  /** Where among the places the last value of that name has its two, or -1. */
  #find(name: string): number {
    const places = this.#places;
    for (let i = places.length - 4; i >= 0; i -= 4)
      if (isStringAt(this.#text, places[i] as number, places[i + 1] as number, name)) return i + 2;
    return -1;
  }
}
