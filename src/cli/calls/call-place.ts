import type { LoadedConfig } from '../../config/load.ts';
import { loadConfig } from '../../config/load.ts';
import { isRecord } from '../../config/values.ts';
import { GatewayError } from '../../errors.ts';
import { Exposure, exposureConfigOf } from '../../registry/exposure.ts';
import { place } from '../place.ts';
import { bearerTokenOf } from '../running/bearer-token.ts';
import type { RunningGateway } from '../running/running-gateway.ts';
import type { Progress } from '../terminal/progress.ts';
import { type CallTarget, callTarget, unknownServer, unknownTool } from './call-target.ts';
import type { McpEndpoint } from './mcp-client.ts';

/** Where a call runs, and for what. */
export interface CallPlace extends AsyncDisposable {
  readonly target: CallTarget;
  readonly endpoint: McpEndpoint;
}

/** How long a running gateway gets to connect to a server that it has no tools of, and how often it is asked. */
const connectMs = 15_000;
const askMs = 300;

/** The place of a call in a running gateway. Rejects with a {@link GatewayError} if no server has the name, or it is not there. */
export async function runningPlace(
  gateway: RunningGateway,
  word: string,
  progress: Progress,
): Promise<CallPlace> {
  const servers = await serversOf(gateway);
  const target = callTarget(
    word,
    servers.map(({ name }) => name),
  );
  if (target.server !== null) await connected(gateway, target.server, progress);
  const token = bearerTokenOf(gateway.config, place);
  return {
    target,
    endpoint: endpointFor({ url: gateway.url, token }, target),
    async [Symbol.asyncDispose]() {},
  };
}

/** The place of a call in a gateway of its own, which has the servers that may have the tool, usually one. */
export async function ownPlace(
  configPath: string,
  word: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<CallPlace> {
  const loaded = await loadConfig(configPath, place.env);
  const { disabled, config } = loaded;
  const target = callTarget(
    word,
    [...config.servers, ...disabled].map(({ name }) => name),
  );
  const servers = serversFor(target, loaded);
  const names = servers.map(({ name }) => name).join(', ');
  const { startPrivateGateway } = await import('./private-gateway.ts');
  const starting = startPrivateGateway(loaded, servers, signal);
  const own = await progress.track(`connecting to ${names} without a gateway`, starting);
  return { target, endpoint: endpointFor(own.endpoint, target), [Symbol.asyncDispose]: () => own.stop() };
}

function serversFor(target: CallTarget, { config, disabled }: LoadedConfig) {
  const { server, tool } = target;
  if (disabled.some(({ name }) => name === server)) throw disabledServer(server as string);
  if (server !== null) return config.servers.filter(({ name }) => name === server);
  const found = config.servers.filter((each) => new Exposure(exposureConfigOf(each)).mayShow('tools', tool));
  if (found.length > 0) return found;
  const [prefix, rest] = tool.split('__', 2);
  if (rest !== undefined)
    throw unknownServer(
      prefix as string,
      config.servers.map(({ name }) => name),
    );
  throw unknownTool(target, []);
}

function endpointFor({ url, token }: McpEndpoint, { server }: CallTarget): McpEndpoint {
  return { url: server === null ? url : `${url}/${encodeURIComponent(server)}`, token };
}

interface ServerState {
  readonly name: string;
  readonly state: string;
  readonly tools: number;
  readonly error: string | null;
}

async function serversOf(gateway: RunningGateway): Promise<ServerState[]> {
  const overview = await gateway.get('/-/servers');
  const rows = isRecord(overview) && Array.isArray(overview.servers) ? overview.servers : [];
  return rows.filter(isRecord).map((row) => ({
    name: `${row.name}`,
    state: `${row.state}`,
    tools: Number(row.tools_count) || 0,
    error: typeof row.last_error === 'string' ? row.last_error : null,
  }));
}

/** Waits until a server of which no tools are known is connected. Rejects with the reason why it is not. */
async function connected(gateway: RunningGateway, name: string, progress: Progress): Promise<void> {
  const look = async () => (await serversOf(gateway)).find((server) => server.name === name);
  const first = await look();
  if (first?.state === 'disabled') throw disabledServer(name);
  if (first === undefined || first.state === 'ready' || first.tools > 0) return;
  // An attempt that is under way may be a download.
  if (isDown(first)) await gateway.post(`/-/servers/${encodeURIComponent(name)}/reconnect`);
  const wait = async () => {
    const endMs = performance.now() + connectMs;
    for (;;) {
      const row = await look();
      if (row === undefined || row.state === 'ready') return;
      if (isDown(row) || performance.now() > endMs) throw notConnected(row);
      await Bun.sleep(askMs);
    }
  };
  await progress.track(`waiting for ${name}`, wait());
}

/** Whether an attempt to connect has failed, and none is under way. */
function isDown({ state }: ServerState): boolean {
  return state === 'backoff' || state === 'given_up';
}

function notConnected({ name, state, error }: ServerState): GatewayError {
  const why = error === null ? '' : `: ${error}`;
  return new GatewayError(
    'unavailable',
    `${name} is not connected (${state})${why}\nWhat is wrong with it: mcpstead doctor`,
  );
}

function disabledServer(name: string): GatewayError {
  return new GatewayError('unavailable', `${name} is disabled; enable it first: mcpstead enable ${name}`);
}
