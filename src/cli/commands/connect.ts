import { applyConnect } from '../../clients/connect/apply.ts';
import { serverMatches } from '../../clients/connect/matches.ts';
import {
  type ConnectEdit,
  type ConnectPlan,
  type ConnectWish,
  planConnect,
} from '../../clients/connect/plan.ts';
import { shownEntry } from '../../clients/connect/shown-entry.ts';
import { SpliceRefusal } from '../../clients/connect/splice.ts';
import type { ClientRow } from '../../clients/row.ts';
import { Vault } from '../../clients/vault.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { homeDirectory } from '../../config/places.ts';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import { viewIn } from '../bridging/bridged-place.ts';
import { existingConfig } from '../config-path.ts';
import { requireAnswer, selectedClients } from '../connecting/client-selection.ts';
import { gatewayTarget } from '../connecting/gateway-target.ts';
import { tell, warn } from '../connecting/tell.ts';
import type { ConnectReport } from '../contracts/connect.ts';
import { readConfiguration } from '../editing/configuration.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { confirm } from '../terminal/confirm.ts';
import { printJson } from '../terminal/print.ts';
import { Progress } from '../terminal/progress.ts';
import { shownPath } from '../terminal/shown-path.ts';

interface ConnectArguments {
  readonly words: readonly string[];
  readonly flags: {
    readonly all: boolean;
    readonly list: boolean;
    readonly replace: boolean;
    readonly name: string;
    readonly server: string | undefined;
    readonly profile: string | undefined;
    readonly 'dry-run': boolean;
    readonly yes: boolean;
    readonly json: boolean;
    readonly config: string | undefined;
  };
}

/** What became of a plan. */
interface ConnectOutcome {
  readonly plan: ConnectPlan;
  /** The path of the backup; null if nothing was written. */
  readonly backup: string | null;
  /** Why it failed. */
  readonly failure: string | null;
}

/**
 * Writes the gateway into the files of clients, after a question. Resolves to 1 if one of them could not be connected.
 */
export async function connect({ words, flags }: ConnectArguments): Promise<ExitCode> {
  if (flags.list)
    return (await import('../connecting/client-list.ts')).listClients(words, flags.json, flags.config);
  const rows = selectedClients(words, flags.all, 'connect');
  requireAnswer(flags);
  const { wish, config } = await wishOf(flags);
  const all = rows.flatMap((row) => planConnect(row, wish));
  const plans = flags.all ? all.filter(isForAll) : all;
  if (plans.length === 0) {
    throw new GatewayError(
      'file_unusable',
      homeDirectory(place) === null
        ? 'found no client: their files are in your home directory, and HOME is not set'
        : 'found no client on this machine; "mcpstead connect --list" shows where it looks',
    );
  }
  const edits = plans.filter(({ kind }) => kind === 'edit');
  if (!flags.json) for (const plan of plans) tellPlan(plan, wish);
  const isWanted = edits.length > 0 && !flags['dry-run'] && (await confirm('Write?', flags.yes));
  const outcomes: ConnectOutcome[] = [];
  for (const plan of plans) outcomes.push(await carryOut(plan, isWanted));
  if (flags.json) {
    const clients = outcomes.map((outcome) => jsonOf(outcome, flags['dry-run']));
    const report: ConnectReport = { gateway: wish.target.url, config, dry_run: flags['dry-run'], clients };
    printJson(report);
  } else if (isWanted) for (const outcome of outcomes) tellOutcome(outcome);
  else if (edits.length > 0) tell('Nothing was written.');
  const isFailed = (outcome: ConnectOutcome) =>
    outcome.failure !== null || outcome.plan.kind === 'refused' || outcome.plan.kind === 'not_installed';
  return outcomes.some(isFailed) ? 1 : 0;
}

async function wishOf(flags: ConnectArguments['flags']): Promise<{ wish: ConnectWish; config: string }> {
  const { name, server, profile, replace } = flags;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new GatewayError('usage', `--name expects up to 64 letters, digits, "_" and "-", found "${name}"`);
  }
  const view = viewIn({ server, profile });
  const path = await existingConfig(flags.config);
  const loaded = await loadConfig(path, place.env);
  const target = gatewayTarget(loaded, view, place);
  return { wish: { place, name, target, matches: replace ? await matchesIn(loaded) : null }, config: path };
}

