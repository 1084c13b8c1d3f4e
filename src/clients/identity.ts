import type { ServerEntry } from '../config/edit.ts';
import { isRecord, type Mapping } from '../config/values.ts';
import type { Environment } from '../runtime/environment.ts';
import { emptyDraft, type ServerDraft } from './draft.ts';
import { expandReferences } from './references.ts';

/**
 * What makes two servers the same: where requests go, with which credentials, and which tools are seen. The text holds secrets.
 * @param env the values of variables
 */
export function identityOf(draft: ServerDraft, env: Environment): string {
  const expand = (text: string) => expandReferences(text, env);
  const map = (texts: Readonly<Record<string, string>>, lower: boolean) =>
    Object.entries(texts)
      .map(([key, text]) => [lower ? key.toLowerCase() : key, expand(text)] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([
    draft.url === null ? null : urlIdentity(expand(draft.url)),
    draft.command === null ? null : expand(draft.command).replace(/\.(?:exe|cmd)$/i, ''),
    // Whether a package runner asks is no difference: it cannot.
    draft.args.map(expand).filter((arg) => arg !== '-y' && arg !== '--yes'),
    map(draft.env, false),
    map(draft.headers, true),
    draft.cwd === null ? null : expand(draft.cwd),
    draft.allow === null ? null : [...draft.allow].sort(),
    [...draft.deny].sort(),
  ]);
}

function urlIdentity(text: string): string {
  const url = URL.parse(text);
  return url === null ? text : url.href.replace(/\/$/, '');
}

/** The draft of a server in the configuration, as the file has it. */
export function draftOfEntry(entry: Mapping): ServerDraft {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const tools = isRecord(entry.tools) ? entry.tools : {};
  const bearer = isRecord(entry.auth) ? text(entry.auth.token_env) : null;
  const allow = list(tools.allow);
  return {
    ...emptyDraft,
    url: text(entry.url),
    command: text(entry.command),
    args: list(entry.args),
    env: texts(entry.env),
    headers: { ...texts(entry.headers), ...(bearer !== null && { Authorization: `Bearer \${${bearer}}` }) },
    cwd: text(entry.cwd),
    allow: allow.length === 0 || allow.includes('*') ? null : allow,
    deny: list(tools.deny),
    isEnabled: entry.enabled !== false,
  };
}

const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const texts = (value: unknown): Record<string, string> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );

/** The server as the configuration has it: only what differs from the defaults. */
export function entryOf(name: string, draft: ServerDraft): ServerEntry {
  const { url, command, args, env, cwd, allow, deny, connectSeconds, requestSeconds } = draft;
  const tools = { ...(allow !== null && { allow }), ...(deny.length > 0 && { deny }) };
  const timeouts = {
    ...(connectSeconds !== null &&
      connectSeconds !== (command === null ? 10 : 60) && { connect_seconds: connectSeconds }),
    ...(requestSeconds !== null && requestSeconds !== 300 && { request_seconds: requestSeconds }),
  };
  const { auth, headers } = credentialsOf(draft.headers);
  return {
    name,
    ...(url !== null && { url }),
    ...(command !== null && { command }),
    ...(args.length > 0 && { args }),
    ...(hasKeys(env) && { env }),
    ...(cwd !== null && { cwd }),
    ...(!draft.isEnabled && { enabled: false }),
    ...(draft.isSse && { protocol: 'sse' }),
    ...(auth !== null && { auth }),
    ...(hasKeys(headers) && { headers }),
    ...(hasKeys(timeouts) && { timeouts }),
    ...(hasKeys(tools) && { tools }),
  };
}

const hasKeys = (value: object) => Object.keys(value).length > 0;

/** A bearer token in a variable has a form of its own. */
function credentialsOf(headers: Readonly<Record<string, string>>) {
  for (const [name, value] of Object.entries(headers)) {
    const [, variable] = /^Bearer +\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/i.exec(value) ?? [];
    if (name.toLowerCase() !== 'authorization' || variable === undefined) continue;
    const { [name]: _, ...others } = headers;
    return { auth: { type: 'bearer', token_env: variable }, headers: others };
  }
  return { auth: null, headers };
}
