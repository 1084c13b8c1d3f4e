import type { ServerDraft } from './draft.ts';
import { literalOf } from './references.ts';
import { secretSpans } from './secret-spans.ts';
import { variableName } from './translator.ts';
import type { Vault } from './vault.ts';

/** `--api-key=value` and `NAME=value`: what names the rest of an argument. */
const named = /^(-{0,2}[A-Za-z_][\w-]*)=(?=.)/s;

/** The server with references in place of its secrets, which are in `vault`. @param name its name */
export function withoutSecrets(draft: ServerDraft, name: string, vault: Vault): ServerDraft {
  const moved = (label: string | null, text: string, own: readonly string[] = []) =>
    moveFrom(label, text, name, own, vault);
  const map = (texts: Readonly<Record<string, string>>, isEnvironment: boolean) =>
    Object.fromEntries(
      Object.entries(texts).map(([key, text]) => {
        const isVariable = isEnvironment && /^[A-Za-z_]\w*$/.test(key);
        return [key, moved(key, text, isVariable ? [key] : [])];
      }),
    );
  return {
    ...draft,
    command: draft.command === null ? null : moved(null, draft.command),
    args: draft.args.map((arg, index) => moveFromArgument(arg, draft.args[index - 1] ?? '', moved)),
    env: map(draft.env, true),
    url: draft.url === null ? null : moved(null, draft.url),
    headers: map(draft.headers, false),
    cwd: draft.cwd === null ? null : moved(null, draft.cwd),
  };
}

type Move = (label: string | null, text: string, own?: readonly string[]) => string;

function moveFromArgument(arg: string, before: string, move: Move): string {
  const [head = '', label] = named.exec(arg) ?? [];
  if (label !== undefined) return head + move(label.replace(/^-+/, ''), arg.slice(head.length));
  if (arg.startsWith('-')) return move(null, arg);
  const option = /^--?([A-Za-z][\w-]*)$/.exec(before)?.[1];
  // `--header "X-API-Key: value"`
  const [header = '', name] = /^([A-Za-z][\w-]*):\s*(?!\/\/)(?=\S)/.exec(arg) ?? [];
  if (name !== undefined && /^h(?:eaders?)?$/i.test(option ?? ''))
    return header + move(name, arg.slice(header.length));
  // `-u user:password`; `--user 1000:1000` and `node:node` of containers are none.
  const [user = '', own = ''] = /^([^\s:/]+):(?=[^\s:/]+$)/.exec(arg) ?? [];
  const password = arg.slice(user.length);
  if (own !== '' && /^u(?:ser)?$/i.test(option ?? '') && password !== own && !/^\d+$/.test(password))
    return user + move('password', password);
  return move(option === undefined || option.length === 1 ? null : option, arg);
}

/** @param own names to try first */
function moveFrom(
  label: string | null,
  text: string,
  server: string,
  own: readonly string[],
  vault: Vault,
): string {
  let result = text;
  for (const { start, end, word } of secretSpans(label, text).toReversed()) {
    const value = literalOf(text.slice(start, end)) ?? text.slice(start, end);
    const isWhole = start === 0 && end === text.length;
    const names = [
      ...(isWhole ? own : []),
      ...own.map((name) => `${name}_${variableName(word)}`).slice(0, isWhole ? 0 : 1),
    ];
    const variable = vault.nameFor(value, [...names, combined(server, word)]);
    result = `${result.slice(0, start)}\${${variable}}${result.slice(end)}`;
  }
  return result;
}

/** `github` and `authorization` make `GITHUB_TOKEN`, `acme` and `acme-key` make `ACME_KEY`. */
function combined(server: string, word: string): string {
  const own = variableName(server);
  const last = variableName(word)
    .replace(/^X_(?=.)/, '')
    .replace(/^AUTHORIZATION$|^AUTH$|^HEADER$/, 'TOKEN');
  return last.startsWith(`${own}_`) || last === own ? last : `${own}_${last}`;
}
