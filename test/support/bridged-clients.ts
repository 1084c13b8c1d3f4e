import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { connectLegacyOver, connectModernOver, type EraClient } from './era-clients.ts';
import { main } from './program.ts';

/** A client that runs `mcpstead stdio`. */
export interface BridgedClient extends EraClient {
  /** The process id of the bridge. */
  readonly pid: number;
  /** What it has written to stderr. */
  stderr(): string;
}

interface BridgeOptions {
  readonly env?: Record<string, string>;
  /** The program; by default from the sources. */
  readonly command?: readonly string[];
}

type ConnectBridged = (args: readonly string[], options?: BridgeOptions) => Promise<BridgedClient>;

/** How the SDKs' transports are told what to start. */
interface StdioServer {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly stderr: 'pipe';
}

/** What both transports have. */
interface BridgeTransport {
  readonly pid: number | null;
  readonly stderr: { on(event: 'data', listener: (chunk: unknown) => void): unknown } | null;
  close(): Promise<void>;
}

const sources = [process.execPath, main];

/** Starts a client over `make`'s transport. It has a home of its own unless the environment names one. */
async function connect(
  args: readonly string[],
  { env = {}, command = sources }: BridgeOptions,
  transportOf: (server: StdioServer) => BridgeTransport,
  open: (transport: never) => Promise<EraClient>,
): Promise<BridgedClient> {
  const home = mkdtempSync(join(tmpdir(), 'mcpstead-bridge-'));
  const remove = () => rmSync(home, { recursive: true, force: true });
  const [executable = '', ...first] = command;
  let written = '';
  const transport = transportOf({
    command: executable,
    args: [...first, 'stdio', ...args],
    env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
    stderr: 'pipe',
  });
  transport.stderr?.on('data', (chunk: unknown) => {
    written += String(chunk);
  });
  try {
    const client = await open(transport as never);
    return {
      ...client,
      pid: transport.pid ?? 0,
      stderr: () => written,
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]();
        remove();
      },
    };
  } catch (error) {
    await transport.close();
    remove();
    throw new Error(`${String(error)}\n${written}`);
  }
}

const v1: ConnectBridged = (args, options = {}) =>
  connect(args, options, (server) => new StdioV1(server) as BridgeTransport, connectLegacyOver);

const v2 =
  (mode: 'legacy' | 'auto' | { pin: string }): ConnectBridged =>
  (args, options = {}) =>
    connect(
      args,
      options,
      (server) => new StdioV2(server) as BridgeTransport,
      (transport) => connectModernOver(transport, mode),
    );

/** The SDKs' clients on stdio with `mcpstead stdio` as their server, by name. */
export const bridgedClients: Record<string, ConnectBridged> = {
  'the v1 SDK client on stdio': v1,
  'the v2 SDK client on stdio': v2('legacy'),
  'the v2 SDK client on stdio that asks for the newest protocol': v2('auto'),
  'the v2 SDK client on stdio that wants revision 2026-07-28': v2({ pin: '2026-07-28' }),
};

/** One client of each era. */
export const connectBridgedLegacy = v1;
export const connectBridgedModern = v2({ pin: '2026-07-28' });
