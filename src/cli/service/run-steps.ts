import type { CommandOutcome, RunCommand, ServiceStep } from './manager.ts';
import { unusable } from './obstacles.ts';

const pauseMs = 250;

/** Runs the steps in turn. Throws a GatewayError for the first one that had to succeed and did not. */
export async function runSteps(steps: readonly ServiceStep[], run: RunCommand): Promise<void> {
  for (const { argv, canFail, tries } of steps) {
    let outcome = await run(argv);
    for (let tried = 1; tried < tries && outcome.exitCode !== 0; tried += 1) {
      await Bun.sleep(pauseMs);
      outcome = await run(argv);
    }
    if (outcome.exitCode !== 0 && !canFail) throw unusable(failureOf(argv, outcome));
  }
}

const maxReasonChars = 1_000;

function failureOf(argv: readonly string[], { exitCode, stdout, stderr }: CommandOutcome): string {
  const command = argv.join(' ');
  if (exitCode === null) return `cannot run "${command}": there is no ${argv[0]}`;
  const reason = (stderr.trim() || stdout.trim()).slice(0, maxReasonChars);
  return `"${command}" failed: ${reason || `exit code ${exitCode}`}`;
}
