import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dist, version } from '../checkout.ts';

const host = '127.0.0.1';
const startTimeoutMs = 30_000;

/** A server of the rehearsal, on a loopback port. */
export interface Server extends AsyncDisposable {
  readonly url: string;
}

/** Serves dist/release under the URLs of releases: `latest` and by version. */
export function startDownloads(): Server {
  const server = Bun.serve({
    hostname: host,
    port: 0,
    async fetch({ url }) {
      const path = new URL(url).pathname;
      for (const folder of ['/latest/download/', `/download/v${version}/`]) {
        const name = path.slice(folder.length);
        if (!path.startsWith(folder) || name.includes('/')) continue;
        const file = Bun.file(join(dist, 'release', name));
        if (await file.exists()) return new Response(file);
      }
      return new Response('no such file', { status: 404 });
    },
  });
  return { url: `http://${host}:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
}

/** Starts the npm registry verdaccio from `tools`. It stores packages in `folder` and has no upstream registry. */
export async function startRegistry(tools: string, folder: string): Promise<Server> {
  const probe = Bun.listen({ hostname: host, port: 0, socket: { data() {} } });
  const { port } = probe;
  probe.stop(true);
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `storage: ${join(folder, 'storage')}
auth: { htpasswd: { file: ${join(folder, 'htpasswd')}, max_users: -1 } }
packages: { '**': { access: $all, publish: $all } }
max_body_size: 500mb
web: { enable: false }
log: { type: stdout, level: warn }
`,
  );
  const main = join(tools, 'node_modules', 'verdaccio', 'bin', 'verdaccio');
  const child = Bun.spawn(['node', main, '--config', config, '--listen', `${host}:${port}`], {
    cwd: folder,
    stdin: 'ignore',
    stdout: Bun.file(join(folder, 'log')),
    stderr: Bun.file(join(folder, 'log')),
  });
  const stop = async () => {
    child.kill();
    await child.exited;
  };
  const url = `http://${host}:${port}`;
  const deadline = performance.now() + startTimeoutMs;
  while (child.exitCode === null && performance.now() < deadline) {
    if ((await fetch(`${url}/-/ping`).catch(() => null))?.ok) return { url, [Symbol.asyncDispose]: stop };
    await Bun.sleep(100);
  }
  await stop();
  throw new Error(`verdaccio did not start:\n${await Bun.file(join(folder, 'log')).text()}`);
}
