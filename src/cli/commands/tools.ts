import { output } from '../../observability/output.ts';
import { refusedNames } from '../../registry/names.ts';
import { nodeTty } from '../../runtime/node-modules.ts';
import { type PricedTool, type ToolsReport, toolListContract } from '../contracts/tools.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { answerOf, requiredGateway, selectedServers } from '../running/admin-answers.ts';
import { columns } from '../terminal/columns.ts';
import { counted } from '../terminal/figures.ts';
import { print, printJson } from '../terminal/print.ts';
import { legible } from '../terminal/unicode.ts';
import { wholeNumber } from '../whole-number.ts';

/** What the command line asks for. */
interface ToolsOptions {
  /** Undefined: all servers. */
  readonly server: string | undefined;
  /** Whether to show what the tools of each server cost, in place of the tools. */
  readonly isCost: boolean;
  /** The text of --max-tokens. */
  readonly maxTokens: string | undefined;
  /** Null: there is no configuration. */
  readonly config: string | null;
  readonly isJson: boolean;
}

/** What a common model takes. */
const contextTokens = 200_000;
/** Longer lines are cut on a terminal. */
const maxColumns = 120;

/** Shows the tools that clients see. Resolves to 1 if they cost more tokens than they may. */
export async function tools({ server, isCost, maxTokens, config, isJson }: ToolsOptions): Promise<ExitCode> {
  const max = maxTokens === undefined ? null : wholeNumber(maxTokens, '--max-tokens');
  const gateway = await requiredGateway(config);
  const servers = await selectedServers(gateway, server);
  const path = server === undefined ? '/-/tools' : `/-/tools?server=${encodeURIComponent(server)}`;
  const report = reportOf((await answerOf(gateway, path, toolListContract)).tools, max);
  if (isJson) printJson(report);
  else print(`${legible(isCost ? costText(report) : listText(report), place)}\n`);
  const unknown = servers.filter((each) => each.enabled && !each.connected && each.tools_count === 0);
  if (unknown.length > 0) {
    const names = legible(unknown.map(({ name }) => name).join(', '), place);
    output.print(2, `mcpstead: tools of these servers are missing: ${names}; mcpstead status says why\n`);
  }
  if (max === null || report.total.tokens <= max) return 0;
  output.print(2, `mcpstead: the tools cost ${report.total.tokens} tokens, more than ${max}\n`);
  return 1;
}

function reportOf(rows: readonly PricedTool[], max: number | null): ToolsReport {
  const names = [...new Set(rows.map(({ server }) => server))];
  return {
    tools: [...rows],
    servers: names.map((name) => {
      const sum = sumOf(rows.filter(({ server }) => server === name));
      return { name, ...sum, share: Math.round((sum.tokens / contextTokens) * 10_000) / 10_000 };
    }),
    total: sumOf(rows),
    context_tokens: contextTokens,
    max_tokens: max,
    name_problems: refusedNames(rows.map(({ name }) => name)).map(({ why, ...others }) => ({
      reason: why,
      ...others,
    })),
  };
}

function sumOf(rows: readonly PricedTool[]) {
  const sum = (key: 'bytes' | 'tokens') => rows.reduce((total, row) => total + row[key], 0);
  return { tools: rows.length, bytes: sum('bytes'), tokens: sum('tokens') };
}

function listText({ tools: rows, total }: ToolsReport): string {
  if (rows.length === 0) return 'no tools';
  const lines = columns(
    rows.map(({ name, tokens, description, title }) => [name, String(tokens), description || title || '']),
    [1],
  );
  const last = `${counted(total.tools, 'tool')}, ${total.tokens} tokens (bytes ÷ 4)`;
  return [...lines.map(clipped), '', last].join('\n');
}

/** A line as a terminal shows it at once. */
function clipped(line: string): string {
  // Touching `process.stdout` would set O_NONBLOCK for every process that shares the file.
  if (!nodeTty().isatty(1) || line.length <= maxColumns) return line;
  return `${line.slice(0, maxColumns - 1).toWellFormed()}…`;
}

function costText({ servers, total, name_problems }: ToolsReport): string {
  const row = (name: string, tools: number, tokens: number) => [
    name,
    counted(tools, 'tool'),
    `${tokens} tokens`,
    `${((tokens / contextTokens) * 100).toFixed(1)} %`,
  ];
  const lines = columns(
    [
      ...servers.map(({ name, tools: count, tokens }) => row(name, count, tokens)),
      row('total', total.tools, total.tokens),
    ],
    [1, 2, 3],
  );
  const problems = name_problems.map(({ reason, count, example }) => {
    const who = count === 1 ? 'the name of 1 tool' : `the name of each of ${count} tools`;
    return `${who} ${reason}, for example ${example}`;
  });
  const note = `tokens are bytes ÷ 4 of names, descriptions and schemas; % is the share of ${contextTokens / 1000}k`;
  return [...lines, '', note, ...problems].join('\n');
}
