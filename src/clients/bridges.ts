// Programs that clients start in order to reach a server at a URL. mcpstead reaches it itself.

/** What a bridge leads to. Texts are as in the entry of the client, translated. */
interface BridgeTarget {
  /** The name of the bridge. */
  readonly bridge: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isSse: boolean;
  readonly deny: readonly string[];
  /** Whether the bridge logs the user in, as far as can be seen. */
  readonly logsIn: boolean;
}

/** A command line without the programs that only start another one. */
interface BareCommand {
  readonly program: string;
  readonly args: readonly string[];
}

const baseName = (path: string) => path.replace(/^.*[/\\](?=.)/s, '').replace(/\.(?:exe|cmd|bat)$/i, '');

/** What only the shell of Windows understands: its own commands, several at once, its variables, and quotes. */
const shellWord = /[&|<>^%"\s]|^(?:@|call$|cd$|chcp$|cls$|echo$|exit$|for$|if$|set$|start$|title$)/i;

/** `cmd /c npx …`, which Windows needs elsewhere, as `npx …`. A line that needs the shell keeps it. */
export function withoutShell(
  command: string,
  args: readonly string[],
): { command: string; args: readonly string[] } {
  const [flag = '', inner, ...rest] = args;
  if (!/^cmd$/i.test(baseName(command)) || !/^\/c$/i.test(flag) || inner === undefined)
    return { command, args };
  if (shellWord.test(inner) || rest.some((word) => /[&|<>^%]/.test(word))) return { command, args };
  return { command: inner, args: rest };
}

/** Words by which package runners run a package, after their name. */
const runners: Readonly<Record<string, readonly (readonly string[])[]>> = {
  npx: [[]],
  bunx: [[]],
  pnpx: [[]],
  uvx: [[]],
  pnpm: [['dlx'], ['exec']],
  yarn: [['dlx']],
  npm: [['exec'], ['x']],
  bun: [['x']],
  uv: [['tool', 'run']],
  pipx: [['run']],
};
/** Their options with a value, which names a package as a rule. */
const valueOptions = ['-p', '--package', '--from', '--with', '--python', '--registry', '-c', '--call'];

function bare(command: string, args: readonly string[]): BareCommand {
  const program = baseName(command).toLowerCase();
  const words = runners[program]?.find((each) => each.every((word, index) => args[index] === word));
  if (words === undefined) return { program, args };
  let at = words.length;
  while (args[at]?.startsWith('-')) at += valueOptions.includes(args[at]!) ? 2 : 1;
  // `mcp-remote@latest`, `mcp-proxy==0.8`
  const name = (args[at] ?? '').replace(/(?<=.)(?:@|[=<>~]=).*$/, '');
  return { program: name, args: args.slice(at + 1) };
}

/** The server behind a bridge; null if this is none, or one with an option that is not understood: then it stays a program. */
export function bridgeTarget(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): BridgeTarget | null {
  const { program, args: own } = bare(command, args);
  if (program === 'mcp-remote') return mcpRemote(own, env);
  if (program === 'supergateway') return supergateway(own, env);
  return program === 'mcp-proxy' ? mcpProxy(own, env) : null;
}

/** Options by name, each with the number of its values. The others are positionals; null: an unknown option. */
function optionsOf(args: readonly string[], known: Readonly<Record<string, number>>) {
  const options = new Map<string, string[][]>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (!arg.startsWith('-')) {
      words.push(arg);
      continue;
    }
    const [, option = arg, inline] = /^(--[\w-]+)=(.*)$/s.exec(arg) ?? [];
    const count = known[option];
    if (count === undefined) return null;
    const values = inline === undefined ? args.slice(at + 1, at + 1 + count) : [inline];
    if (inline === undefined) at += count;
    if (values.length < count && inline === undefined) return null;
    options.set(option, [...(options.get(option) ?? []), values]);
  }
  return {
    words,
    valuesOf: (option: string) => options.get(option) ?? [],
    has: (option: string) => options.has(option),
  };
}

