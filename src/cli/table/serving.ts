import { defineCommand } from '../command.ts';
import { configFlag, helpFlag, jsonFlag } from '../common-flags.ts';
import { existingConfig } from '../config-path.ts';

export const serve = defineCommand({
  name: 'serve',
  summary: 'Serve /mcp in front of the configured MCP servers (the default)',
  group: 'Serve',
  flags: {
    config: configFlag,
    watch: { type: 'boolean', summary: 'Reload when the configuration or mcpstead.env changes' },
    // As "mcpstead stdio" starts it.
    'until-unused': { type: 'string', value: 'SECONDS', summary: 'Stop without a bridge', isHidden: true },
    'log-file': {
      type: 'string',
      value: 'FILE',
      summary: 'Keep stderr, which is FILE, short',
      isHidden: true,
    },
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead serve -c mcpstead.yaml', summary: 'Serve the servers of this file' },
    { line: 'mcpstead serve --watch', summary: 'Reload when the file changes' },
  ],
  run: async ({ flags }) =>
    (await import('../commands/serve.ts')).serve(await existingConfig(flags.config), {
      watch: flags.watch,
      untilUnused: flags['until-unused'],
      logFile: flags['log-file'],
    }),
});

export const check = defineCommand({
  name: 'check',
  summary: 'Validate the configuration and show what would be served',
  group: 'Serve',
  flags: {
    config: configFlag,
    connect: { type: 'boolean', summary: 'Connect to each server once, and report the result' },
    json: jsonFlag,
    help: helpFlag,
  },
  examples: [{ line: 'mcpstead check --connect', summary: 'Try every server, too' }],
  run: async ({ flags }) =>
    (await import('../commands/check.ts')).check(
      await existingConfig(flags.config),
      flags.connect,
      flags.json,
    ),
});
