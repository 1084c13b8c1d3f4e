import { existsSync } from 'node:fs';
import { GatewayError } from '../../errors.ts';
import { output } from '../../observability/output.ts';
import type { ExitCode } from '../exit-code.ts';
import { confirm } from '../terminal/confirm.ts';
import { connect } from './connect.ts';
import { importServers } from './import.ts';
import { service } from './service.ts';

interface InitOptions {
  readonly configPath: string;
  readonly isConfirmed: boolean;
}

/**
 * Takes over the servers of clients, installs the gateway as a service and writes it into the clients, each after a question. A
 * step that fails does not keep the next ones from being tried. Resolves to 1 if one has failed.
 */
export async function init({ configPath, isConfirmed }: InitOptions): Promise<ExitCode> {
  print('1. The servers of your MCP clients\n');
  const isImported = await succeeds('import', () =>
    importServers({
      source: undefined,
      configPath,
      project: null,
      isDryRun: false,
      isConfirmed,
      isJson: false,
      isStep: true,
    }),
  );
  if (!existsSync(configPath)) {
    print('\nThere is no configuration yet. Add a server, then go on with "mcpstead init":');
    print('  mcpstead add NAME URL\n  mcpstead add NAME -- COMMAND…');
    return isImported ? 0 : 1;
  }
  print('\n2. A service that starts when you log in\n');
  const isWanted = await confirm('Install it?', isConfirmed);
  const isInstalled =
    isWanted &&
    (await succeeds('service install', () =>
      service({ action: 'install', config: configPath, isDryRun: false, isJson: false }),
    ));
  if (!isInstalled) print('Without a service, start the gateway yourself: mcpstead serve --watch');

  print('\n3. Your clients\n');
  const flags = {
    all: true,
    list: false,
    replace: true,
    name: 'mcpstead',
    server: undefined,
    profile: undefined,
    'dry-run': false,
    yes: isConfirmed,
    json: false,
    config: configPath,
  };
  const isConnected = await succeeds('connect --all --replace', () => connect({ words: [], flags }));
  print('\nSee what runs: mcpstead status. Undo: mcpstead disconnect --all; mcpstead service uninstall');
  return isImported && (isInstalled || !isWanted) && isConnected ? 0 : 1;
}

/** Runs a step. Tells an error that a user can do something about, and how to repeat the step. */
async function succeeds(command: string, step: () => Promise<ExitCode>): Promise<boolean> {
  try {
    return (await step()) === 0;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind === 'usage') throw error;
    output.print(2, `mcpstead: ${error.message}\nTo try this step again: mcpstead ${command}\n`);
    return false;
  }
}

function print(text: string): void {
  output.print(1, `${text}\n`);
}
