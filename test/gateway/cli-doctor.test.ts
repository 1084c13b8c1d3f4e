import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { encodeRecord } from '../../src/cli/service/record.ts';
import { report } from '../support/contracts.ts';
import { serveV1 } from '../support/sdk-served.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { type ServedHome, servedHome } from '../support/served-home.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';

// Starting a process takes long on a busy machine.
setDefaultTimeout(60_000);

function write({ folder }: ServedHome, name: string, text: string, mode = 0o644): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
}

async function checksOf(home: ServedHome, env: Record<string, string | undefined> = {}) {
  const { exitCode, stdout } = await home.run(['doctor', '--json'], { env });
  const found = report('doctor', stdout) as { ok: boolean; checks: Record<string, unknown>[] };
  expect(exitCode).toBe(found.ok ? 0 : 1);
  return found.checks;
}

const utf8 = { LC_ALL: 'C.UTF-8' };

describe('mcpstead doctor', () => {
  test('has nothing to say against a healthy gateway', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }, rawStdio('raw')], {}, utf8);
    await home.serve('a', 'raw');
    write(
      home,
      '.cursor/mcp.json',
      `{"mcpServers":{"mcpstead":{"url":"http://127.0.0.1:${home.port}/mcp"}}}`,
    );
    write(home, '.config/mcpstead/mcpstead.env', 'A=b\n', 0o600);
    const { exitCode, stdout } = await home.run(['doctor']);
    expect(stdout).toBe(
      `✓ ~/.config/mcpstead/mcpstead.yaml: is valid
✓ mcpstead.env: only its owner can read it
✓ port: ${home.port} is the gateway's: http://127.0.0.1:${home.port}/mcp
✓ state: ~/.local/state/mcpstead can be written
✓ raw: ${basename(process.execPath)} is there
✓ a: connected over streamable with protocol version 2025-11-25, 8 tools
✓ raw: connected over stdio with protocol version 2025-06-18, 14 tools
✓ cursor: connects to the gateway (mcpstead)

no problems
`,
    );
    expect(exitCode).toBe(0);
  });

  test('names each problem with what mends it', async () => {
    await using server = await startSdkV1();
    const long = 'a-server-with-a-name-that-leaves-little-room';
    await using home = servedHome([
      { name: long, url: server.url },
      { name: 'dead', url: 'http://127.0.0.1:1/mcp' },
      { name: 'gone', command: 'uvx-that-is-nowhere' },
      rawStdio('raw', {}, { command: 'only-in-the-shell' }),
    ]);
    // A program that is on the PATH of the shell only.
    mkdirSync(join(home.folder, 'bin'));
    symlinkSync(process.execPath, join(home.folder, 'bin/only-in-the-shell'));
    const record = { program: [process.execPath], config: home.config, path: '/usr/bin:/bin' };
    write(home, '.config/systemd/user/mcpstead.service', `# ${encodeRecord(record)}\n`);
    write(home, '.cursor/mcp.json', `{"mcpServers":{"mine":{"url":"${server.url}"}}}`);
    write(home, '.codeium/windsurf/mcp_config.json', '{ broken');
    using _foreign = Bun.serve({
      hostname: '127.0.0.1',
      port: home.port,
      fetch: () => new Response('hello'),
    });

    const env = { PATH: `${home.folder}/bin:${process.env.PATH}` };
    const checks = await checksOf(home, env);
    const problems = checks
      .filter(({ status }) => status === 'problem')
      .map(({ status: _, ...check }) => check);
    expect(problems).toContainEqual({
      area: 'port',
      subject: null,
      message: expect.stringMatching(
        process.platform === 'linux'
          ? new RegExp(
              `^\\S+ \\(pid ${process.pid}\\) listens on 127\\.0\\.0\\.1:${home.port}, and is no gateway of yours$`,
            )
          : /listens on/,
      ),
      fix: 'end it, or set another "port" in the configuration',
    });
    expect(problems).toContainEqual({
      area: 'commands',
      subject: 'gone',
      message: 'the command "uvx-that-is-nowhere" was not found in PATH (ENOENT)',
      fix: 'install it, or write its full path into "command"',
    });
    if (process.platform === 'linux')
      expect(problems).toContainEqual({
        area: 'commands',
        subject: 'raw',
        message: "only-in-the-shell is on your shell's PATH, not on the service's",
        fix: 'mcpstead service install',
      });
    expect(problems).toContainEqual({
      area: 'servers',
      subject: 'dead',
      message: expect.stringContaining('connection refused by 127.0.0.1:1'),
      fix: 'is it running? else fix its url',
    });
    expect(problems).toContainEqual({
      area: 'names',
      subject: long,
      message: expect.stringContaining('which Claude Code refuses'),
      fix: expect.stringContaining('tools.prefix'),
    });
    expect(problems).toContainEqual({
      area: 'clients',
      subject: 'cursor',
      message: 'it still has mine itself, which the gateway has, too',
      fix: 'mcpstead connect cursor --replace',
    });
    expect(problems).toContainEqual({
      area: 'clients',
      subject: 'windsurf',
      message: expect.stringContaining('its file cannot be read'),
      fix: 'fix ~/.codeium/windsurf/mcp_config.json',
    });
    expect(checks).toContainEqual(expect.objectContaining({ area: 'servers', subject: 'raw', status: 'ok' }));
    // Problems come first.
    expect(checks.findLastIndex(({ status }) => status === 'problem')).toBe(problems.length - 1);
  });

  test('says what to do about resources of the same URI and about a malformed tool, which no new name mends', async () => {
    const served = () => {
      const capabilities = { resources: {}, tools: {} };
      const server = new Server({ name: 's', version: '1.0.0' }, { capabilities });
      server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [] }));
      server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({
        resourceTemplates: [{ uriTemplate: 'demo://item/{id}', name: 'items' }],
      }));
      server.setRequestHandler(ListToolsRequestSchema, () => ({
        tools: [{ name: 'odd', inputSchema: { type: 'string' } as never }],
      }));
      return server;
    };
    await using a = serveV1(served);
    await using b = serveV1(served);
    await using home = servedHome([
      { name: 'a', url: a.url },
      { name: 'b', url: b.url },
    ]);
    const names = (await checksOf(home)).filter(({ area, subject }) => area === 'names' && subject === 'b');
    expect(names.map(({ message, fix }) => [message, fix])).toEqual([
      [
        expect.stringContaining('part of the tool list cannot be used: "odd" is left out'),
        'report it to the authors of the server; everything else in the list works',
      ],
      [
        '1 resource template is left out, because a has another of the same URI, for example demo://item/{id}',
        'hide them with "resources.deny" of one of the servers, or use /mcp/NAME of this one',
      ],
    ]);
  });

  test('names what a client wants of the gateway that it does not have', async () => {
    await using server = await startSdkV1();
    await using home = servedHome([{ name: 'a', url: server.url }]);
    const at = `http://127.0.0.1:${home.port}/mcp`;
    const entries = `"mcpstead":{"url":"${at}"},"a":{"url":"${at}/a"},"gone":{"url":"${at}/gone"}`;
    write(home, '.cursor/mcp.json', `{"mcpServers":{${entries}}}`);
    const checks = await checksOf(home);
    expect(checks.filter(({ area }) => area === 'clients')).toContainEqual({
      area: 'clients',
      subject: 'cursor',
      status: 'problem',
      message: 'it connects to /mcp/gone, which the gateway does not have',
      fix: 'mcpstead disconnect cursor, then mcpstead connect cursor --replace',
    });
  });

  test('shows what is wrong with the configuration, and no secret', async () => {
    await using home = servedHome(
      [{ name: 'a', url: 'http://127.0.0.1:1/mcp', headers: { Key: `\${LACKING}` } }],
      {},
      {
        LC_ALL: 'C',
      },
    );
    const lacking = await home.run(['doctor']);
    expect(lacking.exitCode).toBe(1);
    expect(lacking.stdout).toContain('LACKING');
    expect(lacking.stdout).toContain('FAIL ~/.config/mcpstead/mcpstead.yaml: ');
    expect(lacking.stdout).toContain('\n     -> fix it, then: mcpstead check\n');

    write(home, '.config/mcpstead/mcpstead.env', 'LACKING=open-secret\n', 0o644);
    const open = await home.run(['doctor']);
    expect(open.stdout).toContain(
      `\n     -> chmod 600 ${join(home.folder, '.config/mcpstead/mcpstead.env')}\n`,
    );
    write(home, '.config/mcpstead/mcpstead.env', 'LACKING=open-secret\n', 0o600);
    const mended = await home.run(['doctor', '--json']);
    expect(report('doctor', mended.stdout).checks).toContainEqual(
      expect.objectContaining({ area: 'configuration', subject: 'mcpstead.env', status: 'ok' }),
    );
    expect(open.stdout + mended.stdout + mended.stderr).not.toContain('open-secret');
  });

  test('works without a configuration and without a home', async () => {
    await using home = servedHome([]);
    const checks = await checksOf(home, { HOME: undefined });
    expect(checks).toContainEqual({
      area: 'configuration',
      subject: null,
      status: 'problem',
      message: 'none can be found without HOME',
      fix: 'set HOME, or pass --config FILE',
    });
    expect(checks).toContainEqual(expect.objectContaining({ area: 'state', status: 'problem' }));
  });

  test.skipIf(process.getuid?.() === 0)('sees that the state directory cannot be written', async () => {
    await using home = servedHome([]);
    chmodSync(home.folder, 0o500);
    try {
      expect(await checksOf(home)).toContainEqual(
        expect.objectContaining({
          area: 'state',
          status: 'problem',
          message: '~/.local/state/mcpstead cannot be written: EACCES',
        }),
      );
    } finally {
      chmodSync(home.folder, 0o700);
    }
  });
});
