import { isCredentialName, isOrdinary } from '../config/secrets.ts';
import { literalOf } from './references.ts';

/** A part of a text that is a secret, and a word for it. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
  /** `PASSWORD`, `TOKEN`, or the name of the parameter that it is the value of. */
  readonly word: string;
}

/** Names whose values are secrets however they look. */
const surelySecret =
  /passw|passphrase|pwd|secret|token|credential|bearer|authorization|api_?-?key|access_?-?key|private_?-?key|(?:^|_|-)(?:key|pat|pin|pw)$|(?:^|_|-|pg|db)pass$/i;
/** Names of what people choose themselves, digits alone included. */
const chosen = /passw|passphrase|pwd|(?:^|_|-)(?:pin|pw)$|pass$/i;
/** Values that are none, whatever their name: `MAX_TOKENS=4096`, `AUTH=true`, a path, an address. */
const plain = /^(?:true|false|yes|no|on|off|none|null|auto|)$/i;
const shortNumber = /^\d{1,7}$/;
const path = /^(?:~?\/|\.{1,2}\/|[A-Za-z]:[\\/])/;
const scheme = /^(?:Bearer|Basic|Token|ApiKey)\s+/i;

/** Whether a value cannot be a secret, whatever its name. */
export const isPlainValue = (value: string): boolean => plain.test(value) || shortNumber.test(value);

/** Whether a text is the path of a file. */
export const isPath = (text: string): boolean => path.test(text);

/** Whether something of this name, such as a variable, may hold a secret. */
export const namesSecret = (name: string): boolean => isCredentialName(name) || surelySecret.test(name);

/** The secret that a text is because of its name. */
export function namedSecret(name: string | null, text: string): SecretSpan[] {
  if (name === null || !namesSecret(name) || literalOf(text) === null) return [];
  const value = text.replace(scheme, '');
  if (plain.test(value) || isPath(value) || /^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [];
  if (shortNumber.test(value) && !chosen.test(name)) return [];
  // `AUTH_MODE: oauth` is none, `PASSWORD: hunter` is one.
  if (!surelySecret.test(name) && (value.length < 8 || isOrdinary(value))) return [];
  return [{ start: text.length - value.length, end: text.length, word: name }];
}

const value = String.raw`(\\?["'])?(?<value>(?<=\\")(?:(?!\\").)+|(?<=(?<!\\)")(?:[^"\\]|\\.)+|(?<=')[^']+|(?<!["'])(?:(?:Bearer|Basic|Token|ApiKey)\s+)?[^\s"'\`;,&|<>(){}[\]]+)`;
const assignments = [
  // `NAME=value` in a connection string, a shell's line, `--env=NAME=value`
  String.raw`(?<![\w$%.-])-{0,2}(?<name>[A-Za-z][\w-]*)=`,
  // `"name": "value"`, also in a text within a text
  String.raw`(?<=["'])(?<name>[A-Za-z][\w.-]*)\\?["']\s*:\s*`,
  // `Name: value`, `X-Api-Key:value`, `/apikey:value`
  String.raw`(?<![\w$/@.-])-{0,2}(?<name>[A-Za-z][\w-]*):\s+(?!//)`,
  String.raw`(?<![\w$@.:-])-{0,2}(?<name>[A-Za-z][\w-]*(?:key|token|secret|password|authorization)|authorization|password|token|secret):(?!//)`,
  // `--name value` in a whole command line
  String.raw`(?<=(?:^|\s))--(?<name>[A-Za-z][\w-]*)\s+(?!-)`,
  // Ahead of it: a value may be an assignment itself, as in `--env=NAME=value`.
].map((name) => new RegExp(`${name}(?=${value})`, 'dgi'));

/** The secrets in a text that are named in the text itself. */
export function secretsNamedIn(text: string): SecretSpan[] {
  return assignments.flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap(({ groups, indices }) => {
      const { name = '', value: found = '' } = groups ?? {};
      // What a shell fills in is none.
      if (/^[$%]/.test(found)) return [];
      const [at = 0] = indices?.groups?.value ?? [];
      return namedSecret(name, found).map(({ start, end, word }) => ({
        start: at + start,
        end: at + end,
        word,
      }));
    }),
  );
}
