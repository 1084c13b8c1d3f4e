import type { Place } from '../config/places.ts';
import { headerNameProblem } from '../config/rules.ts';
import { isRecord, type Mapping } from '../config/values.ts';
import { bridgeTarget, withoutShell } from './bridges.ts';
import type { ClientServer } from './client-server.ts';
import { textsOf } from './collect.ts';
import { emptyDraft, type ServerDraft } from './draft.ts';
import { envFileOf } from './env-file-of.ts';
import { isKnownKey } from './known-keys.ts';
import { literal, literalOf } from './references.ts';
import { Translator } from './translator.ts';

/** Why a server cannot be taken, as the end of a sentence that begins with its name. */
interface Unsupported {
  readonly unsupported: string;
}

/** The server in the terms of the configuration, or why it cannot be taken. */
export function draftOf(server: ClientServer, place: Place): ServerDraft | Unsupported {
  const { row } = server;
  // Goose, versions before 2025.
  const raw =
    isMapping(server.raw.config) && row.id === 'goose' ? { ...server.raw, ...server.raw.config } : server.raw;
  const type = String(raw.type ?? raw.transport ?? raw.transportType ?? raw.protocol ?? '').toLowerCase();
  const obstacle = obstacleOf(raw, type);
  if (obstacle !== null) return { unsupported: obstacle };
  const translator = new Translator(server, place);
  const isRemote =
    urlOf(raw) !== null && (commandOf(raw) === null || /^(?:sse|http|streamable|remote)/.test(type));
  const target = isRemote
    ? remoteOf(raw, type, server, translator)
    : programOf(raw, server, translator, place);
  if ('unsupported' in target) return target;
  if (translator.obstacle !== null) return { unsupported: translator.obstacle };
  const ignored = Object.keys(raw).filter((key) => !isKnownKey(key));
  const notes = [
    ...(target.notes ?? []),
    ...(ignored.length > 0 ? [`ignored: ${ignored.map(shownKey).join(', ')}`] : []),
  ];
  return {
    ...emptyDraft,
    ...target,
    ...filtersOf(raw, target.deny ?? []),
    ...timesOf(raw, server),
    isEnabled: isEnabled(raw, server),
    needsLogin: target.needsLogin || wantsLogin(raw),
    notes,
    wanted: [...translator.wanted.values()],
  };
}

const isMapping = (value: unknown): value is Mapping => isRecord(value) && !Array.isArray(value);
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
/** A key may be a value that stands in the wrong place. */
const shownKey = (key: string) => (/^[A-Za-z_$][\w-]{0,30}$/.test(key) ? key : '…');

