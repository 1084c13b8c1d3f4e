import { defineCommand } from '../command.ts';
import { configFlag, helpFlag } from '../common-flags.ts';

export const stdio = defineCommand({
  name: 'stdio',
  summary: 'Serve the gateway on stdin and stdout, for clients that know only stdio',
  group: 'Clients',
  details: [
    'It finds the running gateway, or starts one that ends 30 seconds after the last client. In bearer mode, the token comes from MCPSTEAD_BEARER_TOKEN or mcpstead.env.',
  ],
  flags: {
    profile: { type: 'string', value: 'NAME', summary: 'Show the servers of this profile only' },
    server: {
      type: 'string',
      value: 'NAME',
      summary: 'Show this server only, its tools under their own names',
    },
    url: { type: 'string', value: 'URL', summary: 'The gateway, if it is not one of this machine' },
    config: configFlag,
    help: helpFlag,
  },
  examples: [
    { line: 'mcpstead stdio', summary: 'What Claude Desktop runs' },
    { line: 'mcpstead stdio --server github', summary: 'One server, as if the client had started it' },
  ],
  run: async ({ flags }) => (await import('../commands/stdio.ts')).stdio(flags),
});
