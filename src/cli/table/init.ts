import { defineCommand } from '../command.ts';
import { configFlag, helpFlag, yesFlag } from '../common-flags.ts';
import { configPath } from '../config-path.ts';

export const init = defineCommand({
  name: 'init',
  summary: 'Import your servers, install a service, connect your clients',
  group: 'Get started',
  details: [
    'Three steps with a question each: "import", "service install" and "connect --all --replace". Each can be done alone, and undone: ' +
      'by "disconnect", by "service uninstall", and by removing the configuration.',
  ],
  flags: { config: configFlag, yes: yesFlag, help: helpFlag },
  examples: [{ line: 'mcpstead init', summary: 'Ask before each step' }],
  run: async ({ flags }) =>
    (await import('../commands/init.ts')).init({
      configPath: configPath(flags.config),
      isConfirmed: flags.yes,
    }),
});
