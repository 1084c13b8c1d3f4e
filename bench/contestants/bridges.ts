// Programs that put a server over stdio behind HTTP, for comparison with a stdio upstream.

import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Contestant, programOf, type Setup } from './contestant.ts';

const bridge = {
  path: '/mcp',
  toolName: (_: string, tool: string) => tool,
  merges: false,
  hasStreams: true,
  passesEvents: true,
  hasHealth: false,
  isJustInTime: true,
  version: packageVersion,
} as const;

/** The name and version of the npm package that a program belongs to. */
function packageVersion(program: string): string {
  let folder = dirname(realpathSync(program));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `npm ${name} ${version}`;
}

const commandOf = ({ upstreams }: Setup): readonly string[] => upstreams[0]?.command ?? [];

export const bridges: readonly Contestant[] = [
  {
    ...bridge,
    name: 'supergateway',
    howToGet: 'npm install supergateway; BENCH_SUPERGATEWAY names the program',
    find: () => programOf('BENCH_SUPERGATEWAY', 'supergateway'),
    launch: (program, setup) => ({
      command: [
        'node',
        program,
        ...['--stdio', commandOf(setup).join(' '), '--port', String(setup.port)],
        ...['--outputTransport', 'streamableHttp', '--stateful', '--logLevel', 'none'],
      ],
    }),
  },
  {
    ...bridge,
    name: 'npm mcp-proxy',
    howToGet: 'npm install mcp-proxy; BENCH_NPM_MCP_PROXY names the program',
    find: () => process.env.BENCH_NPM_MCP_PROXY ?? null,
    launch: (program, setup) => ({
      command: [
        'node',
        program,
        '--port',
        String(setup.port),
        '--server',
        'stream',
        '--',
        ...commandOf(setup),
      ],
    }),
  },
];
