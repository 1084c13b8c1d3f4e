import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../../npm/mcpstead/lib/platform.mjs';
import manifest from '../../package.json' with { type: 'json' };
import { run } from '../../scripts/checkout.ts';
import { writeNpmPackages } from '../../scripts/npm-packages.ts';
import { targetNamed } from '../../scripts/targets.ts';
import { startCommand } from '../support/program.ts';
import { freePort, waitUntil } from '../support/wait.ts';

const platform = targetNamed(platformName());

/** A node_modules with the launcher and this platform's package, laid out as by a package manager. */
let installation: string;
beforeAll(async () => {
  installation = mkdtempSync(join(tmpdir(), 'mcpstead-launcher-'));
  const scope = join(installation, 'node_modules/@ahkohd');
  mkdirSync(scope, { recursive: true });
  await writeNpmPackages(join(installation, 'made'), [platform]);
  renameSync(join(installation, 'made/mcpstead'), join(scope, 'mcpstead'));
  renameSync(join(installation, 'made', platform.name), join(scope, `mcpstead-${platform.name}`));
});
afterAll(() => rmSync(installation, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-launched-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const launcherIn = (home: string) => join(home, 'node_modules/@ahkohd/mcpstead/bin/mcpstead.mjs');

const node = Bun.which('node');
const nodeBecomes = node !== null && run([node, '-p', 'typeof process.execve']) === 'function';
/**
 * The two ways in which the launcher starts the program: Node from 22.15 on and Bun can become it, other Nodes
 * start a child, and so do all on Windows.
 */
const ways = [
  { name: 'by becoming it, on Bun', runtime: [process.execPath] },
  ...(nodeBecomes ? [{ name: 'by becoming it, on Node', runtime: [node] }] : []),
  {
    name: 'as a child',
    runtime: [node ?? process.execPath, '--require', join(import.meta.dir, 'without-execve.cjs')],
  },
];

for (const { name, runtime } of ways) {
  const launch = (args: readonly string[], env: Record<string, string> = {}) =>
    startCommand([...runtime, launcherIn(installation), ...args], { cwd: folder, env });

  /** Starts the launcher with a test program in place of the real one. */
  const launchScript = (source: string) => {
    const script = join(folder, 'script');
    writeFileSync(script, `#!${process.execPath}\n${source}`);
    chmodSync(script, 0o755);
    return { command: [...runtime, launcherIn(installation)], env: { MCPSTEAD_BINARY: script } };
  };

  describe(`the launcher that starts the program ${name}`, () => {
    test('hands over arguments, output and exit code', async () => {
      await using version = launch(['--version']);
      expect(await version.ended()).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining(`mcpstead ${manifest.version} (commit `),
      });
      await using wrong = launch(['check', '--config', 'a file that is not there']);
      expect(await wrong.ended()).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('a file that is not there'),
      });
    });

    test('has SIGHUP reload and SIGTERM end it gracefully', async () => {
      const port = freePort();
      const config = join(folder, 'mcpstead.yaml');
      writeFileSync(config, `port: ${port}\n`);
      await using launched = launch(['--config', config]);
      await launched.printed('serving http://');

      writeFileSync(config, `port: ${port}\nservers: [{ name: added, url: 'http://127.0.0.1:9/mcp' }]\n`);
      launched.signal('SIGHUP');
      await waitUntil('the reload', async () =>
        (await (await fetch(`http://127.0.0.1:${port}/health`)).text()).includes('"added"'),
      );

      launched.signal('SIGTERM');
      const { exitCode, stderr } = await launched.ended();
      expect(exitCode).toBe(0);
      expect(launched.endedBy()).toBeNull();
      expect(stderr).toContain('SIGTERM: shutting down');
      expect(stderr).not.toContain('again');
    });

    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      test(`is ended by ${signal} when the program is`, async () => {
        const { command, env } = launchScript(`console.log(process.pid); setInterval(() => {}, 1000);`);
        await using launched = startCommand(command, { env });
        await launched.printed('\n');
        process.kill(Number(launched.stdout()), signal);
        await launched.ended();
        expect(launched.endedBy()).toBe(signal);
      });
    }

    const countSignals = `
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => console.log(signal));
      process.on('SIGUSR2', () => { console.log('done'); process.exit(0); });
      console.log('ready');
      setInterval(() => {}, 1000);`;

    test('gives it each signal once, also when its whole process group gets it', async () => {
      const { command, env } = launchScript(countSignals);
      await using launched = startCommand(command, { env, ownGroup: true });
      await launched.printed('ready');
      for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) {
        process.kill(-launched.pid, signal);
        await launched.printed(signal);
      }
      launched.signal('SIGUSR2');
      const { exitCode, stdout } = await launched.ended();
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'ready\nSIGINT\nSIGHUP\nSIGTERM\ndone\n' });
    });

    test('gives it the Ctrl-C of a terminal once', async () => {
      const { command, env } = launchScript(countSignals);
      let output = '';
      const decoder = new TextDecoder();
      const child = Bun.spawn(command, {
        env: { ...process.env, ...env },
        terminal: {
          data(_terminal, data) {
            output += decoder.decode(data, { stream: true });
          },
        },
      });
      try {
        await waitUntil('the program', () => output.includes('ready'));
        child.terminal?.write('\x03');
        await waitUntil('SIGINT', () => output.includes('SIGINT'));
        child.kill('SIGUSR2');
        await child.exited;
        await waitUntil('the end', () => output.includes('done'));
        expect(output.replaceAll('^C', '').replaceAll('\r', '')).toBe('ready\nSIGINT\ndone\n');
      } finally {
        child.kill('SIGKILL');
        child.terminal?.close();
      }
    });

    test('says what is wrong with MCPSTEAD_BINARY', async () => {
      const messageFor = async (path: string) => {
        await using launched = launch(['--version'], { MCPSTEAD_BINARY: path });
        const { exitCode, stderr } = await launched.ended();
        expect(exitCode).toBe(1);
        return stderr;
      };
      const path = join(folder, 'mcpstead');
      expect(await messageFor(path)).toBe(
        `mcpstead: MCPSTEAD_BINARY is ${path}, but there is no such file\n`,
      );

      symlinkSync(launcherIn(installation), path);
      expect(await messageFor(path)).toContain(`${path}, which is this launcher, not the program itself`);

      const notExecutable = join(folder, 'text');
      writeFileSync(notExecutable, 'no program');
      expect(await messageFor(notExecutable)).toBe(
        `mcpstead: cannot start ${notExecutable}: it is not executable: chmod +x ${notExecutable}\n`,
      );
    });

    test('says why the program is missing, and ends with 1', async () => {
      const lonely = join(folder, 'node_modules/@ahkohd');
      mkdirSync(lonely, { recursive: true });
      await writeNpmPackages(join(folder, 'made'), []);
      renameSync(join(folder, 'made/mcpstead'), join(lonely, 'mcpstead'));
      await using omitted = startCommand([...runtime, launcherIn(folder)]);
      expect(await omitted.ended()).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringContaining(
          `mcpstead: the package ${platform.npmPackage}, which carries the program,`,
        ),
      });

      mkdirSync(join(lonely, 'mcpstead-windows-arm64'));
      writeFileSync(join(lonely, 'mcpstead-windows-arm64/package.json'), '{}');
      await using foreign = startCommand([...runtime, launcherIn(folder)]);
      expect(await foreign.ended()).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`holds the program for windows-arm64, but this is ${platform.name}`),
      });
    });
  });
}
