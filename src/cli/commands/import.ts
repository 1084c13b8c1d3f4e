import { entriesToAdd, type PlannedServer, planImport } from '../../clients/plan.ts';
import { Vault } from '../../clients/vault.ts';
import { GatewayError, messageOf } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { gatewayServing } from '../editing/apply.ts';
import { newTexts, readConfiguration, writeBoth } from '../editing/configuration.ts';
import type { ExitCode } from '../exit-code.ts';
import { reportOf, tableOf } from '../importing/report.ts';
import { sourcesOf } from '../importing/sources.ts';
import { place } from '../place.ts';
import { askSecret, canAsk } from '../terminal/ask.ts';
import { confirm } from '../terminal/confirm.ts';
import { counted } from '../terminal/figures.ts';
import { printJson } from '../terminal/print.ts';
import { Progress } from '../terminal/progress.ts';
import { shownPath } from '../terminal/shown-path.ts';

/** What the command line asks for. */
interface ImportOptions {
  /** A client, a file, or `-`; undefined: all clients. */
  readonly source: string | undefined;
  /** The configuration to add servers to. */
  readonly configPath: string;
  /** The folder of a project, absolute; null: none. */
  readonly project: string | null;
  readonly isDryRun: boolean;
  readonly isConfirmed: boolean;
  readonly isJson: boolean;
  /** Whether more steps follow by themselves, so that none needs to be named. */
  readonly isStep: boolean;
}

/**
 * Adds the servers of clients to the configuration, and their secrets to `mcpstead.env` beside it, after a question. Resolves to 1
 * if a file of a client cannot be read; the servers of the others are added all the same.
 */
export async function importServers(options: ImportOptions): Promise<ExitCode> {
  const { source, configPath, project, isDryRun, isConfirmed, isJson, isStep } = options;
  const configuration = await readConfiguration(configPath);
  const files = await sourcesOf(source, project);
  const vault = new Vault(configuration.variables, place.env);
  const { value: configured, port } = configuration;
  const planned = planImport(files, { place, configured, port, vault, project });
  for (const { path, fault } of files) {
    if (fault !== null) output.print(2, `mcpstead: ${shownPath(path, place)} ${fault}\n`);
  }
  const exitCode: ExitCode = files.some(({ fault }) => fault !== null) ? 1 : 0;
  if (!isJson)
    output.print(1, `${planned.length === 0 ? nothingFound(files.length) : tableOf(planned, vault)}\n`);

  const added = planned.filter(({ action }) => action === 'added').length;
  if (!isDryRun && added > 0 && !isConfirmed && canAsk()) await askMissing(planned, vault);
  const texts = added > 0 ? newTexts(configuration, entriesToAdd(planned, vault), vault.added) : null;
  const values = vault.added.size;
  const env = values === 0 ? '' : `, mcpstead.env (${counted(values, 'value')}, mode 600)`;
  const change = `${shownPath(configPath, place)} (+${added})${env}`;
  let isWritten = false;
  let reload: ReloadResult | null = null;
  if (texts !== null && isDryRun && !isJson) output.print(1, `Would write ${change}.\n`);
  if (texts !== null && !isDryRun && (await confirm(`Writes ${change}. Write?`, isConfirmed))) {
    writeBoth(configuration, texts);
    isWritten = true;
    if (!isJson) output.print(1, `Wrote ${change}.\n`);
    reload = await new Progress().track('reloading the gateway', reloadGateway(configPath));
    if (!isJson && !isStep) output.print(1, `${nextStep(reload)}\n`);
  }
  if (isJson) {
    const { servers, ...others } = reportOf(planned, files, vault);
    const paths = { config: configPath, env_file: configuration.envPath };
    const report = { written: isWritten, dry_run: isDryRun, ...paths, servers, ...others, reload };
    printJson(report);
  }
  return exitCode;
}

/** What a gateway says of its reload, or why it made none. */
type ReloadResult = { readonly error: string } | { readonly url: string; readonly result: unknown };

/** Has the gateway of this configuration read it again; null: none runs. The import is done whatever comes of it. */
async function reloadGateway(configPath: string): Promise<ReloadResult | null> {
  try {
    const gateway = await gatewayServing(configPath);
    if (gateway === null) return null;
    return { url: gateway.url, result: await gateway.post('/-/reload') };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function nextStep(reload: ReloadResult | null): string {
  if (reload === null) return 'Next: mcpstead serve, then mcpstead connect --all';
  if ('error' in reload) return `The running gateway could not reload: ${reload.error}`;
  return `The gateway at ${reload.url} serves them. Next: mcpstead connect --all`;
}

function nothingFound(files: number): string {
  return files === 0
    ? 'No files of MCP clients were found. To read another file: mcpstead import FILE'
    : `No servers in ${counted(files, 'file')} of MCP clients.`;
}

/** Asks for the values that clients ask their users for. Without an answer the server stays off. */
async function askMissing(planned: readonly PlannedServer[], vault: Vault): Promise<void> {
  const asked = new Map(
    planned.flatMap(({ missing }) => missing.map((variable) => [variable.name, variable])),
  );
  for (const { name, question } of asked.values()) {
    const what = question === null ? name : `${name} (${question})`;
    const value =
      (await askSecret(`Value of ${what}, or Enter to leave its servers off:`, 'pass --yes')) ?? '';
    if (/[\0\r\n]/.test(value)) throw new GatewayError('usage', `the value of ${name} is no line of text`);
    if (value !== '') vault.set(name, value);
  }
}
