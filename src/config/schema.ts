import { z } from 'zod';
import { allowedHostExpected } from './allowed-hosts.ts';
import { defaultPort } from './default-port.ts';
import {
  checkedText,
  flag,
  group,
  oneOf,
  optionalSeconds,
  optionalWhole,
  orExpanded,
  patterns,
  reconnect,
  restart,
  seconds,
  section,
  textMatching,
  update,
  whole,
} from './fields.ts';
import {
  headerNameProblem,
  isHeaderValue,
  isHost,
  isToolName,
  isVariableName,
  pathExpected,
  serverNameExpected,
  urlExpected,
} from './rules.ts';

// The only description of the configuration file: types, defaults, validation, JSON Schema and the documentation come from
// here. The error text of a rule follows "expected " in a message.

/** A day. */
const maxBackoffMs = 86_400_000;
const defaultBackoff = { baseMs: 1_000, maxMs: 30_000 };
/** The largest `mcp.max_request_bytes`: 1 GiB, which is also the limit of the HTTP server. */
export const maxRequestBytes = 1_073_741_824;

/** By the target of the server. */
const defaultConnectSeconds = { url: 10, command: 60 };

const serverNamePattern = '(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9.-])?';
const prefixExpected = 'true, false or a text like the name of a server';
const toolNameExpected = 'a name of at most 128 letters, digits, "_", "-" and "."';

/** The keys of a filter. @param what says what its patterns match */
const filterOf = (what: string) => ({
  allow: update(`Patterns of ${what}, that clients see; \`*\` stands for any text.`, patterns(['*'])),
  deny: update('Patterns of those that they do not see, even if `allow` matches.', patterns([])),
});

const authOf = 'none or { type: bearer, token_env: NAME }';

const bearerAuth = section({
  type: reconnect('Sends `Authorization: Bearer TOKEN` with every request.', z.literal('bearer', 'bearer')),
  token_env: reconnect(
    'The environment variable that holds the token. The token itself must not be in the file.',
    textMatching(isVariableName, 'the name of an environment variable').meta({
      pattern: '^[A-Za-z_][A-Za-z0-9_]*$',
    }),
  ),
});

const textWithoutNul = (expected: string) =>
  textMatching((text) => !text.includes('\0'), expected).meta({ pattern: '^[^\\0]*$' });

