import { type Command, defineCommand } from '../command.ts';
import { configFlag, helpFlag } from '../common-flags.ts';

export const service = defineCommand({
  name: 'service',
  summary: 'Start the gateway at login, as a service of your user account',
  group: 'Install',
  details: [
    'It uses launchd on macOS, systemd on Linux and the Task Scheduler on Windows, without administrator rights. The service ' +
      'has the PATH of your login shell, reloads when its configuration changes, and restarts after a failure. It does not see ' +
      'the variables of your shell: put them into mcpstead.env beside the configuration.',
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
      summary: 'Install it, or update it after the program or PATH has changed',
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
    summary: 'Print a shell script that completes commands and options',
    group: 'Install',
    details: [
      'Homebrew installs the scripts. Otherwise, add the line for your shell to the file named beside it.',
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
