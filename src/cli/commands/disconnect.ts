import { applyDisconnect } from '../../clients/connect/apply.ts';
import { type DisconnectPlan, planDisconnect } from '../../clients/connect/plan-disconnect.ts';
import { SpliceRefusal } from '../../clients/connect/splice.ts';
import { GatewayError } from '../../errors.ts';
import { requireAnswer, selectedClients } from '../connecting/client-selection.ts';
import { gatewayPort } from '../connecting/gateway-port.ts';
import { tell, warn } from '../connecting/tell.ts';
import type { DisconnectReport } from '../contracts/connect.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { confirm } from '../terminal/confirm.ts';
import { printJson } from '../terminal/print.ts';
import { Progress } from '../terminal/progress.ts';
import { shownPath } from '../terminal/shown-path.ts';

interface DisconnectArguments {
  readonly words: readonly string[];
  readonly flags: {
    readonly all: boolean;
    readonly restore: boolean;
    readonly 'dry-run': boolean;
    readonly yes: boolean;
    readonly json: boolean;
    readonly config: string | undefined;
  };
}

/** What became of a plan, and why it failed. */
interface DisconnectOutcome {
  readonly plan: DisconnectPlan;
  readonly isDone: boolean;
  readonly failure: string | null;
}

/** Takes the gateway out of the files of clients, after a question. Resolves to 1 if that failed for one of them. */
export async function disconnect({ words, flags }: DisconnectArguments): Promise<ExitCode> {
  const rows = selectedClients(words, flags.all, 'disconnect');
  requireAnswer(flags);
  const port = gatewayPort(flags.config);
  const found = rows.flatMap((row) => planDisconnect(row, place, flags.restore, port));
  const plans = flags.all ? found.filter(isForAll) : found;
  if (!flags.json) {
    for (const plan of plans) tellPlan(plan);
    if (plans.length === 0) tell('No client is connected.');
  }
  const hasEdits = plans.some(({ kind }) => kind === 'edit');
  const isWanted = hasEdits && !flags['dry-run'] && (await confirm('Write?', flags.yes));
  const outcomes: DisconnectOutcome[] = [];
  for (const plan of plans) outcomes.push(await carryOut(plan, isWanted));
  if (flags.json) {
    const clients = outcomes.map((outcome) => jsonOf(outcome, flags['dry-run']));
    const report: DisconnectReport = { dry_run: flags['dry-run'], clients };
    printJson(report);
  } else {
    if (hasEdits && !isWanted) tell('Nothing was written.');
    for (const { plan, isDone, failure } of outcomes) {
      if (failure !== null) warn(`cannot disconnect ${plan.row.title}: ${failure}`);
      if (isDone) tell(`${plan.row.title} is disconnected. ${plan.row.restart}`);
    }
  }
  return outcomes.some(({ plan, failure }) => failure !== null || plan.kind === 'refused') ? 1 : 0;
}

/** With --all, what is not connected is no news, nor is a backup that does not exist. */
function isForAll(plan: DisconnectPlan): boolean {
  return plan.kind === 'edit' || (plan.kind === 'refused' && plan.file !== null);
}

function tellPlan(plan: DisconnectPlan): void {
  const { row, file } = plan;
  const at = file === null ? row.title : shownPath(file, place);
  if (plan.kind === 'not_connected') tell(`${at}: ${row.title} is not connected`);
  if (plan.kind === 'refused') warn(`cannot disconnect ${row.title}: ${plan.reason}`);
  if (plan.kind !== 'edit') return;
  const { removed, restored, kept, text } = plan.undone;
  const parts = [
    ...(removed.length > 0 ? [`takes out ${removed.join(', ')}`] : []),
    ...(restored.length > 0 ? [`puts back ${restored.join(', ')}`] : []),
    ...(text === null ? ['removes the file, which "mcpstead connect" has made'] : []),
  ];
  tell(`${at}: ${parts.join('; ') || 'nothing to take out'}`);
  if (kept.length === 0) return;
  const why = plan.backup === null ? 'there is no backup of what they replaced' : 'they were changed since';
  tell(`  stays: ${kept.join(', ')} (${why})`);
}

/** The command of Claude Code takes its time. */
const progress = new Progress();

async function carryOut(plan: DisconnectPlan, isWanted: boolean): Promise<DisconnectOutcome> {
  if (plan.kind !== 'edit' || !isWanted) return { plan, isDone: false, failure: null };
  try {
    await progress.track(`disconnecting ${plan.row.title}`, applyDisconnect(plan.row, plan, place));
    return { plan, isDone: true, failure: null };
  } catch (error) {
    if (error instanceof GatewayError || error instanceof SpliceRefusal) {
      return { plan, isDone: false, failure: error.message };
    }
    throw error;
  }
}

function jsonOf({ plan, failure }: DisconnectOutcome, isDry: boolean): DisconnectReport['clients'][number] {
  const { row, file, kind } = plan;
  const undone = plan.kind === 'edit' ? plan.undone : { removed: [], restored: [], kept: [] };
  const done = isDry ? 'planned' : failure === null ? 'disconnected' : 'failed';
  return {
    client: row.id,
    title: row.title,
    file,
    outcome: kind === 'edit' ? done : kind,
    reason: failure ?? (plan.kind === 'refused' ? plan.reason : null),
    removed: [...undone.removed],
    restored: [...undone.restored],
    kept: [...undone.kept],
    backup: plan.kind === 'edit' ? (plan.backup?.path ?? null) : null,
    restart: kind === 'edit' ? row.restart : null,
  };
}