const serverKeys = section({
  name: reconnect(
    'Unique name; its tools are listed as `<name>__<tool>`. Letters, digits, `_`, `-` and `.`; begins with a ' +
      'letter or digit, contains no `__` and does not end in `_`.',
    checkedText(serverNameExpected, 'a name').meta({
      pattern: orExpanded(serverNamePattern),
    }),
  ),
  url: reconnect(
    'The URL of the MCP server: http or https, without a fragment. A user name and password in it are sent as ' +
      '`Authorization: Basic`, and never shown. Each server has either a `url` or a `command`.',
    checkedText(urlExpected, 'an http:// or https:// URL')
      .meta({ pattern: orExpanded('[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s][^#\\s]*') })
      .optional(),
  ),
  command: reconnect(
    'The program to start as the MCP server, which speaks over its stdin and stdout: a name to be found in `PATH`, or a path.',
    textMatching((text) => text !== '' && !text.includes('\0'), 'the name or path of a program')
      .meta({ pattern: '^[^\\0]+$' })
      .optional(),
  ),
  args: reconnect(
    'The arguments of `command`, one text each. They are never shown.',
    z.array(textWithoutNul('a text'), 'a list of texts').optional(),
  ),
  env: reconnect(
    'Environment variables of `command`, in addition to the few that it gets from the gateway. Their values are never shown.',
    z
      .record(
        textMatching((name) => /^[^=\0]+$/.test(name), 'this key is not the name of a variable').meta({
          pattern: '^[^=\\0]+$',
        }),
        textWithoutNul('a text'),
        'a mapping of variables to their values',
      )
      .optional(),
  ),
  cwd: reconnect(
    'The directory in which `command` runs; by default the one of the gateway.',
    textWithoutNul('a path').optional(),
  ),
  enabled: reconnect(
    'With `false` the server is neither connected nor listed, and its variables need not be set.',
    flag(true),
  ),
  protocol: reconnect(
    'The transport: `streamable` is Streamable HTTP, `sse` the older HTTP+SSE, and `auto` tries the first, then the second. With a `command` it is `stdio`.',
    oneOf(['auto', 'streamable', 'sse', 'stdio']),
  ),
  era: reconnect(
    'The protocol revisions to speak with this server: `modern` is 2026-07-28, `legacy` are those up to 2025-11-25, and `auto` ' +
      'asks the server.',
    oneOf(['auto', 'legacy', 'modern']),
  ),
  required: update(
    'Whether the gateway waits for this server before it serves, fails to start without it, and is not ready while it is down.',
    flag(false),
  ),
  isolation: reconnect(
    'Whether all clients share one session with this server, or with `session` each client session has one of its own (with a ' +
      '`command`: a process), opened with the name and capabilities of that client. Servers that keep state for each client, or ' +
      'ask clients on a stream that all share, need it.',
    oneOf(['shared', 'session']),
  ),
  isolation_max: update(
    'How many sessions `isolation: session` may hold; calls of further clients fail.',
    whole(1, 100_000, 100),
  ),
  auth: reconnect(
    'How the gateway authenticates to this server: `none` or `{ type: bearer, token_env: NAME }`.',
    z.union([z.literal('none', authOf), bearerAuth], authOf).default('none'),
  ),
  headers: reconnect(
    'HTTP headers for every request. Their values never appear in logs and responses.',
    z
      .record(
        checkedText(headerNameProblem, 'the name of a header').meta({
          pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        }),
        z.string('a string').refine(isHeaderValue, 'printable ASCII characters on one line'),
        'a mapping of header names to values',
      )
      .default({}),
  ),
  reconnect: section({
    max_attempts: update(
      'The number of failed attempts after which the gateway gives up the server; 0: never.',
      whole(0, 1_000_000, 0),
    ),
    backoff_base_ms: update(
      'The wait before the second attempt, in milliseconds; by default at most `backoff_max_ms`.',
      optionalWhole(1, maxBackoffMs, defaultBackoff.baseMs),
    ),
    backoff_max_ms: update(
      'The longest wait between attempts, in milliseconds; by default at least `backoff_base_ms`.',
      optionalWhole(1, maxBackoffMs, defaultBackoff.maxMs),
    ),
  })
    .refine(({ backoff_base_ms: base = 0, backoff_max_ms: max = maxBackoffMs }) => base <= max, {
      error: ({ input }) => {
        const { backoff_base_ms: base, backoff_max_ms: max } = input as Record<string, unknown>;
        return `backoff_base_ms, ${base}, is larger than backoff_max_ms, ${max}`;
      },
      params: { statement: true },
    })
    .transform(({ backoff_base_ms: base, backoff_max_ms: max, ...others }) => ({
      ...others,
      backoff_base_ms: base ?? Math.min(defaultBackoff.baseMs, max ?? maxBackoffMs),
      backoff_max_ms: max ?? Math.max(defaultBackoff.maxMs, base ?? 0),
    }))
    .prefault({})
    .describe('How a lost connection is restored: exponential backoff with jitter.'),
  timeouts: group('Deadlines.', {
    connect_seconds: update(
      'How long connecting and initializing may take; 60 by default for a `command`, which may have to download its program.',
      optionalSeconds(0.01, defaultConnectSeconds.url),
    ),
    request_seconds: update('How long one request may take.', seconds(0.01, 300)),
  }),
  tools: group('The tool list, and what clients see of it.', {
    ttl_seconds: update(
      'How often the tool list is fetched again, which is also the health check.',
      seconds(0.01, 300),
    ),
    prefix: update(
      'What stands before the names of tools and prompts, with `__` between: `true` is the name of the server, a text ' +
        'is that text, and with `false` names are bare. In `/mcp/NAME` of the server they always are.',
      z.union([z.boolean(), checkedText(serverNameExpected, prefixExpected)], prefixExpected).default(true),
    ),
    ...filterOf('tools, by their names at the server'),
    rename: update(
      'New names for tools: a mapping of names at the server to names for clients. The prefix comes before them, too.',
      z
        .record(
          z.string('the name of a tool'),
          textMatching(isToolName, toolNameExpected),
          'a mapping of names to names',
        )
        .default({}),
    ),
  }),
  prompts: group('What clients see of the prompts.', filterOf('prompts, by their names at the server')),
  resources: group(
    'What clients see of the resources and resource templates.',
    filterOf('URIs of resources, and texts of templates'),
  ),
  tls_skip_verify: reconnect(
    'Accepts any TLS certificate of this server. Dangerous outside of tests.',
    flag(false),
  ),
  quirks: group('Workarounds for servers that do not follow the specification.', {
    normalize_sse_events: update(
      'Accepts server-sent events with any event name; otherwise only `message` events.',
      flag(false),
    ),
    inject_accept_header: update(
      'The value of `Accept`, in place of `application/json, text/event-stream`.',
      z
        .string('a header value or null')
        .refine(isHeaderValue, 'printable ASCII characters on one line')
        .nullable()
        .default(null),
    ),
  }),
});

const serverSchema = serverKeys.transform(({ timeouts, ...server }) => {
  const target = server.command === undefined ? 'url' : 'command';
  const { connect_seconds = defaultConnectSeconds[target], ...others } = timeouts;
  return { ...server, timeouts: { connect_seconds, ...others } };
});

