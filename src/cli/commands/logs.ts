import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { nodeTty } from '../../runtime/node-modules.ts';
import type { LogRow, LogsReport } from '../contracts/logs.ts';
import type { ExitCode } from '../exit-code.ts';
import { gatewayOf, requiredGateway, selectedServers } from '../running/admin-answers.ts';
import type { RunningGateway } from '../running/running-gateway.ts';
import { LogText } from '../terminal/log-text.ts';
import { print, printJson } from '../terminal/print.ts';
import { wholeNumber } from '../whole-number.ts';

/** What the command line asks for. */
interface LogsOptions {
  /** Undefined: all servers, and the gateway itself. */
  readonly server: string | undefined;
  readonly isFollowing: boolean;
  /** The text of --lines. */
  readonly lines: string | undefined;
  /** Null: there is no configuration. */
  readonly config: string | null;
  readonly isJson: boolean;
}

/** As many lines as the gateway keeps of each server, and as few as one reads before new ones come. */
const usualLines = { once: 1_000, following: 20 };
/** How often a gateway is looked for that has stopped. */
const lookMs = 1_000;

/** Shows the last lines of the log of the running gateway, and with `isFollowing` those that come, until Ctrl-C. */
export async function logs({ server, isFollowing, lines, config, isJson }: LogsOptions): Promise<ExitCode> {
  if (isFollowing && isJson)
    throw new GatewayError('usage', '--json prints one object, and -f never ends: use one of them');
  const usual = isFollowing ? usualLines.following : usualLines.once;
  const count = lines === undefined ? usual : wholeNumber(lines, '--lines');
  const gateway = await requiredGateway(config);
  if (server !== undefined) await selectedServers(gateway, server);
  const abort = new AbortController();
  if (isFollowing) process.once('SIGINT', () => abort.abort()).once('SIGTERM', () => abort.abort());
  if (isJson) {
    const report: LogsReport = { lines: [] };
    for await (const row of rows(gateway, { server, count }, abort.signal)) report.lines.push(row);
    printJson(report);
    return 0;
  }
  // Touching `process.stdout` would set O_NONBLOCK for every process that shares the file.
  const text = new LogText(nodeTty().isatty(1) && !process.env.NO_COLOR);
  if (isFollowing) await follow(gateway, config, { server, count }, text, abort.signal);
  else
    for await (const row of rows(gateway, { server, count }, abort.signal)) if (!print(text.line(row))) break;
  return 0;
}

interface WantedLines {
  readonly server: string | undefined;
  readonly count: number;
  readonly isLive?: boolean;
}

async function* rows(
  gateway: RunningGateway,
  { server, count, isLive = false }: WantedLines,
  signal: AbortSignal,
): AsyncGenerator<LogRow> {
  const query = new URLSearchParams({ lines: String(count) });
  if (server !== undefined) query.set('server', server);
  if (isLive) query.set('follow', '1');
  for await (const { data } of gateway.stream(`/-/logs?${query}`, signal)) {
    const row = rowIn(data);
    if (row !== null) yield row;
  }
}

function rowIn(text: string): LogRow | null {
  try {
    const row = JSON.parse(text) as Partial<LogRow> | null;
    const { at, level, message } = row ?? {};
    return [at, level, message].every((part) => typeof part === 'string') ? (row as LogRow) : null;
  } catch {
    return null;
  }
}

/** Shows lines until the signal is aborted or nobody reads them, also those of a gateway that takes the place of one that stops. */
async function follow(
  first: RunningGateway,
  config: string | null,
  selection: WantedLines,
  text: LogText,
  signal: AbortSignal,
): Promise<void> {
  let gateway: RunningGateway | null = first;
  let { count } = selection;
  const seen = new SeenRows();
  while (!signal.aborted) {
    try {
      for await (const row of rows(gateway, { ...selection, count, isLive: true }, signal))
        if (seen.isNew(row) && !print(text.line(row))) return;
    } catch (error) {
      if (!(error instanceof GatewayError) || seen.isEmpty) throw error;
    }
    if (signal.aborted) return;
    say('the gateway has stopped; waiting for it');
    gateway = await next(config, signal);
    if (gateway === null) return;
    say(`a gateway runs again: ${gateway.url}`);
    count = usualLines.once;
  }
}

const say = (text: string) => output.print(2, `mcpstead: ${text}\n`);

/** Waits for a gateway; null: the signal was aborted. */
async function next(config: string | null, signal: AbortSignal): Promise<RunningGateway | null> {
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  while (!signal.aborted) {
    const gateway = await gatewayOf(config).catch(() => null);
    if (gateway !== null) return gateway;
    await Promise.race([Bun.sleep(lookMs), aborted]);
  }
  return null;
}

/** Tells rows from those that were shown before, when a stream begins anew. */
class SeenRows {
  #at = '';
  /** The rows of the latest time. */
  #latest = new Set<string>();

  get isEmpty(): boolean {
    return this.#at === '';
  }

  isNew(row: LogRow): boolean {
    if (row.at < this.#at) return false;
    const text = JSON.stringify(row);
    if (row.at > this.#at) this.#latest.clear();
    this.#at = row.at;
    if (this.#latest.has(text)) return false;
    this.#latest.add(text);
    return true;
  }
}
