import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { run } from '../../scripts/checkout.ts';
import { type Contestant, programOf } from './contestant.ts';

const registerTimeoutMs = 10_000;

/** The Python of the virtual environment that a program is in. */
const pythonOf = (program: string) => join(program, '../python');

/**
 * ContextForge, from PyPI: it stores its upstreams in a database (SQLite by default) and requires a signed token. Its
 * limit of 100 requests a minute is off, and upstreams on loopback are allowed.
 */
export const contextForge: Contestant = {
  name: 'contextforge',
  howToGet: 'pip install mcp-contextforge-gateway; BENCH_CONTEXTFORGE names its program mcpgateway',
  find: () => programOf('BENCH_CONTEXTFORGE', 'mcpgateway'),
  version: (program) =>
    run([
      pythonOf(program),
      '-c',
      'import importlib.metadata as m; print("mcp-contextforge-gateway", m.version("mcp-contextforge-gateway"))',
    ]),
  launch(program, { upstreams, port, folder }) {
    const secret = randomBytes(48).toString('base64url');
    const user = 'admin@example.com';
    const env = {
      JWT_SECRET_KEY: secret,
      AUTH_ENCRYPTION_SECRET: secret,
      PLATFORM_ADMIN_EMAIL: user,
      PLATFORM_ADMIN_PASSWORD: `Aa1!${secret}`,
      DATABASE_URL: `sqlite:///${folder}/contextforge.db`,
      RATE_LIMITING_ENABLED: 'false',
      SSRF_ALLOW_LOCALHOST: 'true',
      SSRF_ALLOW_PRIVATE_NETWORKS: 'true',
    };
    const sign = [
      '-m',
      'mcpgateway.utils.create_jwt_token',
      '--username',
      user,
      '--exp',
      '60',
      // One argument, because the secret may begin with a dash.
      `--secret=${secret}`,
    ];
    const token = run([pythonOf(program), ...sign], { cwd: folder, env })
      .split('\n')
      .at(-1) as string;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const waiting = [...upstreams];
    return {
      command: [program, '--host', '127.0.0.1', '--port', `${port}`],
      env,
      cwd: folder,
      headers: [`Authorization: Bearer ${token}`],
      async register() {
        for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
          const response = await fetch(`http://127.0.0.1:${port}/gateways`, {
            method: 'POST',
            headers,
            body: JSON.stringify({
              name: next.name,
              url: `http://127.0.0.1:${next.port}/mcp`,
              transport: 'STREAMABLEHTTP',
            }),
            signal: AbortSignal.timeout(registerTimeoutMs),
          });
          if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
          waiting.shift();
        }
      },
    };
  },
  path: '/mcp/',
  toolName: (server, tool) => `${server}-${tool.replaceAll('_', '-')}`,
  // It lists only one page of its tools.
  merges: false,
  hasStreams: false,
  isJustInTime: false,
  passesEvents: false,
  hasHealth: false,
};