async function matchesIn({ path, disabled }: LoadedConfig): Promise<ConnectWish['matches']> {
  const { value: configured, variables, port } = await readConfiguration(path);
  const context = { place, configured, port, vault: new Vault(variables, place.env), project: null };
  const names = new Set(disabled.map(({ name }) => name));
  return (row, file, text) => serverMatches(row, file, text, context, names);
}

/** With --all, clients that are not there, and those that nobody can write for, are no failure. */
function isForAll({ kind, row, file }: ConnectPlan): boolean {
  return (
    file !== null && kind !== 'not_installed' && (row.connection === 'file' || row.connection === 'command')
  );
}

function tellPlan(plan: ConnectPlan, { name }: ConnectWish): void {
  const { row, file } = plan;
  const at = file === null ? row.title : shownPath(file, place);
  if (plan.kind === 'connected') tell(`${at}: ${row.title} is connected${keptText(plan.kept)}`);
  if (plan.kind === 'not_installed') {
    const looked = plan.looked.map((path) => shownPath(path, place));
    warn(`${row.title} is not installed: there is no ${looked.join(', no ')}`);
  }
  if (plan.kind === 'refused') {
    warn(`cannot connect ${row.title}: ${plan.reason}`);
    if (plan.snippet !== null)
      output.print(2, `To paste into ${pasteTarget(row, at)}:\n\n${plan.snippet}\n\n`);
  }
  if (plan.kind === 'edit') tellEdit(plan, at, name);
}

function tellEdit(edit: ConnectEdit, at: string, name: string): void {
  const replaced = edit.entries.filter(({ before }) => before !== undefined).length;
  const added = edit.entries.length - replaced;
  const counts = [added > 0 && `${added} added`, replaced > 0 && `${replaced} replaced`].filter(Boolean);
  tell(`${at}: ${counts.join(', ') || `"${name}" taken out`}${keptText(edit.kept)}`);
  for (const entry of edit.entries) {
    if (entry.before !== undefined) tell(`-  ${shownEntry(entry.name, entry.before)}`);
    tell(`+  ${shownEntry(entry.name, entry.after)}`);
  }
}

function pasteTarget(row: ClientRow, at: string): string {
  return row.connection === 'snippet' ? `the settings of ${row.title}` : at;
}

function keptText(kept: readonly { name: string; reason: string }[]): string {
  if (kept.length === 0) return '';
  return `, ${kept.length} kept (${kept.map(({ name, reason }) => `${name}: ${reason}`).join('; ')})`;
}

/** The command of Claude Code takes its time. */
const progress = new Progress();

async function carryOut(plan: ConnectPlan, isWanted: boolean): Promise<ConnectOutcome> {
  if (plan.kind !== 'edit' || !isWanted) return { plan, backup: null, failure: null };
  try {
    const { path } = await progress.track(
      `connecting ${plan.row.title}`,
      applyConnect(plan.row, plan, place),
    );
    return { plan, backup: path, failure: null };
  } catch (error) {
    if (error instanceof GatewayError || error instanceof SpliceRefusal) {
      return { plan, backup: null, failure: error.message };
    }
    throw error;
  }
}

function tellOutcome({ plan, backup, failure }: ConnectOutcome): void {
  const { row } = plan;
  if (failure !== null) warn(`cannot connect ${row.title}: ${failure}`);
  if (backup === null) return;
  tell(`Backup: ${shownPath(backup, place)}`);
  tell(`${row.restart} Undo: mcpstead disconnect ${row.id}`);
}

function jsonOf({ plan, backup, failure }: ConnectOutcome, isDry: boolean): ConnectReport['clients'][number] {
  const { row, file, kind } = plan;
  const entries = plan.kind === 'edit' ? plan.entries : [];
  const done = isDry ? 'planned' : failure === null ? 'connected' : 'failed';
  return {
    client: row.id,
    title: row.title,
    file,
    outcome: kind === 'edit' ? done : kind === 'connected' ? 'unchanged' : kind,
    reason: failure ?? (plan.kind === 'refused' ? plan.reason : null),
    snippet: plan.kind === 'refused' ? plan.snippet : null,
    added: entries.flatMap(({ name, before }) => (before === undefined ? [name] : [])),
    replaced: entries.flatMap(({ name, before }) =>
      before === undefined
        ? []
        : [{ name, server: plan.kind === 'edit' ? (plan.servers.get(name) ?? null) : null }],
    ),
    kept: plan.kind === 'edit' || plan.kind === 'connected' ? [...plan.kept] : [],
    backup,
    restart: kind === 'edit' ? row.restart : null,
  };
}