function obstacleOf(raw: Mapping, type: string): string | null {
  const url = urlOf(raw);
  if (raw.headersHelper !== undefined) return 'its headers come from a program (headersHelper)';
  const texts = JSON.stringify(raw);
  if (/\$\{cmd:|"\$: /.test(texts)) return 'a value comes from a command (cmd:)';
  if (/\{\{[^{}]+\}\}/.test(texts)) return 'it is a template ({{…}})';
  if (
    /^(?:builtin|platform|frontend|inline_python)$/.test(type) ||
    (raw.bundled === true && url === null && commandOf(raw) === null)
  )
    return `it is built into its client (type ${type || 'builtin'})`;
  if (/^(?:ws|wss|websocket)/.test(type) || /^wss?:/i.test(url ?? ''))
    return 'MCP has no WebSocket transport';
  if (/^(?:unix|pipe|npipe):/i.test(url ?? ''))
    return `its URL begins with ${/^\w+:/.exec(url ?? '')}//, and servers are reached over HTTP`;
  if (url !== null || commandOf(raw) !== null) return null;
  if (raw.settings !== undefined || raw.source === 'extension')
    return 'it comes from an extension of its client';
  return 'it has neither a command nor a URL';
}

const urlOf = (raw: Mapping) =>
  textOf(raw.httpUrl) ?? textOf(raw.serverUrl) ?? textOf(raw.url) ?? textOf(raw.uri);

/** The command with its first arguments: a text, a list, or a mapping, as clients write it. */
function commandOf(raw: Mapping): { command: string; args: string[] } | null {
  const { command = raw.cmd } = raw;
  const own = Array.isArray(raw.args) ? raw.args.filter(isScalar).map(String) : [];
  if (Array.isArray(command)) {
    const [first, ...others] = command.filter(isScalar).map(String);
    return first === undefined ? null : { command: first, args: [...others, ...own] };
  }
  // Zed, versions before 2025.
  if (isMapping(command))
    return textOf(command.path) === null ? null : commandOf({ ...command, command: command.path });
  return textOf(command) === null ? null : { command: String(command), args: own };
}

const isScalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);

/**
 * A mapping of texts; numbers and truth values count as text, `NAME=value` lists as mappings.
 * @param takesOwn whether a name without a value stands for the program's own variable, as in 1MCP and mcp-hub
 */
function textMap(value: unknown, takesOwn = false): Record<string, string> {
  const pairs = Array.isArray(value)
    ? textsOf(value).map((line): [string, unknown] => [
        line.replace(/=.*$/s, ''),
        line.includes('=') ? line.replace(/^[^=]*=/s, '') : null,
      ])
    : Object.entries(isMapping(value) ? value : {});
  return Object.fromEntries(
    pairs.flatMap(([name, text]) => {
      if (name === '__proto__') return [];
      if (isScalar(text)) return [[name, String(text)]];
      return takesOwn && text === null && /^[A-Za-z_]\w*$/.test(name) ? [[name, `\${${name}}`]] : [];
    }),
  );
}

type Target = Partial<ServerDraft> & { readonly needsLogin: boolean };

function programOf(
  raw: Mapping,
  server: ClientServer,
  translator: Translator,
  place: Place,
): Target | Unsupported {
  const own = commandOf(raw)!;
  const nested = isMapping(raw.command) ? raw.command.env : undefined;
  const file = textOf(raw.envFile);
  const fromFile =
    file === null ? { variables: {} } : envFileOf(literalOf(translator.text(file)), server, place);
  if ('fault' in fromFile) return { unsupported: `its envFile ${fromFile.fault}` };
  const env = {
    // A file of variables has no references.
    ...Object.fromEntries(Object.entries(fromFile.variables).map(([name, text]) => [name, literal(text)])),
    ...Object.fromEntries(namesOf(raw.env_vars).map((name) => [name, `\${${name}}`])),
    ...Object.fromEntries(
      textsOf(raw.env_keys).map((name) => [name, translator.want(name, 'in the keyring of its client')]),
    ),
    ...translated(
      textMap(raw.env ?? raw.envs ?? raw.environment ?? nested, server.row.id === 'file'),
      translator,
    ),
  };
  const args = own.args.map((arg) => translator.text(arg));
  const { command, args: inner } = withoutShell(translator.text(own.command), args);
  const bridge = bridgeTarget(command, inner, env);
  if (bridge !== null) {
    const { url, headers, isSse, deny, logsIn } = bridge;
    const kept = allowedHeaders(headers);
    const notes = [`was ${bridge.bridge}`, ...kept.notes];
    return { url, headers: kept.headers, isSse, deny, notes, needsLogin: logsIn };
  }
  const folder = textOf(raw.cwd) ?? textOf(raw.working_directory);
  const cwd = folder === null ? folderOf(server) : translator.text(folder);
  return { command, args: inner, env, cwd, needsLogin: false };
}

/** The servers of a project run in its folder. */
const folderOf = ({ folder }: ClientServer) => (folder === null ? null : literal(folder));

/** Codex, `env_vars`: names, or mappings with a name. */
const namesOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : []).flatMap((item) => textOf(isMapping(item) ? item.name : item) ?? []);

function translated(map: Readonly<Record<string, string>>, translator: Translator): Record<string, string> {
  const isVariable = (name: string) => /^[A-Za-z_]\w*$/.test(name);
  return Object.fromEntries(
    Object.entries(map).map(([name, text]) => [name, translator.text(text, isVariable(name) ? name : null)]),
  );
}

