import type { SituationName } from './situations.ts';

/** What a command does in a situation. `{home}`, `{port}` and `{upstream}` stand for those of the situation. */
export interface Outcome {
  readonly exitCode: 0 | 1 | 2;
  /** The decisive words on stdout. */
  readonly stdout?: readonly string[];
  /** The decisive words on stderr; without this, nothing is written there. */
  readonly stderr?: readonly string[];
  /** The files below the home that it changes. By default none. */
  readonly changes?: readonly string[];
  /** In place of that of the row. */
  readonly until?: string;
}

/** A command line, and what it does in each situation. */
export interface CommandRow {
  readonly args: readonly string[];
  /** What it reads. */
  readonly input?: string;
  /** A command that goes on: when this is written, it is told to end, by the end of its input or by SIGTERM. */
  readonly until?: string;
  /** A command that has run before, in the best of circumstances. */
  readonly before?: readonly string[];
  /** Whether it looks for the gateway, and so removes the file of one that is gone. */
  readonly looksForGateway: boolean;
  readonly outcomes: Readonly<Record<SituationName, Outcome>>;
}

/** Outcomes by situation; those that are not given are like `usual`. */
function outcomes(
  usual: Outcome,
  others: Partial<Record<SituationName, Outcome>> = {},
): CommandRow['outcomes'] {
  return {
    'a running gateway': usual,
    'a stopped gateway': usual,
    'a stale state file': usual,
    'a foreign process on the port': usual,
    'no HOME': usual,
    'no HOME and a named configuration': usual,
    'a read-only HOME': usual,
    ...others,
  };
}

const yaml = '.config/mcpstead/mcpstead.yaml';
const env = '.config/mcpstead/mcpstead.env';
const cursor = '.cursor/mcp.json';

const needsConfig: Outcome = {
  exitCode: 2,
  stderr: ['since HOME is not set: pass --config FILE or set MCPSTEAD_CONFIG=FILE\n'],
};
const noGateway: Outcome = {
  exitCode: 1,
  stderr: [
    'mcpstead: no gateway runs\nTo start it now: mcpstead serve\nTo have it always: mcpstead service install\n',
  ],
};
const noGatewayKnown: Outcome = {
  exitCode: 1,
  stderr: ['no gateway runs, as far as can be known without HOME\nTo name a configuration: --config FILE\n'],
};
const needsGateway = { ...outcomes(noGateway), 'no HOME': noGatewayKnown };
const cannotWrite = (file: string): Outcome => ({
  exitCode: 1,
  stderr: [`nothing is written: {home}/${file}: permission denied; for another place pass --config FILE\n`],
});
const homeOfService: Outcome = {
  exitCode: 1,
  stderr: ["HOME is not set, so there is no place for the service's file; set it to your home directory\n"],
};

/** Outcomes of a command that edits the configuration. @param done what it says, up to the name of the file */
function editing(done: string): CommandRow['outcomes'] {
  const edited = (where: string, outcome: string): Outcome => ({
    exitCode: 0,
    stdout: [`${done} ${where}/${yaml}. ${outcome}\n`],
    changes: [yaml],
  });
  const started = 'No gateway runs with this file; to start one: mcpstead serve';
  return outcomes(edited('~', started), {
    'a running gateway': edited('~', 'The gateway at http://127.0.0.1:{port}/mcp has reloaded.'),
    'no HOME': needsConfig,
    'no HOME and a named configuration': edited('{home}', started),
    'a read-only HOME': cannotWrite(yaml),
  });
}

const examined = (port: string): Outcome => ({
  exitCode: 0,
  stdout: [port, 'is valid\n', 'up: connected over streamable', '\nno problems\n'],
});

/** A client's lines: it opens a session, and calls a tool. */
const callLines = [
  {
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'lines', version: '1' },
    },
  },
  { method: 'notifications/initialized' },
  {
    id: 2,
    method: 'tools/call',
    params: { name: 'up__demo__echo', arguments: { text: 'through a bridge' } },
  },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');
const called = '{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"through a bridge"}]}}\n';
const startedByBridge: Outcome = {
  exitCode: 0,
  stdout: [called],
  stderr: [`mcpstead stdio: no gateway runs; starting one with {home}/${yaml}\n`],
};

