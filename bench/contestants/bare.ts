import { join } from 'node:path';
import { root } from '../../scripts/checkout.ts';
import type { Contestant } from './contestant.ts';

/** The floor on Bun: it passes bodies on unread, as nginx does. */
export const bare: Contestant = {
  name: 'bare bun',
  howToGet: 'it is part of the checkout',
  find: () => join(root, 'bench/bare-proxy.ts'),
  version: () => `bench/bare-proxy.ts on Bun ${Bun.version}`,
  launch: (program, { upstreams, port, token }) => ({
    command: [process.execPath, program, String(port), String(upstreams[0]?.port)],
    env: { BARE_TOKEN: token ?? '' },
  }),
  path: '/mcp',
  toolName: (_, tool) => tool,
  merges: false,
  hasStreams: false,
  isJustInTime: true,
  passesEvents: false,
  hasHealth: false,
};