function remoteOf(raw: Mapping, type: string, server: ClientServer, translator: Translator): Target {
  const url = translator.text(urlOf(raw) ?? '').replace(/#.*$/s, '');
  const request = isMapping(raw.requestInit) ? raw.requestInit.headers : undefined;
  const written = textMap(raw.headers ?? raw.http_headers ?? request);
  const fromNames = Object.entries(textMap(raw.env_http_headers)).map(([name, variable]) => [
    name,
    `\${${variable}}`,
  ]);
  const bearer = textOf(raw.bearer_token_env_var);
  const token = textOf(raw.bearer_token) ?? textOf(raw.bearerToken);
  const all: Record<string, string> = {
    ...Object.fromEntries(Object.entries(written).map(([name, text]) => [name, translator.text(text)])),
    ...Object.fromEntries(fromNames),
    ...(token !== null && { Authorization: `Bearer ${translator.text(token)}` }),
    ...(bearer !== null && { Authorization: `Bearer \${${bearer}}` }),
  };
  const { headers, notes } = allowedHeaders(all);
  // Gemini CLI: `url` is HTTP+SSE unless `type` says otherwise.
  const isOldGemini = server.row.id === 'gemini-cli' && raw.httpUrl === undefined && type === '';
  const isLocal = server.row.id === 'goose' && raw.env_keys !== undefined;
  const keyring = isLocal && textsOf(raw.env_keys).length > 0 ? ['its keyring values are not taken'] : [];
  return {
    url,
    headers,
    isSse: type === 'sse' || isOldGemini,
    notes: [...notes, ...keyring],
    needsLogin: false,
  };
}

/** The headers that a configuration may set. The gateway sets the others itself. */
function allowedHeaders(headers: Readonly<Record<string, string>>) {
  const kept: Record<string, string> = {};
  const notes: string[] = [];
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const isOdd = headerNameProblem(name) !== null || seen.has(name.toLowerCase()) || /[\r\n\0]/.test(value);
    if (isOdd) notes.push(`the header ${shownKey(name)} is not taken`);
    else kept[name] = value;
    seen.add(name.toLowerCase());
  }
  return { headers: kept, notes };
}

function isEnabled(raw: Mapping, server: ClientServer): boolean {
  return (
    raw.disabled !== true &&
    raw.enabled !== false &&
    raw.isActive !== false &&
    raw.quarantined !== true &&
    !server.isOff
  );
}

function wantsLogin(raw: Mapping): boolean {
  const { oauth, auth, authProviderType, scopes, oauth_resource: resource } = raw;
  const hasOauth = isMapping(oauth) ? oauth.enabled !== false : oauth === true;
  return (
    hasOauth ||
    isMapping(auth) ||
    auth === 'oauth' ||
    [authProviderType, scopes, resource].some((key) => key !== undefined)
  );
}

function filtersOf(raw: Mapping, deny: readonly string[]): Pick<ServerDraft, 'allow' | 'deny'> {
  const allowed = [raw.includeTools, raw.enabled_tools, raw.available_tools].flatMap(textsOf);
  const denied = [raw.excludeTools, raw.disabled_tools, raw.disabledTools].flatMap(textsOf);
  // Gemini CLI writes `tool(arguments)`.
  const names = (list: readonly string[]) => [...new Set(list.map((tool) => tool.replace(/\(.*$/s, '')))];
  return { allow: allowed.length === 0 ? null : names(allowed), deny: names([...deny, ...denied]) };
}

function timesOf(
  raw: Mapping,
  { row }: ClientServer,
): Pick<ServerDraft, 'connectSeconds' | 'requestSeconds'> {
  const unit = { s: 1, ms: 1_000 }[row.timeoutUnit ?? 's'];
  const time = (value: unknown, perSecond: number) => {
    const seconds = typeof value === 'number' && value > 0 ? value / perSecond : null;
    return seconds === null || seconds > 86_400 ? null : Math.max(seconds, 1);
  };
  return {
    connectSeconds:
      time(raw.startup_timeout_sec, 1) ??
      time(raw.startup_timeout_ms, 1_000) ??
      time(raw.connectionTimeout, 1_000),
    requestSeconds:
      time(raw.tool_timeout_sec, 1) ??
      time(raw.requestTimeout, 1_000) ??
      (row.timeoutUnit === null ? null : time(raw.timeout, unit)),
  };
}
