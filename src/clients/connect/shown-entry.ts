import { isCredentialName } from '../../config/secrets.ts';
import { secretSpans } from '../secret-spans.ts';

const masked = '…';
/** Keys of entries whose values are mappings of variables or headers. */
const mappings = /^(?:env|envs|environment|headers|http_?headers|requestInit)$/i;
/** A reference to a variable is no secret. */
const reference = /^(?:Bearer )?(?:\$\{[^}]*\}|\{env:[^}]*\}|\$[A-Za-z_]\w*)$/;
/** Long words of letters and digits, which names of packages, paths and hosts are not. */
const randomWord = /(?=[\w+-]*\d)(?=[\w+-]*[A-Za-z])[\w+-]{20,}/g;

/** An entry of a client's file in one line, without its secrets. */
export function shownEntry(name: string, entry: unknown): string {
  return `${JSON.stringify(name)}: ${shown(entry, false)}`;
}

function shown(value: unknown, isSecret: boolean): string {
  if (typeof value === 'string')
    return JSON.stringify(isSecret ? maskedUnlessReference(value) : shownText(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? masked;
  if (Array.isArray(value)) {
    const items = value.map((item, index) => {
      const isLogin =
        /^--?u(?:ser)?$/.test(String(value[index - 1])) && /^[^:/]+:(?!\d+$)/.test(String(item));
      return shown(item, isSecret || isLogin || namesSecret(value[index - 1]));
    });
    return `[${items.join(', ')}]`;
  }
  const members = Object.entries(value).map(
    ([key, item]) =>
      `${JSON.stringify(key)}: ${shown(item, isSecret || mappings.test(key) || (typeof item === 'string' && holdsSecret(key)))}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** `bearer_token_env_var` of Codex holds a name only. */
const holdsSecret = (key: string): boolean => isCredentialName(key) && !key.endsWith('_env_var');

const maskedUnlessReference = (text: string): string => (reference.test(text) ? text : masked);

/** `--token`, whose value is the next argument. */
const namesSecret = (arg: unknown): boolean =>
  typeof arg === 'string' && /^--?[A-Za-z][\w-]*$/.test(arg) && isCredentialName(arg);

function shownText(text: string): string {
  const [, name = '', separator = ''] = /^(-{0,2}[A-Za-z][\w-]*)(=|:\s*)(?!\/\/)/.exec(text) ?? [];
  if (separator !== '' && isCredentialName(name)) return `${name}${separator}${masked}`;
  return withoutSpans(text)
    .replace(/\b(Bearer|Basic)\s+\S+/gi, `$1 ${masked}`)
    .replace(/(:\/\/)[^/?#@\s]*@/g, `$1${masked}@`)
    .replace(/([?&][^=&#\s]+=)[^&#\s]+/g, `$1${masked}`)
    .replace(randomWord, masked);
}

/** The text without what an import would move into `mcpstead.env`. */
function withoutSpans(text: string): string {
  let rest = text;
  for (const { start, end } of secretSpans(null, text).toReversed()) {
    rest = rest.slice(0, start) + masked + rest.slice(end);
  }
  return rest;
}