const noSystemd = [
  'systemd runs no services for this user here: Failed to connect to bus.\n',
  'let that run "mcpstead serve --watch".\n',
];
const initialized: Outcome = {
  exitCode: 1,
  stdout: [
    'Wrote ~/.config/mcpstead/mcpstead.yaml (+1), mcpstead.env (1 value, mode 600).\n',
    'Without a service, start the gateway yourself: mcpstead serve --watch\n',
    '+  "notes": { "url": "http://127.0.0.1:{port}/mcp/notes" }\n',
    'Undo: mcpstead disconnect --all; mcpstead service uninstall\n',
  ],
  stderr: [...noSystemd, 'To try this step again: mcpstead service install\n'],
  changes: [env, yaml, cursor],
};
const imported = (next: string): Outcome => ({
  exitCode: 0,
  stdout: [
    `Wrote ~/.config/mcpstead/mcpstead.yaml (+1), mcpstead.env (1 value, mode 600).\n${next}connect --all\n`,
  ],
  changes: [env, yaml],
});
const connected: Outcome = {
  exitCode: 0,
  stdout: [
    '~/.cursor/mcp.json: 1 added\n+  "mcpstead": { "url": "http://127.0.0.1:{port}/mcp" }\n',
    'Undo: mcpstead disconnect cursor\n',
  ],
  changes: [cursor],
};
const noBackups: Outcome = {
  exitCode: 1,
  stderr: ['cannot disconnect Cursor: there is no directory for backups, since HOME is not set'],
};
const served: Outcome = {
  exitCode: 0,
  stderr: ['"message":"serving http://127.0.0.1:{port}/mcp"', '"message":"shutdown finished"'],
};
const noState = 'the state directory cannot be used: client sessions do not survive a restart; set state_dir';
const portTaken = 'cannot listen on 127.0.0.1 port {port}: the port is in use; stop what listens there';
const servesWithoutState = { ...served, stderr: [noState, ...(served.stderr ?? [])] };

