import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, cargoProgram, cargoVersion } from './contestant.ts';

/** The crate `mcp-proxy`, a gateway for many upstreams. It requires a session. */
export const mcpProxy: Contestant = {
  name: 'crate mcp-proxy',
  howToGet: 'cargo install mcp-proxy; BENCH_MCP_PROXY names the program',
  find: () => cargoProgram('BENCH_MCP_PROXY', 'mcp-proxy'),
  version: (program) => cargoVersion(program, 'mcp-proxy') ?? 'version unknown',
  launch(program, { upstreams, port, folder, token }) {
    const file = join(folder, 'proxy.toml');
    const backends = upstreams.map(
      ({ name, port }) =>
        `[[backends]]\nname = "${name}"\ntransport = "http"\nurl = "http://127.0.0.1:${port}/mcp"\n`,
    );
    writeFileSync(
      file,
      `[proxy]\nname = "bench"\n[proxy.listen]\nhost = "127.0.0.1"\nport = ${port}\n${backends.join('')}` +
        (token === null ? '' : `[auth]\ntype = "bearer"\ntokens = ["${token}"]\n`) +
        '[observability.metrics]\nenabled = true\n',
    );
    return { command: [program, '--config', file] };
  },
  path: '/',
  toolName: (server, tool) => `${server}/${tool}`,
  merges: true,
  hasStreams: true,
  isJustInTime: false,
  // It drops progress, serializes streamed calls, and leaves calls with many events without a response.
  passesEvents: false,
  hasHealth: false,
};
