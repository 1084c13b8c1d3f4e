import { type Command, defineCommand } from '../command.ts';
import { configFlag, helpFlag } from '../common-flags.ts';

export const service = defineCommand({
  name: 'service',
  summary: 'Run the gateway as a service of your own, from log-in on',
  group: 'Install',
  details: [
    'With launchd on macOS, systemd on Linux and the Task Scheduler on Windows; none needs an administrator. The service has ' +
      'the PATH of your login shell, reloads when its configuration changes, and starts again after a failure. Variables of your ' +
      'shell do not reach it: those belong into mcpstead.env beside the configuration.',
  ],
  positionals: [
    {
      name: 'ACTION',
      summary: 'What to do',
      isRequired: true,
      choices: ['install', 'uninstall', 'status'],
    },
  ],
  flags: {
    config: configFlag,
    'dry-run': {
      type: 'boolean',
      summary: 'Show the file and the commands of an installation, and change nothing',
    },
    json: { type: 'boolean', summary: 'Show the status as JSON' },
    help: helpFlag,
  },
  examples: [
    {
      line: 'mcpstead service install',
      summary: 'Install it, or replace it after a move of the program or a new PATH',
    },
    { line: 'mcpstead service status', summary: 'Show whether it runs, and where its log is' },
  ],
  run: async ({ words: [action = ''], flags }) =>
    (await import('../commands/service.ts')).service({
      action,
      config: flags.config,
      isDryRun: flags['dry-run'],
      isJson: flags.json,
    }),
});

/** @param program the program and its commands, which are complete only after this one is defined */
export function completionsOf(
  program: () => { readonly root: Command; readonly commands: readonly Command[] },
): Command {
  return defineCommand({
    name: 'completions',
    summary: 'Print a script that makes a shell complete commands and options',
    group: 'Install',
    details: [
      'Homebrew installs the scripts itself. Elsewhere, add the line of your shell below to its own file.',
    ],
    positionals: [
      {
        name: 'SHELL',
        summary: 'The shell',
        isRequired: true,
        choices: ['bash', 'zsh', 'fish', 'powershell'],
      },
    ],
    flags: { help: helpFlag },
    examples: [
      { line: 'source <(mcpstead completions bash)', summary: 'In ~/.bashrc' },
      { line: 'source <(mcpstead completions zsh)', summary: 'In ~/.zshrc, after compinit' },
      { line: 'mcpstead completions fish | source', summary: 'In ~/.config/fish/config.fish' },
      {
        line: 'mcpstead completions powershell | Out-String | Invoke-Expression',
        summary: 'In $PROFILE',
      },
    ],
    run: async ({ words: [shell = ''] }) => {
      const { root, commands } = program();
      return (await import('../commands/completions.ts')).completions(shell, root, commands);
    },
  });
}
