import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const packageDir = join(import.meta.dir, '../../node_modules/@modelcontextprotocol/conformance');

export const revisions = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof revisions)[number];

/** How a scenario ended: the number of its checks that failed, and that warned. */
export interface Outcome {
  readonly failures: number;
  readonly warnings: number;
  /** The first failure in the words of the suite; empty if there is none. */
  readonly reason: string;
}

/** The scenarios that a revision requires of a server or a client. */
export function requiredScenarios(revision: Revision, role: 'server' | 'client'): string[] {
  const text = readFileSync(join(packageDir, 'requirements', `${revision}.yaml`), 'utf8');
  return (parse(text) as Record<typeof role, string[]>)[role];
}

/** Runs the official suite, whose results go to the directory `results`; resolves to how each of its scenarios ended. */
export async function runSuite(args: readonly string[], results: string): Promise<Map<string, Outcome>> {
  const command = [
    process.execPath,
    '--bun',
    join(packageDir, 'dist/index.js'),
    ...args,
    '--output-dir',
    results,
  ];
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: 300_000 });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const outcomes = new Map<string, Outcome>();
  for (const name of readdirSync(results)) {
    outcomes.set(scenarioOf(name), outcomeIn(join(results, name, 'checks.json')));
  }
  if (outcomes.size === 0) throw new Error(`the suite ran nothing: ${args.join(' ')}\n${stdout}${stderr}`);
  return outcomes;
}

interface Check {
  readonly name: string;
  readonly status: string;
  readonly errorMessage?: string;
}

function outcomeIn(file: string): Outcome {
  // A scenario that throws leaves a directory without checks.
  if (!existsSync(file)) return { failures: 1, warnings: 0, reason: 'the scenario did not complete' };
  const checks = JSON.parse(readFileSync(file, 'utf8')) as Check[];
  const failures = checks.filter(({ status }) => status === 'FAILURE');
  const warnings = checks.filter(({ status }) => status === 'WARNING');
  const [first] = failures;
  const reason = first === undefined ? '' : `${first.name}: ${first.errorMessage ?? 'failed'}`;
  return { failures: failures.length, warnings: warnings.length, reason };
}

/** A directory of results is named after its scenario and the time. */
function scenarioOf(directory: string): string {
  return directory.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
}
