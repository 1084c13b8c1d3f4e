/** Longer text is not a short explanation. */
const maxChars = 4_096;

/**
 * The upstream's own short explanation of an error status: from the body, if it is JSON, text or a page with a title, or else
 * from `WWW-Authenticate`. It may contain anything, secrets included.
 *
 * @param body the beginning of the body
 * @returns empty if there is no explanation
 */
export function explanationIn(status: number, body: string, challenge: string | null): string {
  const words = wordsIn(body) || wordsInChallenge((challenge ?? '').slice(0, maxChars));
  // The status precedes the explanation in messages anyway.
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
      // Text may begin with a quote.
      if (!json.startsWith('"')) return '';
    }
  }
  if (events || !looksLikeText(text)) return '';
  // A stack trace is for the authors of the server.
  return text.split(/\n\s*at |\r?\n\r?\n/)[0] as string;
}

/** Members that explain, the most detailed first. */
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

/** The words of a JSON value: a string, or the words of a member that explains, or of the first element. */
function wordsOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value !== 'object' || value === null || depth === 4) return '';
  if (Array.isArray(value)) return wordsOf(value[0], depth + 1);
  const object = value as Record<string, unknown>;
  // As in JSON-RPC, a nested error says more than a word beside it.
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

/** .NET and AWS capitalize members. */
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

/** The title of a page. */
function titleOf(page: string): string {
  const title = /<title[^>]{0,200}>([^<]{0,500})/i.exec(page)?.[1] ?? '';
  return title.replace(/&(\w+|#39);/g, (found, name) => references[name] ?? found).trim();
}

function looksLikeText(text: string): boolean {
  return text.length <= maxChars && !/[\p{Cc}\ufffd]/u.test(Bun.stripANSI(text).replace(/\s+/g, ''));
}

/** The description in a challenge, or else its error. RFC 6750, 3. */
function wordsInChallenge(challenge: string): string {
  const parameter = (name: string) =>
    new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i').exec(challenge);
  const found = parameter('error_description') ?? parameter('error');
  return (found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2] ?? '').trim();
}
