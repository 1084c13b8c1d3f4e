// Measures the time from the start of mcpstead to the first response of /health, its size and its memory.
// Usage: npm run bench:startup -- [ROUNDS], which builds the program first.

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { platformName } from '../npm/mcpstead/lib/platform.mjs';
import { binaryFolder, root, run } from '../scripts/checkout.ts';
import { targetNamed } from '../scripts/targets.ts';
import { freePort, type MeasuredProcess, measured } from './processes.ts';

const rounds = Number(process.argv[2] ?? 30);
const startTimeoutMs = 10_000;
/** How long a gateway has been idle when its memory is read. */
const settleMs = 1000;

interface Launch {
  readonly name: string;
  readonly command: readonly string[];
}

/** Starts mcpstead and polls /health until it responds. Returns the process and the time that took. */
async function start(
  { command }: Launch,
  folder: string,
): Promise<{ process: MeasuredProcess; tookMs: number }> {
  const port = await freePort();
  const config = join(folder, 'bench.yaml');
  writeFileSync(config, `port: ${port}\nservers: []\n`);
  const began = performance.now();
  const child = Bun.spawn([...command, '--config', config], {
    env: { ...process.env, STATE_DIRECTORY: folder, MCPSTEAD_BINARY: program },
    stdout: 'ignore',
    stderr: 'ignore',
  });
  while (performance.now() - began < startTimeoutMs) {
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
    const tookMs = performance.now() - began;
    if (health?.ok) return { process: measured(child, port), tookMs };
    await Bun.sleep(1);
  }
  child.kill('SIGKILL');
  throw new Error(`${command.join(' ')} did not respond within ${startTimeoutMs} ms`);
}

const platform = targetNamed(platformName());
const program = join(binaryFolder(platform.name), platform.executable);
const node = Bun.which('node');
const launches: Launch[] = [
  { name: 'the program', command: [program] },
  ...(node === null
    ? []
    : [
        {
          name: `npm launcher on Node ${run([node, '--version'])}`,
          command: [node, join(root, 'npm/mcpstead/bin/mcpstead.mjs')],
        },
      ]),
  { name: 'from the sources', command: [process.execPath, join(root, 'src/main.ts')] },
];

const folder = mkdtempSync(join(tmpdir(), 'mcpstead-startup-'));
try {
  console.log(`${platform.name}, ${cpus()[0]?.model} (${cpus().length} cores), Bun ${Bun.version}`);
  console.log(`${run([program, '--version'])}, ${(statSync(program).size / 1e6).toFixed(1)} MB`);
  console.log(`start to the first response of /health, ${rounds} rounds, ms`);
  console.log(`${''.padEnd(30)} median      min      max   RSS MB after ${settleMs / 1000} s`);
  for (const launch of launches) {
    const took: number[] = [];
    let residentMb = 0;
    // The first round fills the disk cache and does not count.
    for (let round = 0; round <= rounds; round += 1) {
      const { process, tookMs } = await start(launch, folder);
      if (round > 0) took.push(tookMs);
      if (round === rounds) {
        await Bun.sleep(settleMs);
        residentMb = process.residentBytes() / 1e6;
      }
      await process[Symbol.asyncDispose]();
    }
    took.sort((a, b) => a - b);
    const figures = [took[Math.floor(took.length / 2)], took[0], took.at(-1)];
    const columns = figures.map((figure) => (figure ?? Number.NaN).toFixed(1).padStart(8)).join(' ');
    console.log(`${launch.name.padEnd(28)} ${columns} ${residentMb.toFixed(0).padStart(8)}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
