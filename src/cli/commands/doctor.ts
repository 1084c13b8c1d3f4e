import { existsSync } from 'node:fs';
import { defaultPort } from '../../config/default-port.ts';
import { envFilePath } from '../../config/env-file.ts';
import { customaryConfigPath } from '../../config/places.ts';
import { warningsOf } from '../../config/warnings.ts';
import { GatewayError } from '../../errors.ts';
import { absolutePath } from '../absolute-path.ts';
import type { Check, DoctorReport } from '../contracts/doctor.ts';
import { type Configuration, readConfiguration } from '../editing/configuration.ts';
import { good, note, problem } from '../examining/checks.ts';
import { clientChecks } from '../examining/client-checks.ts';
import { commandChecks, secretChecks } from '../examining/command-checks.ts';
import { gatewayChecks, stateChecks } from '../examining/gateway-checks.ts';
import { serverChecks } from '../examining/server-checks.ts';
import type { ExitCode } from '../exit-code.ts';
import { place } from '../place.ts';
import { gatewayLocation } from '../running/gateway-location.ts';
import { findRunningGateway, type RunningGateway } from '../running/running-gateway.ts';
import { readInstalled, serviceManager } from '../service/installed.ts';
import { counted } from '../terminal/figures.ts';
import { print, printJson } from '../terminal/print.ts';
import { shownPath } from '../terminal/shown-path.ts';
import { hasUnicode } from '../terminal/unicode.ts';

/**
 * Looks for what may be wrong with the configuration, the gateway, its servers and clients, and says what mends it. Resolves to 1 if
 * there are problems. @param config null: there is no configuration
 */
export async function doctor(config: string | null, isJson: boolean): Promise<ExitCode> {
  const report = reportOf(await allChecks(config));
  if (isJson) printJson(report);
  else print(`${reportText(report, hasUnicode(place))}\n`);
  return report.ok ? 0 : 1;
}

/** Without HOME, "mcpstead init" could not make one. */
function noConfiguration(): Check {
  if (customaryConfigPath(place) !== null) return problem('configuration', 'there is none', 'mcpstead init');
  return problem('configuration', 'none can be found without HOME', 'set HOME, or pass --config FILE');
}

async function allChecks(config: string | null): Promise<Check[]> {
  const location = gatewayLocation(config, place);
  const state = stateChecks(location.directory, place);
  if (config === null) {
    return [
      noConfiguration(),
      ...state,
      ...clientChecks({ value: {}, port: defaultPort, variables: new Map() }, place),
    ];
  }
  const service = installedService();
  let configuration: Configuration;
  try {
    configuration = await readConfiguration(config);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const isOpen = /chmod 600/.test(error.message);
    const fix = isOpen ? `chmod 600 ${envFilePath(config)}` : `fix it, then: mcpstead check`;
    return [
      problem('configuration', error.message, fix, shownPath(config, place)),
      ...service.checks,
      ...state,
    ];
  }
  const { loaded, value, port, variables, path, envPath } = configuration;
  const gateway = await runningOr(location);
  const absolute = absolutePath(path);
  const host = loaded?.config.host ?? '127.0.0.1';
  const facts = {
    host,
    port,
    configPath: absolute,
    gateway: gateway.found,
    isServiceInstalled: service.isInstalled,
  };
  return [
    good('configuration', 'is valid', shownPath(absolute, place)),
    ...(loaded === null ? [] : warningsOf(loaded).map((warning) => note('configuration', warning, null))),
    ...secretChecks(path, existsSync(envPath)),
    ...gateway.checks,
    ...(gateway.checks.length > 0 ? [] : gatewayChecks(facts, place)),
    ...service.checks,
    ...state,
    ...commandChecks(loaded?.config.servers ?? [], service, place),
    ...(loaded === null ? [] : await serverChecks(loaded, gateway.found !== null)),
    ...clientChecks({ value, port, variables }, place),
  ];
}

/** The running gateway, or a problem if it cannot be told which one. */
async function runningOr(
  location: Parameters<typeof findRunningGateway>[0],
): Promise<{ readonly found: RunningGateway | null; readonly checks: Check[] }> {
  try {
    return { found: await findRunningGateway(location), checks: [] };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { found: null, checks: [problem('gateway', error.message, null)] };
  }
}

/** The service, as its file says. */
function installedService(): {
  readonly isInstalled: boolean;
  readonly path: string | null;
  readonly checks: Check[];
} {
  try {
    const record = readInstalled(serviceManager(place))?.record ?? null;
    if (record === null) return { isInstalled: false, path: null, checks: [] };
    const missing = record.program.filter((path) => !existsSync(path));
    const checks =
      missing.length === 0
        ? [good('service', `is installed for ${shownPath(record.config, place)}`)]
        : [problem('service', `it starts ${missing.join(', ')}, which is gone`, 'mcpstead service install')];
    return { isInstalled: true, path: record.path, checks };
  } catch (error) {
    // Not every system has a manager of services, or a home for its file.
    if (!(error instanceof GatewayError)) throw error;
    return { isInstalled: false, path: null, checks: [] };
  }
}

function reportOf(checks: readonly Check[]): DoctorReport {
  const count = (status: Check['status']) => checks.filter((check) => check.status === status).length;
  const order = ['problem', 'note', 'ok'];
  return {
    ok: count('problem') === 0,
    problems: count('problem'),
    notes: count('note'),
    checks: checks.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status)),
  };
}

const marks = {
  unicode: { problem: '✗', note: '•', ok: '✓', arrow: '→' },
  ascii: { problem: 'FAIL', note: 'note', ok: 'ok  ', arrow: '->' },
};

function reportText({ checks, problems }: DoctorReport, isUnicode: boolean): string {
  const { arrow, ...signs } = isUnicode ? marks.unicode : marks.ascii;
  const indent = ' '.repeat(signs.problem.length + 1);
  const lines = checks.map(({ area, subject, status, message, fix }) => {
    const text = `${subject ?? area}: ${message.trimEnd()}`.replaceAll('\n', `\n${indent}`);
    return `${signs[status]} ${text}${fix === null ? '' : `\n${indent}${arrow} ${fix}`}`;
  });
  const end = problems === 0 ? 'no problems' : counted(problems, 'problem');
  return [...lines, '', end].join('\n');
}
