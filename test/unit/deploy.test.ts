import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { parseConfig } from '../../src/config/load.ts';

const root = join(import.meta.dir, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('the Docker image', () => {
  const instructions = read('Dockerfile')
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', '')
    .trim()
    .split(/\n+/)
    .map((line) => line.replaceAll(/\s+/g, ' '));

  test('is built by the Bun that package.json pins', () => {
    expect(instructions[0]).toBe(`FROM oven/bun:${manifest.devDependencies.bun}-alpine AS build`);
  });

  test('runs as a user that Kubernetes recognizes as other than root', () => {
    expect(instructions.filter((line) => line.startsWith('USER'))).toEqual(['USER 65532:65532']);
  });

  test('contains the licenses of the program and of its parts', () => {
    expect(instructions).toContain(
      'COPY --from=build /checkout/LICENSE /checkout/dist/THIRD-PARTY-NOTICES /usr/share/licenses/mcpstead/',
    );
  });

  test('checks its health without a shell, a proxy or an extra program', () => {
    expect(instructions.filter((line) => line.startsWith('HEALTHCHECK'))).toEqual([
      'HEALTHCHECK --interval=30s --timeout=5s --start-period=15s ' +
        'CMD ["wget", "-q", "-Y", "off", "-O", "/dev/null", "http://127.0.0.1:8766/livez"]',
    ]);
    expect(instructions.filter((line) => line.startsWith('RUN apk'))).toEqual([
      'RUN apk add --no-cache git',
      'RUN apk add --no-cache libstdc++ tini',
    ]);
  });

  test('is built from the checkout with its commits, without local builds', () => {
    expect(read('.dockerignore').match(/^[^#].*$/gm)).toEqual(['.bun', 'dist', 'node_modules']);
  });
});

describe('the example for Docker Compose', () => {
  const { services } = parse(read('docs/deploy/compose.yaml'));
  const { mcpstead } = services;

  test('gives mcpstead only the rights that it needs, and publishes it on this machine only', () => {
    expect(mcpstead).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      ports: ['127.0.0.1:8766:8766'],
    });
    expect(services.everything.ports).toBeUndefined();
  });

  test('mounts a configuration at the path of the image, which reaches the example server by its name', () => {
    expect(mcpstead.volumes).toEqual(['./config:/etc/mcpstead:ro']);
    expect(read('Dockerfile')).toContain('ENV MCPSTEAD_CONFIG=/etc/mcpstead/mcpstead.yaml\n');
    const path = 'docs/deploy/config/mcpstead.yaml';
    const { config } = parseConfig(read(path), path, { MCPSTEAD_BEARER_TOKEN: 'only-for-this-test' });
    expect(config).toMatchObject({ host: '0.0.0.0', port: 8766, mcp: { auth: { mode: 'bearer' } } });
    expect(config.servers.map(({ name, url }) => ({ name, url }))).toEqual([
      { name: 'everything', url: `http://everything:${services.everything.environment.PORT}/mcp` },
    ]);
  });

  test('runs the release of the example server in our tests', () => {
    const name = '@modelcontextprotocol/server-everything';
    expect(services.everything.command).toContain(` ${name}@${manifest.devDependencies[name]} `);
  });
});

describe('the systemd unit', () => {
  /** The values of a setting, in the order of the file. */
  const values = (name: string) =>
    [...read('docs/deploy/mcpstead.service').matchAll(/^(\w+)=(.*)$/gm)]
      .filter((line) => line[1] === name)
      .map((line) => line[2] as string);

  test('checks a changed configuration before it reloads it', () => {
    expect(values('ExecStart')).toEqual(['/usr/local/bin/mcpstead --config /etc/mcpstead/mcpstead.yaml']);
    expect(values('ExecReload')).toEqual([
      '/usr/local/bin/mcpstead check --config /etc/mcpstead/mcpstead.yaml',
      '/bin/kill -HUP $MAINPID',
    ]);
  });

  test('starts again after a failure, but not with an invalid configuration', () => {
    expect([values('Restart'), values('RestartPreventExitStatus')]).toEqual([['on-failure'], ['2']]);
  });

  test('stops after the default grace period', () => {
    const { config } = parseConfig('servers: []', 'mcpstead.yaml', {});
    expect(config.mcp.session.shutdown_grace_seconds).toBe(5);
    expect(values('TimeoutStopSec')).toEqual(['15']);
  });

  test('runs without root, capabilities and devices, and leaves the JavaScript engine its compiler', () => {
    expect([values('DynamicUser'), values('CapabilityBoundingSet'), values('PrivateDevices')]).toEqual([
      ['yes'],
      [''],
      ['yes'],
    ]);
    expect(values('MemoryDenyWriteExecute')).toEqual([]);
  });
});
