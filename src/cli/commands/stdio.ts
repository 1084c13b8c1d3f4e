import { write } from 'node:fs';
import { Bridge } from '../../bridge/bridge.ts';
import type { FindGateway } from '../../bridge/gateway-link.ts';
import { MessageOutput } from '../../bridge/message-output.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { endpointUrl, viewIn, viewUrl } from '../bridging/bridged-place.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';

/** The command line of `mcpstead stdio`. */
interface StdioFlags {
  readonly url: string | undefined;
  readonly profile: string | undefined;
  readonly server: string | undefined;
  readonly config: string | undefined;
}

/** How long a bridge that cannot have a gateway waits for a first request: clients show its error, but often not stderr. */
const firstRequestMs = 1_000;
/** How long the last messages may take to be read. */
const flushMs = 500;

/**
 * Serves MCP on stdin and stdout by passing all of it on to a gateway, until the input ends, nobody reads the output, or a signal
 * comes. Rejects if there cannot be a gateway.
 */
export async function stdio(flags: StdioFlags): Promise<ExitCode> {
  const end = Promise.withResolvers<void>();
  const messages = new MessageOutput(write, () => end.resolve());
  const bridge = new Bridge({ find: await finder(flags), output: messages, log });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end.resolve());
  const onStray = (error: unknown) => log(`unexpected error, going on: ${messageOf(error)}`);
  process.on('uncaughtException', onStray).on('unhandledRejection', onStray);

  // Ahead of the first message: the gateway may have to be started.
  let problem: GatewayError | null = null;
  const first = Promise.withResolvers<void>();
  bridge.reach().catch(async (error) => {
    if (!(error instanceof GatewayError) || error.kind === 'unavailable') return;
    problem = error;
    await Promise.race([first.promise, Bun.sleep(firstRequestMs)]);
    end.reject(error);
  });
  void readInput(async (chunk) => {
    await bridge.push(chunk);
    first.resolve();
  }).then(end.resolve, end.reject);
  const failure = await end.promise.then(
    () => problem,
    (error: Error) => error,
  );
  await bridge.close(failure);
  await messages.flushed(flushMs);
  if (failure !== null) throw failure;
  return 0;
}

/** Reads stdin to its end. */
async function readInput(take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  const reader = Bun.stdin.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await take(value);
  }
}

let lastLine = '';

/** stdout carries messages only. What is said several times in a row, such as that many calls failed alike, is written once. */
function log(message: string): void {
  if (message !== lastLine) output.print(2, `mcpstead stdio: ${message}\n`);
  lastLine = message;
}

async function finder(flags: StdioFlags): Promise<FindGateway> {
  const view = viewIn(flags);
  if (flags.url === undefined) {
    // Only here, because a gateway elsewhere needs none of it.
    const { LocalGateway } = await import('../bridging/local-gateway.ts');
    const config = flags.config || place.env.MCPSTEAD_CONFIG || null;
    return new LocalGateway({ config, view, place, log }).find;
  }
  const url = viewUrl(endpointUrl(flags.url), view);
  const token = place.env.MCPSTEAD_BEARER_TOKEN || null;
  return async () => ({ url, token, instance: '', presenceUrl: null });
}
