import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startGateway } from '../support/gateway.ts';
import { startCommand, startProgram } from '../support/program.ts';
import { rawRequest } from '../support/raw-http.ts';
import { freePort, waitUntil } from '../support/wait.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(30_000);

const manifests = join(import.meta.dir, '../../docs/deploy/kubernetes');
const manifest = (name: string) => parse(readFileSync(join(manifests, name), 'utf8'));
const [container, reloader] = manifest('deployment.yaml').spec.template.spec.containers;
const mounted = manifest('configmap.yaml').data['mcpstead.yaml'] as string;
const env = {
  MCPSTEAD_BEARER_TOKEN: 'the-bearer-token',
  MCPSTEAD_STATE_KEY: 'a-key-that-is-long-enough-for-the-test',
  TRACKER_TOKEN: 'the-tracker-token',
};

describe('a gateway with the configuration of the ConfigMap', () => {
  const { mcp, host } = parse(mounted);
  const statusFor = async (path: string, name: string) => {
    const session = { ...mcp.session, drain_delay_seconds: 0, shutdown_grace_seconds: 0 };
    await using gateway = await startGateway({ host, mcp: { ...mcp, session }, servers: [] }, env);
    const origin = `http://127.0.0.1:${new URL(gateway.origin).port}`;
    return (await rawRequest(origin, [`GET ${path} HTTP/1.1`, `Host: ${name}`])).status;
  };

  test.each(['startupProbe', 'livenessProbe', 'readinessProbe'])(
    'answers the %s, which uses an address',
    async (probe) => {
      const { path, httpHeaders } = container[probe].httpGet;
      expect(httpHeaders).toBeUndefined();
      expect(await statusFor(path, '10.244.1.17:8766')).toBe(200);
    },
  );

  test('answers a scrape of the pod and a client of the Service, but no page of another host', async () => {
    expect(await statusFor('/metrics', '10.244.1.17:8766')).toBe(200);
    expect(await statusFor('/health', 'mcpstead.mcpstead.svc.cluster.local:8766')).toBe(200);
    expect(await statusFor('/health', 'rebound.example:8766')).toBe(403);
  });
});

test('a session that one replica opened continues at another one with the same Secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-replicas-'));
  try {
    const ports = [freePort(), freePort()];
    const replicas = ports.map((port) => {
      const path = join(folder, `${port}.yaml`);
      writeFileSync(path, `port: ${port}\nmcp: { auth: { mode: bearer } }\n`);
      return startProgram(['--config', path], { env });
    });
    await using _first = replicas[0]!;
    await using _second = replicas[1]!;
    const post = (port: number, body: object, session?: string) =>
      fetch(`http://127.0.0.1:${port}/mcp`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${env.MCPSTEAD_BEARER_TOKEN}`,
          'Content-Type': 'application/json',
          ...(session !== undefined && { 'Mcp-Session-Id': session }),
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
      });
    for (const replica of replicas) await replica.printed('serving http://');
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'client', version: '1' },
    };
    const opened = await post(ports[0]!, { method: 'initialize', params });
    const session = opened.headers.get('Mcp-Session-Id') as string;
    expect((await post(ports[1]!, { method: 'ping' }, session)).status).toBe(200);
    expect((await post(ports[1]!, { method: 'ping' }, `${session}x`)).status).toBe(404);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('a changed ConfigMap', () => {
  let folder: string;
  let port: number;
  let generation = 0;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpstead-configmap-'));
    port = freePort();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Updates files as the kubelet does: makes a new folder and a link to it, renames the link to `..data`, and deletes the old folder. */
  function mount(servers: readonly string[]): void {
    const list = servers.map((name) => `  - { name: ${name}, url: 'http://127.0.0.1:9/mcp' }\n`).join('');
    const text = mounted
      .replace(/^servers:.*/ms, `port: ${port}\nservers:\n${list}`)
      .replace('0.0.0.0', '127.0.0.1');
    const name = `..2026_01_02_12_34_56.${generation++}`;
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'mcpstead.yaml'), text);
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (generation === 1) symlinkSync('..data/mcpstead.yaml', join(folder, 'mcpstead.yaml'));
    rmSync(join(folder, `..2026_01_02_12_34_56.${generation - 2}`), { recursive: true, force: true });
  }

  async function serve() {
    generation = 0;
    mount(['before']);
    const program = startProgram(['--config', join(folder, 'mcpstead.yaml')], { env });
    await program.printed('serving http://');
    return program;
  }

  async function servers(): Promise<string[]> {
    const health = (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as {
      servers: { name: string }[];
    };
    return health.servers.map(({ name }) => name);
  }
  const takenOver = (name: string) =>
    waitUntil(`the server ${name}`, async () => (await servers()).includes(name));

  test('takes effect at SIGHUP', async () => {
    await using program = await serve();
    mount(['before', 'after']);
    program.signal('SIGHUP');
    await takenOver('after');
  });

  test('takes effect at POST /-/reload', async () => {
    await using _ = await serve();
    mount(['before', 'after']);
    const answer = await fetch(`http://127.0.0.1:${port}/-/reload`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${env.MCPSTEAD_BEARER_TOKEN}` },
    });
    expect(await answer.json()).toMatchObject({ added: 1, unchanged: 1 });
    expect(await servers()).toEqual(['before', 'after']);
  });

  describe.skipIf(Bun.which('wget') === null)(
    "takes effect by the Deployment's own container (needs wget)",
    () => {
      const startReloader = () => {
        const script = (reloader.args[0] as string)
          .replaceAll('/etc/mcpstead', folder)
          .replace(':8766', `:${port}`)
          .replace('sleep 5', 'sleep 0.1');
        return startCommand([...reloader.command, script], { env });
      };

      test('once the kubelet has replaced the link, also if the gateway starts later', async () => {
        generation = 0;
        await using reloading = startReloader();
        await using _ = await serve();
        await reloading.printed('reloaded: {"added":0,');
        mount(['before', 'after']);
        await takenOver('after');
        await reloading.printed('reloaded: {"added":1,');
      });

      test('once it is corrected after the gateway refused it', async () => {
        await using gateway = await serve();
        await using reloading = startReloader();
        await reloading.printed('reloaded: ');
        mount(['not a name']);
        await gateway.printed('not a name');
        expect(await servers()).toEqual(['before']);
        mount(['mended']);
        await takenOver('mended');
      });

      test('which ends at SIGTERM', async () => {
        await using _ = await serve();
        await using reloading = startReloader();
        await reloading.printed('reloaded: ');
        reloading.signal('SIGTERM');
        expect((await reloading.ended()).exitCode).toBe(0);
        expect(reloading.endedBy()).toBe(null);
      });
    },
  );
});
