// mcpstead, and the crate of the same name.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import { binaryFolder, root, run } from '../../scripts/checkout.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { type Contestant, cargoProgram, cargoVersion, type Setup } from './contestant.ts';

/** Writes the configuration, whose format both share. */
function writeMcpsteadConfig({ upstreams, port, folder, token }: Setup): string {
  const file = join(folder, 'mcpstead.yaml');
  const servers = upstreams.map(({ name, port, command: [program, ...args] = [], isolation }) => {
    const address = program ? { command: program, args } : { url: `http://127.0.0.1:${port}/mcp` };
    const isolated = isolation === undefined ? {} : { isolation: 'session', isolation_max: isolation };
    return `  - ${JSON.stringify({ name, ...address, ...isolated })}\n`;
  });
  writeFileSync(
    file,
    `host: 127.0.0.1\nport: ${port}\nmcp: { auth: { mode: ${token === null ? 'none' : 'bearer'} } }\n` +
      `metrics: { enabled: true }\nservers:\n${servers.join('')}`,
  );
  return file;
}

/** A variable instead of the key `state_dir`, which earlier builds do not know. */
const environment = ({ folder, token }: Setup): Record<string, string> => ({
  STATE_DIRECTORY: folder,
  ...(token !== null && { MCPSTEAD_BEARER_TOKEN: token }),
});

const mcpstead = {
  path: '/mcp',
  toolName: (server: string, tool: string) => `${server}__${tool}`,
  merges: true,
  hasStreams: true,
  passesEvents: true,
  hasHealth: true,
  isJustInTime: true,
} as const;

const platform = targetNamed(platformName());

/** The program that `npm run build` makes. */
export const compiled: Contestant = {
  ...mcpstead,
  name: 'mcpstead',
  howToGet: 'npm run build',
  find() {
    const program = join(binaryFolder(platform.name), platform.executable);
    return existsSync(program) ? program : null;
  },
  version: (program) => run([program, '--version']),
  launch: (program, setup) => ({
    command: [program, '--config', writeMcpsteadConfig(setup)],
    env: environment(setup),
  }),
  configure: writeMcpsteadConfig,
};

/** Another build, such as that of the commit before a change, to measure what the change costs. */
export const before: Contestant = {
  ...compiled,
  name: 'before',
  howToGet: 'npm run build in a checkout of the other commit; BENCH_BEFORE names the program',
  find: () => process.env.BENCH_BEFORE ?? null,
};

/** mcpstead run by Bun from its sources. */
export const fromSource: Contestant = {
  ...mcpstead,
  name: 'source',
  howToGet: 'it is part of the checkout',
  find: () => join(root, 'src/main.ts'),
  version: (program) => run([process.execPath, program, '--version']),
  launch: (program, setup) => ({
    command: [process.execPath, program, '--config', writeMcpsteadConfig(setup)],
    env: environment(setup),
  }),
};

/** The crate of the same name and configuration, in Rust. */
export const crate: Contestant = {
  ...mcpstead,
  name: 'crate',
  // It takes the first event for the response: `result: null` if that was progress.
  passesEvents: false,
  howToGet: 'cargo install mcpstead; BENCH_CRATE names the program',
  hasStreams: false,
  isJustInTime: false,
  find: () => cargoProgram('BENCH_CRATE', 'mcpstead'),
  version: (program) => cargoVersion(program, 'mcpstead') ?? 'version unknown',
  launch: (program, setup) => ({
    command: [program, '--config', writeMcpsteadConfig(setup)],
    env: environment(setup),
  }),
};
