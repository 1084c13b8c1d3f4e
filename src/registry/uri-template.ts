/** Longer URIs match no template. */
const maxUriChars = 2_048;
/** A template with more parts matches nothing. */
const maxParts = 64;

const slash = 0x2f;

/** A part of a template: a text, or what expressions expand to. */
interface TemplatePart {
  /** Begins the part. */
  readonly text: string;
  /** The characters that follow, one at least: any, or all but `/`; null: none. */
  readonly rest: 'any' | 'segment' | null;
  readonly isOptional: boolean;
}

/** What the expansion of an expression begins with, and the characters in it. RFC 6570, Appendix A. */
const operators: Readonly<Record<string, Pick<TemplatePart, 'text' | 'rest' | 'isOptional'>>> = {
  '+': { text: '', rest: 'any', isOptional: false },
  '#': { text: '#', rest: 'any', isOptional: true },
  '.': { text: '.', rest: 'segment', isOptional: true },
  '/': { text: '/', rest: 'segment', isOptional: true },
  ';': { text: ';', rest: 'segment', isOptional: true },
  '?': { text: '?', rest: 'any', isOptional: true },
  '&': { text: '&', rest: 'any', isOptional: true },
};
/** Operators whose variables all begin with the operator's text. */
const repeating = './';

/**
 * A URI template of RFC 6570, for the question whether a URI may be one of its expansions. As servers do, it takes any
 * characters but `/` for a plain variable, and any at all for one that may hold several segments.
 *
 * A match takes a time that is linear in the length of the URI, whatever the template: nothing is tried twice.
 */
export class UriTemplate {
  readonly #parts: readonly TemplatePart[] | null;

  constructor(template: string) {
    this.#parts = partsOf(template);
  }

  /** The steps that {@link matches} takes; 0 if it is clear at once that the URI is no expansion. */
  stepsFor(uri: string): number {
    const parts = this.#parts;
    if (parts === null || uri.length > maxUriChars || !mayMatch(parts, uri)) return 0;
    return parts.length * (uri.length + 1);
  }

  /** Whether the URI may be an expansion. */
  matches(uri: string): boolean {
    const parts = this.#parts;
    if (parts === null || this.stepsFor(uri) === 0) return false;
    /** Whether the parts so far can end before the character at an index. */
    let ends = new Uint8Array(uri.length + 1);
    ends[0] = 1;
    for (const part of parts) {
      ends = afterPart(part, uri, ends);
      if (!ends.includes(1)) return false;
    }
    return ends[uri.length] === 1;
  }
}

/** Compares the texts at both ends, which rules nearly all templates out. */
function mayMatch(parts: readonly TemplatePart[], uri: string): boolean {
  const first = parts[0];
  const last = parts.at(-1);
  const isText = (part: TemplatePart | undefined) => part !== undefined && !part.isOptional;
  if (isText(first) && !uri.startsWith(first!.text)) return false;
  return !isText(last) || last!.rest !== null || uri.endsWith(last!.text);
}

/** @param starts whether the part can begin before the character at an index; the same for its end is returned */
function afterPart({ text, rest, isOptional }: TemplatePart, uri: string, starts: Uint8Array<ArrayBuffer>) {
  const ends = isOptional ? starts.slice() : new Uint8Array(uri.length + 1);
  /** Where the text of the part ends, with a start before it. */
  const begun = rest === null ? ends : new Uint8Array(uri.length + 1);
  if (text === '') begun.set(starts);
  else
    for (let at = uri.indexOf(text); at >= 0; at = uri.indexOf(text, at + 1))
      if (starts[at] === 1) begun[at + text.length] = 1;
  if (rest === null) return ends;
  let isWithin = false;
  for (let i = 1; i <= uri.length; i++) {
    isWithin = (isWithin || begun[i - 1] === 1) && (rest === 'any' || uri.charCodeAt(i - 1) !== slash);
    if (isWithin) ends[i] = 1;
  }
  return ends;
}

/** The parts of a template, or null if it is malformed or has too many. */
function partsOf(template: string): TemplatePart[] | null {
  const parts: TemplatePart[] = [];
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{', at);
    const end = open < 0 ? template.length : open;
    const text = template.slice(at, end);
    if (text.includes('}')) return null;
    if (text !== '') parts.push({ text, rest: null, isOptional: false });
    if (open < 0) break;
    const close = template.indexOf('}', open);
    const expression = template.slice(open + 1, close < 0 ? open + 1 : close);
    if (expression === '' || expression.includes('{')) return null;
    parts.push(...partsOfExpression(expression));
    if (parts.length > maxParts) return null;
    at = close + 1;
  }
  return parts;
}

function partsOfExpression(expression: string): TemplatePart[] {
  const operator = expression[0] as string;
  const form = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
  const variables = (form ? expression.slice(1) : expression).split(',', maxParts + 1);
  // `{x*}` stands for several segments at many servers.
  const isExploded = variables.some((name) => name.endsWith('*'));
  if (form === undefined) return [{ text: '', rest: isExploded ? 'any' : 'segment', isOptional: false }];
  if (isExploded) return [{ ...form, rest: 'any' }];
  return repeating.includes(operator) ? variables.map(() => form) : [form];
}