const profileSchema = section({
  name: update(
    'Unique among servers and profiles; a name like that of a server.',
    checkedText(serverNameExpected, 'a name').meta({ pattern: `^(?:${serverNamePattern})$` }),
  ),
  servers: update(
    'The names of the servers that the profile shows, in any order.',
    z.array(z.string('the name of a server'), 'a list of names').min(1, 'at least one name of a server'),
  ),
  tools: group(
    'What the profile shows of the tools that the servers show.',
    filterOf('tools, by the names that clients of `/mcp` know'),
  ),
});

/** The whole file. Unknown keys are problems. */
export const configSchema = section({
  host: restart(
    'The address to listen on.',
    textMatching(isHost, 'a host name or IP address without port').default('127.0.0.1'),
  ),
  port: restart('The port to listen on; 0 takes any free port.', whole(0, 65_535, defaultPort)),
  mcp: group('The `/mcp` endpoint.', {
    auth: group('How clients authenticate to the gateway.', {
      mode: update(
        'Whether clients need a token; with `bearer` it is the value of the environment variable `MCPSTEAD_BEARER_TOKEN`.',
        oneOf(['none', 'bearer']),
      ),
    }),
    session: group('Client sessions.', {
      idle_ttl_seconds: restart('How long a client session may be idle before it ends.', seconds(0.01, 3600)),
      gc_interval_seconds: restart('How often the gateway looks for idle sessions.', seconds(0.01, 60)),
      shutdown_grace_seconds: restart(
        'How long running calls may go on after a shutdown has begun.',
        seconds(0, 5),
      ),
      drain_delay_seconds: restart(
        'How long the gateway goes on after SIGTERM while `/readyz` answers 503, so that load balancers stop using it before the shutdown begins.',
        seconds(0, 0),
      ),
    }),
    allowed_hosts: update(
      'Hosts that `Host` and `Origin` of requests may name besides loopback and `host`: names, IP addresses, ranges ' +
        'of addresses (`10.0.0.0/8`, `fd00::/8`) and `*.example.com` for all names below a domain, at any depth, but ' +
        'not the domain itself.',
      z
        .array(
          checkedText(allowedHostExpected, 'a host name, an IP address, a range or "*.example.com"'),
          'a list of hosts',
        )
        .default([]),
    ),
    max_request_bytes: update('The largest request body, in bytes.', whole(1, maxRequestBytes, 4_194_304)),
  }),
  servers: z
    .array(serverSchema, 'a list of servers, each with "- name: …"')
    // Not `default`, which zod leaves out of the JSON Schema if there is a transform, as in `reconnect`.
    .prefault([])
    .describe('The upstream MCP servers, in the order in which their tools are listed.'),
  profiles: z
    .array(profileSchema, 'a list of profiles, each with "- name: …"')
    .default([])
    .describe('Selections of servers and of their tools. Each is served at `/mcp/NAME`.'),
  state_dir: restart(
    'The directory for the key of client sessions and for other state that outlives a restart, readable by its owner only. By default `$STATE_DIRECTORY`, `$XDG_STATE_HOME/mcpstead`, `~/.local/state/mcpstead`, or on Windows `%LOCALAPPDATA%\\mcpstead`.',
    checkedText(pathExpected, 'a path or null').nullable().default(null),
  ),
  metrics: group('Prometheus metrics.', {
    enabled: update('Whether `GET /metrics` answers.', flag(true)),
  }),
  logging: group('The log, on stderr.', {
    level: restart(
      'The least severe level that is logged.',
      oneOf(['trace', 'debug', 'info', 'warn', 'error'], 'info'),
    ),
    format: restart(
      'One JSON object per line, or readable text; `auto` is text on a terminal and JSON elsewhere.',
      oneOf(['auto', 'json', 'pretty']),
    ),
  }),
});

/** A configuration: keys as in the file, defaults applied, `${NAME}` expanded. */
export type Config = z.infer<typeof configSchema>;
/** An upstream server in a configuration. */
export type ServerConfig = Config['servers'][number];

/** The JSON Schema (draft 2020-12) of the file before defaults are applied: keys with a default are optional. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema, path }) => {
      if (path[1] !== 'servers') return;
      acceptReferences(jsonSchema);
      if (path.length === 3) jsonSchema.oneOf = [only('url'), only('command')];
    },
  });
  return { title: 'mcpstead configuration', ...schema };
}

/** The schema of a mapping that has a key, for editors that check one mapping at a time. */
const only = (key: string): z.core.JSONSchema.BaseSchema => ({
  properties: { [key]: true },
  required: [key],
});

/** Makes the schema of a key with fixed words accept texts with `${`, which only the gateway can expand. */
function acceptReferences(schema: z.core.JSONSchema.BaseSchema): void {
  const { type, enum: words, const: word } = schema;
  if (words === undefined && word === undefined) return;
  const fixed = words === undefined ? { type, const: word } : { type, enum: words };
  delete schema.type;
  delete schema.enum;
  delete schema.const;
  schema.anyOf = [fixed, { type: 'string', pattern: '\\$\\{' }] as z.core.JSONSchema.BaseSchema[];
}
