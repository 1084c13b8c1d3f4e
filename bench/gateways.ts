// Starts the upstreams and the gateways in front of them.

import { join } from 'node:path';
import type { Contestant, Setup, UpstreamAddress } from './contestants/contestant.ts';
import type { Target } from './load/connection.ts';
import { freePort, linesOf, type MeasuredProcess, measured, temporaryFolder } from './processes.ts';
import type { ListenerSpec } from './upstream.ts';

const startTimeoutMs = 30_000;
const requestTimeoutMs = 5_000;
const pollMs = 20;

/** The upstreams of a run, which share one process. */
export interface Upstreams extends AsyncDisposable {
  readonly process: MeasuredProcess;
  readonly addresses: readonly UpstreamAddress[];
}

/** Starts one upstream for each of `listeners`; they are called up0, up1 and so on. */
export async function startUpstreams(listeners: readonly ListenerSpec[]): Promise<Upstreams> {
  const command = [process.execPath, join(import.meta.dir, 'upstream.ts'), JSON.stringify({ listeners })];
  const child = Bun.spawn(command, { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const ports = JSON.parse(await linesOf(child.stdout, 'the upstream')(startTimeoutMs)) as number[];
  const upstream = measured(child, ports[0] as number);
  return {
    process: upstream,
    addresses: ports.map((port, index) => ({ name: `up${index}`, port })),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** A running gateway, or the upstream itself. */
export interface Gateway extends AsyncDisposable {
  readonly name: string;
  readonly target: Target;
  /** The same endpoint without a session's headers, to open other sessions. */
  readonly entry: Target;
  /** null if the load goes to the upstream directly. */
  readonly process: MeasuredProcess | null;
  /** Resident memory before any load. */
  readonly idleBytes: number;
  /** See `Contestant`. */
  readonly isJustInTime: boolean;
  toolName(server: string, tool: string): string;
  /**
   * Reloads it with other upstreams, with its token or without authentication. Resolves to its endpoint within a new
   * session.
   */
  reload(
    addresses: readonly UpstreamAddress[],
    options: Pick<StartOptions, 'auth' | 'tools'>,
  ): Promise<Target>;
}

/** The upstream itself, instead of a gateway. */
export function directly(upstreams: Upstreams): Gateway {
  const target = { port: upstreams.process.port, path: '/mcp', headers: [] };
  return {
    name: 'direct',
    target,
    entry: target,
    process: null,
    idleBytes: 0,
    isJustInTime: false,
    toolName: (_, tool) => tool,
    reload: () => Promise.reject(new Error('the upstream itself cannot be reloaded')),
    async [Symbol.asyncDispose]() {},
  };
}

/** How to start a gateway. */
export interface StartOptions {
  /** The name of its rows, if not the contestant's. */
  readonly name?: string;
  readonly auth: boolean;
  /** Whether the load uses a session. */
  readonly session: boolean;
  /** How many tools it must list before it counts as started. */
  readonly tools: number;
}

/** Sends one JSON-RPC message to a gateway. */
export async function rpc(target: Target, message: object): Promise<{ response: Response; text: string }> {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  });
  for (const line of target.headers) headers.set(...(line.split(': ', 2) as [string, string]));
  const response = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  return { response, text: await response.text() };
}

/** Opens a session and returns its headers; there is no session header if the gateway assigns none. */
export async function openSession(target: Target): Promise<string[]> {
  const params = {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  };
  const { response } = await rpc(target, { id: 1, method: 'initialize', params });
  if (!response.ok) throw new Error(`HTTP ${response.status} to initialize`);
  const session = response.headers.get('mcp-session-id');
  const headers = [
    ...(session === null ? [] : [`Mcp-Session-Id: ${session}`]),
    'MCP-Protocol-Version: 2025-06-18',
  ];
  await rpc({ ...target, headers: [...target.headers, ...headers] }, { method: 'notifications/initialized' });
  return headers;
}

/** Spawns a contestant without waiting for it. */
export function spawnGateway(
  contestant: Contestant,
  addresses: readonly UpstreamAddress[],
  auth: boolean,
): {
  readonly process: MeasuredProcess;
  readonly setup: Setup;
  readonly target: Target;
  register(): Promise<void>;
} {
  const program = contestant.find();
  if (program === null) throw new Error(`${contestant.name} is not installed`);
  const port = freePort();
  const token = auth ? crypto.randomUUID() : null;
  const setup = { upstreams: addresses, port, folder: temporaryFolder(), token };
  const launch = contestant.launch(program, setup);
  const child = Bun.spawn([...launch.command], {
    env: { ...process.env, ...launch.env },
    ...(launch.cwd && { cwd: launch.cwd }),
    stdout: 'ignore',
    stderr: process.env.BENCH_STDERR ? 'inherit' : 'ignore',
  });
  const headers = launch.headers ?? (token === null ? [] : [`Authorization: Bearer ${token}`]);
  return {
    process: measured(child, port),
    setup,
    target: { port, path: contestant.path, headers },
    register: async () => launch.register?.(),
  };
}

async function toolsListed(target: Target): Promise<{ status: number; tools: number }> {
  const { response, text } = await rpc(target, { id: 2, method: 'tools/list' });
  return { status: response.status, tools: text.split('"inputSchema"').length - 1 };
}

/** @param entry the endpoint with the token, without a session */
async function reload(contestant: Contestant, setup: Setup, entry: Target, tools: number): Promise<Target> {
  if (!contestant.configure) throw new Error(`${contestant.name} cannot be reloaded`);
  contestant.configure(setup);
  const { response, text } = await rpc({ ...entry, path: '/-/reload' }, {});
  if (!response.ok) throw new Error(`HTTP ${response.status} to the reload: ${text}`);
  // A session belongs to the auth mode that it was opened in.
  const plain = setup.token === null ? { ...entry, headers: [] } : entry;
  const target = { ...plain, headers: [...plain.headers, ...(await openSession(plain))] };
  const deadlineMs = performance.now() + startTimeoutMs;
  while (performance.now() < deadlineMs) {
    if ((await toolsListed(target)).tools === tools) return target;
    await Bun.sleep(pollMs);
  }
  throw new Error(`${contestant.name} did not list ${tools} tools within ${startTimeoutMs} ms of a reload`);
}

/** Starts a contestant in front of `addresses` and waits until it lists their tools. */
export async function startGateway(
  contestant: Contestant,
  addresses: readonly UpstreamAddress[],
  options: StartOptions,
): Promise<Gateway> {
  const { process, setup, target: plain, register } = spawnGateway(contestant, addresses, options.auth);
  const deadlineMs = performance.now() + startTimeoutMs;
  let last = '';
  while (performance.now() < deadlineMs && process.alive()) {
    try {
      await register();
      const headers = options.session ? await openSession(plain) : [];
      const target = { ...plain, headers: [...plain.headers, ...headers] };
      const { status, tools } = await toolsListed(target);
      last = `HTTP ${status}, ${tools} tools`;
      if (status === 200 && tools >= options.tools) {
        return {
          name: options.name ?? contestant.name,
          target,
          entry: plain,
          process,
          idleBytes: process.residentBytes(),
          isJustInTime: contestant.isJustInTime,
          toolName: contestant.toolName,
          reload: (upstreams, { auth, tools }) =>
            reload(contestant, { ...setup, upstreams, token: auth ? setup.token : null }, plain, tools),
          [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
        };
      }
    } catch (error) {
      last = (error as Error).message;
    }
    await Bun.sleep(pollMs);
  }
  await process[Symbol.asyncDispose]();
  throw new Error(`${contestant.name} did not start within ${startTimeoutMs} ms: ${last}`);
}
