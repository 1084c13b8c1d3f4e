import { expect, test } from 'bun:test';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };

const root = join(import.meta.dir, '../..');

/** Runs scripts/smoke.mjs on the program from the sources. */
async function smoke(version: string, ...command: string[]) {
  const child = Bun.spawn([process.execPath, join(root, 'scripts/smoke.mjs'), version, ...command], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, stdout, stderr };
}
const fromSources = [process.execPath, join(root, 'src/main.ts')];

test('the smoke test passes a program that has the version and answers a call', async () => {
  const { exitCode, stdout, stderr } = await smoke(manifest.version, ...fromSources);
  expect(stderr).toBe('');
  expect(stdout).toStartWith(
    `smoke: mcpstead ${manifest.version} answered a tools/call on http://127.0.0.1:`,
  );
  expect(exitCode).toBe(0);
});

test('the smoke test fails a program of another version', async () => {
  const { exitCode, stderr } = await smoke('99.0.0', ...fromSources);
  expect(stderr).toStartWith('smoke: expected "mcpstead 99.0.0 …" from ');
  expect(stderr).toContain(`\nmcpstead ${manifest.version} (commit `);
  expect(exitCode).toBe(1);
});

test('the smoke test fails a program that cannot be started', async () => {
  const { exitCode, stderr } = await smoke('99.0.0', join(root, 'no-such-program'));
  expect(stderr).toContain('no-such-program');
  expect(exitCode).toBe(1);
});
