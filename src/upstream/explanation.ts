/** More is no short explanation, and what is shown of it is far less. */
const maxChars = 4_096;

/**
 * The upstream's own short explanation of why it refuses a request: from the body of an error status where that holds one
 * in a form that is in use (JSON, text, the title of a page), else from its `WWW-Authenticate`. It may hold anything yet.
 *
 * @param body as much of it as was read
 * @returns empty: there is none
 */
export function explanationIn(status: number, body: string, challenge: string | null): string {
  const words = wordsIn(body) || wordsInChallenge((challenge ?? '').slice(0, maxChars));
  // A page's title begins with what stands before it anyway.
  return words.replace(new RegExp(`^(?:HTTP )?${status}(?:\\s*[-:|]\\s*|\\s+|$)`), '').trim();
}

function wordsIn(body: string): string {
  const text = body.replace(/^\ufeff/, '').trim();
  if (text.startsWith('<')) return titleOf(text);
  const events = /^(?:data|event|id|retry)?:/.test(text);
  const json = events ? dataOf(text) : text;
  if (/^["{[]/.test(json)) {
    try {
      return wordsOf(JSON.parse(json));
    } catch {
      // What is cut off, or only looks like JSON, may be text all the same.
      if (!json.startsWith('"')) return '';
    }
  }
  if (events || !looksLikeText(text)) return '';
  // What comes after the explanation is for whoever wrote the server.
  return text.split(/\n\s*at |\r?\n\r?\n/)[0] as string;
}

/** Members that explain, the one that says most first. */
const members = [
  'error_description',
  'message',
  'detail',
  'details',
  'error',
  'errors',
  'title',
  'reason',
  'msg',
];

/** The words of a JSON value: a string, that of a member that explains, or those of the first element. */
function wordsOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object' || value === null || depth === 4) return '';
  if (Array.isArray(value)) return wordsOf(value[0], depth + 1);
  const object = value as Record<string, unknown>;
  // What is nested says more than a word beside it, as in JSON-RPC.
  const nested = object.error ?? object.Error;
  if (typeof nested === 'object') {
    const words = wordsOf(nested, depth + 1);
    if (words !== '') return words;
  }
  for (const member of members) {
    const words = wordsOf(object[member] ?? object[capitalized(member)], depth + 1);
    if (words !== '') return words;
  }
  return '';
}

/** As .NET and AWS write it. */
function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** The data of the first event of a stream. */
function dataOf(text: string): string {
  const lines = (text.split(/\r?\n\r?\n/)[0] as string).split(/\r?\n/);
  const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice('data:'.length));
  return data.join('\n').trim();
}

const references: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  '#39': "'",
};

/** Of a page nothing but its title: the rest is for browsers. */
function titleOf(page: string): string {
  const title = /<title[^>]{0,200}>([^<]{0,500})/i.exec(page)?.[1] ?? '';
  return title.replace(/&(\w+|#39);/g, (found, name) => references[name] ?? found).trim();
}

function looksLikeText(text: string): boolean {
  return text.length <= maxChars && !/[\p{Cc}\ufffd]/u.test(Bun.stripANSI(text).replace(/\s+/g, ''));
}

/** RFC 6750, 3: what a challenge says in words, or else its error. */
function wordsInChallenge(challenge: string): string {
  const parameter = (name: string) =>
    new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i').exec(challenge);
  const found = parameter('error_description') ?? parameter('error');
  return (found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2] ?? '').trim();
}
