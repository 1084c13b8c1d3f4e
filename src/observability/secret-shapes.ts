// How secrets look that nothing beside them names. A pattern matches a whole secret anywhere in a text.

const edge = '(?<![A-Za-z0-9_-])';

/** Keys and tokens by what their issuers begin them with. */
const issued = [
  // GitHub, GitLab, npm, PyPI, Docker, Hugging Face, Replicate
  'gh[pousr]_[A-Za-z0-9]{20,}',
  'github_pat_[A-Za-z0-9_]{20,}',
  'gl(?:pat|dt|ptt|rt|cbt|ft|soat)-[A-Za-z0-9_.-]{18,}',
  'npm_[A-Za-z0-9]{20,}',
  'pypi-[A-Za-z0-9_-]{20,}',
  'dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}',
  '(?:hf|r8|gsk|nvapi|tvly|pplx|xai|fc|ctx7sk|e2b|sbp|ntn|dapi|shp(?:at|ca|pa|ss)|PMAK|lin_(?:api|oauth)|figd?|figo|re|pat|atp|glsa|dop_v1|ops)[_-][A-Za-z0-9_-]{16,}',
  // Slack, OpenAI, Anthropic, Stripe, Notion
  'xox[a-z](?:\\.xox[a-z])?-[A-Za-z0-9-]{10,}',
  'xapp-[A-Za-z0-9-]{10,}',
  'sk-[A-Za-z0-9_-]{16,}',
  '(?:sk|rk|pk|whsec)_(?:live_|test_|prod_)?[A-Za-z0-9]{16,}',
  'secret_[A-Za-z0-9]{20,}',
  // AWS, Google, Brave, SendGrid, Mailgun, Atlassian, Twilio
  '(?:AKIA|ASIA)[A-Z0-9]{16}',
  'AIza[A-Za-z0-9_-]{30,}',
  'ya29\\.[A-Za-z0-9_-]{20,}',
  'GOCSPX-[A-Za-z0-9_-]{20,}',
  'BSA[A-Za-z0-9_-]{20,}',
  'SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}',
  'key-[0-9a-f]{32}',
  'ATATT[A-Za-z0-9_=-]{20,}',
  '(?:AC|SK)[0-9a-f]{32}',
  // RFC 7519, and what begins like one
  'eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]{4,}){1,4}\\.?',
];
const issuedToken = new RegExp(`${edge}(?:${issued.join('|')})`, 'g');

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
/** RFC 9110, 11.1: credentials after their scheme. */
const credentials = /(?<=\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{6,}/gi;

/** The spans of the secrets in `text` that are known by their form alone. */
export function secretShapesIn(text: string): { readonly start: number; readonly end: number }[] {
  return [issuedToken, privateKey, credentials].flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 0: found }) => ({ start: index, end: index + found.length })),
  );
}

/** Whether a word is so irregular that chance has made it: such a word is a key, as a rule. */
export function isRandomWord(word: string): boolean {
  if (/^[0-9a-f]{32,}$/i.test(word)) return true;
  if (!/^[A-Za-z0-9_+/-]{20,}={0,2}$/.test(word) || !/\d/.test(word)) return false;
  // Words of several parts: `mcp-server-2025-preview`
  const parts = word.split(/[_/=-]/).filter((part) => part !== '');
  if (parts.every((part) => /^(?:[A-Z]?[a-z]{1,14}|[A-Z]{1,14}|\d{1,8}|v\d+|[a-z]{2,10}\d{1,3})$/.test(part)))
    return false;
  return entropyOf(word) > 3.4;
}

/** Bits for each character (Shannon). */
function entropyOf(word: string): number {
  const counts = new Map<string, number>();
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length);
  return bits;
}

/** RFC 9562. */
export const isUuid = (text: string) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
