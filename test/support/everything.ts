import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import { freePort } from './wait.ts';

const program = join(
  import.meta.dir,
  '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
);

/** The tools that server-everything lists to a client that declares all capabilities, in its order. */
export const everythingTools = [
  'echo',
  'get-annotated-message',
  'get-env',
  'get-resource-links',
  'get-resource-reference',
  'get-structured-content',
  'get-sum',
  'get-tiny-image',
  'gzip-file-as-resource',
  'toggle-simulated-logging',
  'toggle-subscriber-updates',
  'trigger-long-running-operation',
  'get-roots-list',
  'trigger-elicitation-request',
  'trigger-url-elicitation',
  'trigger-sampling-request',
  'simulate-research-query',
];

/** A server-everything process, always on the same port. */
interface EverythingServer extends AsyncDisposable {
  /** Its MCP endpoint: `/mcp` over Streamable HTTP, `/sse` over HTTP+SSE. */
  readonly url: string;
  readonly port: number;
  /** Ends the process: `SIGINT` is its graceful way, `SIGKILL` a crash. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port, without its sessions. */
  start(): Promise<void>;
}

/** Starts server-everything over Streamable HTTP or over HTTP+SSE (MCP 2024-11-05, Transports). */
export async function startEverything(
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<EverythingServer> {
  const port = freePort();
  let child: Child;
  const start = async () => {
    child = await startChild([process.execPath, program, transport], {
      env: { PORT: String(port) },
      ready: `on port ${port}`,
    });
  };
  const stop = (signal?: NodeJS.Signals) => child.end(signal);
  await start();
  return {
    url: `http://127.0.0.1:${port}${transport === 'sse' ? '/sse' : '/mcp'}`,
    port,
    stop,
    start,
    [Symbol.asyncDispose]: () => stop('SIGKILL'),
  };
}