/** Command lines of every command. The first word of each is the command. */
export const commandRows: readonly CommandRow[] = [
  {
    args: ['init', '--yes'],
    looksForGateway: true,
    outcomes: outcomes(initialized, {
      'no HOME': needsConfig,
      'no HOME and a named configuration': {
        exitCode: 1,
        stdout: ['No files of MCP clients were found.'],
        stderr: [
          ...(homeOfService.stderr ?? []),
          'found no client: their files are in your home directory, and HOME is not set\n',
        ],
      },
      'a read-only HOME': {
        exitCode: 1,
        stderr: [
          ...(cannotWrite(env).stderr ?? []),
          'To try this step again: mcpstead import\n',
          'cannot connect Cursor: the backup in {home}/.local/state/mcpstead/backups/cursor cannot be written: permission denied\n',
        ],
      },
    }),
  },
  {
    args: ['demo', '--port', '0'],
    until: 'Ctrl-C ends the demo.',
    looksForGateway: false,
    outcomes: outcomes({
      exitCode: 0,
      stdout: ['The demo serves http://127.0.0.1:', 'curl -sS '],
      stderr: ['"message":"shutdown finished"'],
    }),
  },
  {
    args: ['import', '--yes'],
    looksForGateway: true,
    outcomes: outcomes(imported('Next: mcpstead serve, then mcpstead '), {
      'a running gateway': imported(
        'The gateway at http://127.0.0.1:{port}/mcp serves them. Next: mcpstead ',
      ),
      'no HOME': needsConfig,
      'no HOME and a named configuration': {
        exitCode: 0,
        stdout: ['No files of MCP clients were found. To read another file: mcpstead import FILE\n'],
      },
      'a read-only HOME': cannotWrite(env),
    }),
  },
  {
    args: ['connect', 'cursor', '--yes'],
    looksForGateway: false,
    outcomes: outcomes(connected, {
      'no HOME': needsConfig,
      'no HOME and a named configuration': {
        exitCode: 1,
        stderr: [
          'cannot connect Cursor: there is no home directory: HOME is not set\nTo paste into Cursor:\n',
          '"url": "http://127.0.0.1:{port}/mcp"\n',
        ],
      },
      'a read-only HOME': {
        exitCode: 1,
        stderr: [
          'cannot connect Cursor: the backup in {home}/.local/state/mcpstead/backups/cursor cannot be written: permission denied\n',
        ],
      },
    }),
  },
  {
    args: ['disconnect', 'cursor', '--yes'],
    before: ['connect', 'cursor', '--yes'],
    looksForGateway: false,
    outcomes: outcomes(
      {
        exitCode: 0,
        stdout: ['~/.cursor/mcp.json: takes out mcpstead\nCursor is disconnected. '],
        changes: [cursor],
      },
      {
        'no HOME': noBackups,
        'no HOME and a named configuration': noBackups,
        'a read-only HOME': {
          exitCode: 1,
          stderr: ['cannot disconnect Cursor: {home}/.cursor/mcp.json is read-only\n'],
        },
      },
    ),
  },
  {
    args: ['serve'],
    until: 'serving http://',
    looksForGateway: true,
    outcomes: outcomes(served, {
      'a running gateway': {
        exitCode: 1,
        stderr: [portTaken, `A gateway runs there already, with {home}/${yaml}: mcpstead status\n`],
      },
      'a foreign process on the port': { exitCode: 1, stderr: [portTaken] },
      'no HOME': needsConfig,
      'no HOME and a named configuration': servesWithoutState,
      'a read-only HOME': servesWithoutState,
    }),
  },
  {
    args: ['check', '--connect'],
    looksForGateway: false,
    outcomes: outcomes(
      {
        exitCode: 0,
        stdout: [`{home}/${yaml} is valid.\n`, 'http://127.0.0.1:{port}/mcp\n', 'yes, over streamable with'],
        stderr: [],
      },
      { 'no HOME': needsConfig },
    ),
  },
  {
    args: ['status'],
    looksForGateway: true,
    outcomes: {
      ...needsGateway,
      'a running gateway': {
        exitCode: 0,
        stdout: ['http://127.0.0.1:{port}/mcp', '\nup ', 'ready', '5 tools', 'run: mcpstead enable off\n'],
      },
    },
  },
  {
    args: ['status', '--json'],
    looksForGateway: true,
    outcomes: {
      ...outcomes({ ...noGateway, stdout: ['{"running":false,"gateway":null}\n'] }),
      'no HOME': { ...noGatewayKnown, stdout: ['{"running":false,"gateway":null}\n'] },
      'a running gateway': {
        exitCode: 0,
        stdout: ['{"running":true,"gateway":{', '"url":"http://127.0.0.1:{port}/mcp"'],
      },
    },
  },
  {
    args: ['tools', '--cost'],
    looksForGateway: true,
    outcomes: {
      ...needsGateway,
      'a running gateway': { exitCode: 0, stdout: ['up ', '5 tools', ' tokens'] },
    },
  },
  {
    args: ['call', 'up.demo__add', 'a=2', 'b=3'],
    looksForGateway: true,
    outcomes: outcomes({ exitCode: 0, stdout: ['5'] }, { 'no HOME': needsConfig }),
  },
  {
    args: ['doctor'],
    looksForGateway: true,
    outcomes: outcomes(examined('port: {port} is free: no gateway runs\n'), {
      'a running gateway': examined("port: {port} is the gateway's: http://127.0.0.1:{port}/mcp\n"),
      'a foreign process on the port': {
        exitCode: 1,
        stdout: ['listens on 127.0.0.1:{port}, and is no gateway of yours\n', '\n1 problem\n'],
      },
      'no HOME': {
        exitCode: 1,
        stdout: ['configuration: none can be found without HOME\n', 'set HOME, or pass --config FILE\n'],
      },
      'no HOME and a named configuration': {
        exitCode: 1,
        stdout: ['state: there is no directory for it', '→ set HOME, or "state_dir"', '\n1 problem\n'],
      },
      'a read-only HOME': {
        exitCode: 1,
        stdout: ['state: ~/.local/state/mcpstead cannot be written', '\n1 problem\n'],
      },
    }),
  },
  {
    args: ['logs', 'up'],
    looksForGateway: true,
    outcomes: {
      ...needsGateway,
      'a running gateway': { exitCode: 0, stdout: ['INFO', 'upstream connected'] },
    },
  },
  {
    args: ['add', 'second', '{upstream}'],
    looksForGateway: true,
    outcomes: editing('Added second to'),
  },
  { args: ['remove', 'up'], looksForGateway: true, outcomes: editing('Removed up from') },
  { args: ['enable', 'off'], looksForGateway: true, outcomes: editing('Enabled off in') },
  { args: ['disable', 'up'], looksForGateway: true, outcomes: editing('Disabled up in') },
  {
    args: ['service', 'install'],
    looksForGateway: false,
    outcomes: outcomes(
      { exitCode: 1, stderr: noSystemd },
      { 'no HOME': needsConfig, 'no HOME and a named configuration': homeOfService },
    ),
  },
  {
    args: ['service', 'install', '--dry-run'],
    looksForGateway: false,
    outcomes: outcomes(
      {
        exitCode: 0,
        stdout: [
          '{home}/.config/systemd/user/mcpstead.service',
          'serve --watch --config',
          'systemctl --user',
        ],
      },
      { 'no HOME': needsConfig, 'no HOME and a named configuration': homeOfService },
    ),
  },
  {
    args: ['service', 'status'],
    looksForGateway: false,
    outcomes: outcomes(
      { exitCode: 1, stdout: ['No service is installed. To install it: mcpstead service install\n'] },
      { 'no HOME': homeOfService, 'no HOME and a named configuration': homeOfService },
    ),
  },
  {
    args: ['stdio'],
    input: callLines,
    until: '"id":2,',
    looksForGateway: true,
    outcomes: outcomes(startedByBridge, {
      'a running gateway': { exitCode: 0, stdout: [called] },
      'a foreign process on the port': {
        exitCode: 0,
        stderr: [`no gateway runs: ${portTaken}`],
        until: 'the port is in use',
      },
      'no HOME': {
        exitCode: 2,
        stdout: ['"id":1,"error":{"code":-32000,"message":"no gateway runs, and there is no configuration'],
        stderr: ['no gateway runs, and there is no configuration to start one with; '],
      },
      'no HOME and a named configuration': {
        exitCode: 2,
        stdout: ['"id":1,"error":{"code":-32000,"message":"no gateway runs, and none can be started without'],
        stderr: ['none can be started without a state directory: set HOME, or state_dir'],
      },
      'a read-only HOME': {
        exitCode: 2,
        stdout: [
          '"id":1,"error":{"code":-32000,"message":"no gateway runs, and none can be started, because',
        ],
        stderr: ['{home}/.local/state/mcpstead cannot be written: permission denied; set XDG_STATE_HOME'],
      },
    }),
  },
  {
    args: ['completions', 'bash'],
    looksForGateway: false,
    outcomes: outcomes({ exitCode: 0, stdout: ['complete ', 'mcpstead\n'] }),
  },
];
