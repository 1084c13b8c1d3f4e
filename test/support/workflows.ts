import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Glob } from 'bun';
import { parse } from 'yaml';

/** One step of a job. */
interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Record<string, string>;
  readonly with?: Record<string, string | number | boolean>;
}
/** One job of a workflow, with the keys that the tests use. */
interface Job {
  readonly needs?: string | string[];
  readonly uses?: string;
  readonly environment?: string;
  readonly permissions?: Record<string, string>;
  readonly 'timeout-minutes'?: number;
  readonly env?: Record<string, string>;
  readonly strategy?: { matrix: { target?: string[]; include?: { target: string; runner: string }[] } };
  readonly steps?: Step[];
}
/** A workflow of GitHub Actions. */
interface Workflow {
  readonly permissions: Record<string, string>;
  readonly jobs: Record<string, Job>;
}

const folder = join(import.meta.dir, '../../.github/workflows');

/** The text of every workflow, by its file name. */
export const workflowTexts: ReadonlyMap<string, string> = new Map(
  [...new Glob('*').scanSync(folder)].map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
);

const workflow = (name: string): Workflow => parse(workflowTexts.get(name)!);
export const ci = workflow('ci.yml');
export const release = workflow('release.yml');