/** Headers `Name: value`. A bridge replaces `${NAME}` in them by its own variables, whatever its client does. */
function headersOf(
  lines: readonly string[],
  env: Readonly<Record<string, string>>,
): Record<string, string> | null {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) return null;
    headers[name] = value.replace(
      /\$?\$\{([A-Za-z_]\w*)\}/g,
      (_whole, variable: string) => env[variable] ?? `\${${variable}}`,
    );
  }
  return headers;
}

const isWebUrl = (text: string | undefined): text is string =>
  text !== undefined && /^https?:\/\//i.test(text);
const isLoopback = (url: string) => /^https?:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?=[:/]|$)/i.test(url);

const mcpRemoteOptions = {
  ...{
    '--header': 1,
    '--transport': 1,
    '--host': 1,
    '--ignore-tool': 1,
    '--auth-timeout': 1,
    '--resource': 1,
  },
  ...{ '--static-oauth-client-metadata': 1, '--static-oauth-client-info': 1, '--authorize-resource': 1 },
  ...{ '--allow-http': 0, '--debug': 0, '--silent': 0, '--enable-proxy': 0 },
};

/** `mcp-remote URL [PORT] [options]`: Streamable HTTP, else HTTP+SSE, with a login if the server asks for one. */
function mcpRemote(args: readonly string[], env: Readonly<Record<string, string>>): BridgeTarget | null {
  const options = optionsOf(args, mcpRemoteOptions);
  const url = options?.words[0];
  if (options === null || !isWebUrl(url)) return null;
  const headers = headersOf(options.valuesOf('--header').flat(), env);
  if (headers === null) return null;
  return {
    bridge: 'mcp-remote',
    url,
    headers,
    isSse: options.valuesOf('--transport').flat()[0] === 'sse-only',
    deny: options.valuesOf('--ignore-tool').flat(),
    // That is what most people use it for.
    logsIn: !isLoopback(url) && Object.keys(headers).length === 0,
  };
}

const supergatewayOptions = {
  ...{
    '--sse': 1,
    '--streamableHttp': 1,
    '--header': 1,
    '--oauth2Bearer': 1,
    '--logLevel': 1,
    '--outputTransport': 1,
  },
};

/** `supergateway --sse URL` and `--streamableHttp URL`; with `--stdio` it goes the other way. */
function supergateway(args: readonly string[], env: Readonly<Record<string, string>>): BridgeTarget | null {
  const options = optionsOf(args, supergatewayOptions);
  if (options === null) return null;
  const sse = options.valuesOf('--sse').flat()[0];
  const url = options.valuesOf('--streamableHttp').flat()[0] ?? sse;
  const headers = headersOf(options.valuesOf('--header').flat(), env);
  if (headers === null || !isWebUrl(url)) return null;
  const token = options.valuesOf('--oauth2Bearer').flat()[0];
  return {
    bridge: 'supergateway',
    url,
    headers: token === undefined ? headers : { ...headers, Authorization: `Bearer ${token}` },
    isSse: url === sse,
    deny: [],
    logsIn: false,
  };
}

const mcpProxyOptions = {
  ...{ '--headers': 2, '-H': 2, '--transport': 1, '--client-id': 1, '--client-secret': 1, '--token-url': 1 },
  ...{
    '--debug': 0,
    '--no-debug': 0,
    '--verify-ssl': 0,
    '--pass-environment': 0,
    '--no-pass-environment': 0,
  },
};

/** `mcp-proxy URL`: HTTP+SSE unless `--transport` says otherwise. With a command in place of the URL it goes the other way. */
function mcpProxy(args: readonly string[], env: Readonly<Record<string, string>>): BridgeTarget | null {
  const options = optionsOf(args, mcpProxyOptions);
  const url = options?.words[0];
  if (options === null || options.words.length !== 1 || !isWebUrl(url)) return null;
  const pairs = [...options.valuesOf('--headers'), ...options.valuesOf('-H')];
  const headers = Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value]));
  const { API_ACCESS_TOKEN: token } = env;
  return {
    bridge: 'mcp-proxy',
    url,
    headers: token === undefined ? headers : { Authorization: `Bearer ${token}`, ...headers },
    isSse: !/^streamable/.test(options.valuesOf('--transport').flat()[0] ?? 'sse'),
    deny: [],
    logsIn: options.has('--client-id'),
  };
}
