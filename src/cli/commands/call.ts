import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { nodeTty } from '../../runtime/node-modules.ts';
import { argumentsInJson, argumentsOf } from '../calls/call-arguments.ts';
import { type CallPlace, ownPlace, runningPlace } from '../calls/call-place.ts';
import { unknownTool } from '../calls/call-target.ts';
import { type ListedTool, McpClient } from '../calls/mcp-client.ts';
import { answerTo, terminalAsker } from '../calls/question.ts';
import { resultText } from '../calls/result-text.ts';
import { existingConfig } from '../config-path.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { gatewayLocation } from '../running/gateway-location.ts';
import { findRunningGateway } from '../running/running-gateway.ts';
import { print } from '../terminal/print.ts';
import { Progress } from '../terminal/progress.ts';
import { safeLine } from '../terminal/safe-text.ts';
import { standardInput } from '../terminal/standard-input.ts';

/** What the command line asks for. */
interface CallOptions {
  /** `SERVER.TOOL`, or the name of a tool in the whole gateway. */
  readonly target: string;
  /** `name=value`, or `-` alone: JSON is read from stdin. */
  readonly words: readonly string[];
  /** The arguments as JSON; undefined: not given. */
  readonly json: string | undefined;
  /** The configuration that the command line or the environment names, or the customary one if it exists; null: none. */
  readonly configPath: string | null;
  readonly isJson: boolean;
}

/** Longer messages of tools about their progress are cut. */
const maxProgressChars = 200;

/**
 * Calls a tool through the running gateway, or else through one of its own that has the tool's server only. Resolves to 1 if the
 * tool reports an error.
 */
export async function call(options: CallOptions): Promise<ExitCode> {
  const given = await givenArguments(options);
  const abort = new AbortController();
  const stop = () => abort.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new Progress();
  try {
    await using where = await findPlace(options, progress, abort.signal);
    const client = new McpClient(where.endpoint);
    const tool = await findTool(client, where, progress, abort.signal);
    const args = given ?? argumentsOf(options.words, tool.name, tool.inputSchema);
    const result = await run(client, tool, args, progress, abort.signal);
    return show(result, options.isJson);
  } finally {
    progress.end();
  }
}

/** The arguments that are JSON; null: they are words, which mean something only when the tool is known. */
async function givenArguments({ words, json }: CallOptions) {
  const isStdin = words.length === 1 && words[0] === '-';
  if (json !== undefined && words.length > 0)
    throw new GatewayError('usage', 'the arguments are given twice: as words, and with --args');
  if (json !== undefined) return argumentsInJson(json, 'the value of --args');
  if (!isStdin) return null;
  return argumentsInJson(await standardInput(), 'stdin');
}

async function findPlace(
  { target, configPath }: CallOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<CallPlace> {
  const gateway = await findRunningGateway(gatewayLocation(configPath, place));
  if (gateway !== null) return runningPlace(gateway, target, progress);
  return ownPlace(configPath ?? (await existingConfig(undefined)), target, progress, signal);
}

async function findTool(
  client: McpClient,
  { target }: CallPlace,
  progress: Progress,
  signal: AbortSignal,
): Promise<ListedTool> {
  const tools = await progress.track('listing tools', client.tools(signal));
  const tool = tools.find(({ name }) => name === target.tool);
  if (tool !== undefined) return tool;
  throw unknownTool(
    target,
    tools.map(({ name }) => name),
  );
}

async function run(
  client: McpClient,
  tool: ListedTool,
  args: object,
  progress: Progress,
  signal: AbortSignal,
) {
  let latest = '';
  const asker = terminalAsker((text) => output.print(2, `${text}\n`));
  const listener = {
    onProgress: (text: string) => {
      latest = safeLine(text, maxProgressChars);
    },
    onQuestion: (question: Parameters<typeof answerTo>[0]) =>
      progress.paused(Promise.race([answerTo(question, asker), aborted(signal)])),
  };
  const what = () => `calling ${tool.name}${latest === '' ? '' : `: ${latest}`}`;
  return progress.track(what, client.call(tool, JSON.stringify(args), listener, signal));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new GatewayError('unavailable', 'cancelled')), {
      once: true,
    });
  });
}

function show(
  result: { toString(): string; member(name: string): string | undefined },
  isJson: boolean,
): ExitCode {
  const isError = result.member('isError') === 'true';
  if (isJson) {
    print(`${result}\n`);
    return isError ? 1 : 0;
  }
  // Touching `process.stdout` would set O_NONBLOCK for every process that shares the file.
  const text = resultText(JSON.parse(result.toString()), nodeTty().isatty(isError ? 2 : 1));
  if (isError) output.print(2, `mcpstead: the tool reports an error: ${text}\n`);
  else if (text !== '') print(text.endsWith('\n') ? text : `${text}\n`);
  return isError ? 1 : 0;
}
