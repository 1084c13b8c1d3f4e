import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Target, targets } from '../../scripts/targets.ts';
import { ci, release, workflowTexts } from '../support/workflows.ts';

const jobs = Object.entries({ ...ci.jobs, ...release.jobs });
const steps = jobs.flatMap(([job, { steps = [] }]) => steps.map((step) => ({ job, ...step })));

describe('the workflows', () => {
  test('are these two', () => {
    expect([...workflowTexts.keys()].toSorted()).toEqual(['ci.yml', 'release.yml']);
    // A job with the same name in both would be hidden from the tests below.
    expect(jobs.length).toBe(Object.keys(ci.jobs).length + Object.keys(release.jobs).length);
  });

  test('build the program with Bun alone, from the registry that the clients use by themselves', () => {
    for (const text of workflowTexts.values())
      expect(text).not.toMatch(/cargo|rustup|registry-url|registry\./i);
  });

  test('may read the repository, and no job may more than it needs', () => {
    expect([ci.permissions, release.permissions]).toEqual([{ contents: 'read' }, { contents: 'read' }]);
    const more = jobs.filter(([, job]) => job.permissions).map(([name, job]) => [name, job.permissions!]);
    expect(Object.fromEntries(more)).toEqual({
      package: { contents: 'read', 'id-token': 'write', attestations: 'write' },
      npm: { contents: 'read', 'id-token': 'write' },
      github: { contents: 'write' },
      'smoke-archive': { contents: 'read', attestations: 'read' },
    });
  });

  test('pin every action to one full commit, and name its version', () => {
    const used = new Map<string, Set<string>>();
    for (const text of workflowTexts.values()) {
      for (const [, action, pin] of text.matchAll(/uses: ([^.\s][^@\s]*)(.*)$/gm)) {
        expect(pin).toMatch(/^@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
        used.set(action!, (used.get(action!) ?? new Set()).add(pin!));
      }
    }
    const actions = ['attest', 'checkout', 'download-artifact', 'setup-node', 'upload-artifact'];
    expect([...used.keys()].toSorted()).toEqual(actions.map((name) => `actions/${name}`));
    for (const pins of used.values()) expect(pins.size).toBe(1);
  });

  test('put nothing of an event or a secret into the text of a script', () => {
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });

  test('hand secrets to the signing script and the checkout of the tap only, in the release environment', () => {
    const holders = steps.filter((step) => JSON.stringify(step).includes('secrets.'));
    expect(holders.map(({ job, run, uses }) => [job, run ?? uses?.split('@')[0]])).toEqual([
      ['sign', 'sh scripts/sign-darwin.sh program/mcpstead'],
      ['homebrew', 'actions/checkout'],
    ]);
    for (const { job } of holders) expect(release.jobs[job]?.environment).toBe('release');
    for (const text of workflowTexts.values()) expect(text).not.toContain('secrets: inherit');
  });

  test('leave no credentials in a checkout, save the one that pushes to the tap', () => {
    const checkouts = steps.filter((step) => step.uses?.startsWith('actions/checkout@'));
    const keeping = checkouts.filter((step) => step.with?.['persist-credentials'] !== false);
    expect(keeping.map(({ job, with: options }) => [job, options?.repository])).toEqual([
      ['homebrew', 'ahkohd/homebrew-tap'],
    ]);
  });

  test('give every job a deadline', () => {
    for (const [name, job] of jobs) {
      if (!job.uses) expect([name, job['timeout-minutes']]).toEqual([name, expect.any(Number)]);
    }
  });

  test('build every platform, and run what they built on the system that it is for', () => {
    const names = targets.map((target) => target.name);
    expect(ci.jobs.build?.strategy?.matrix.target?.toSorted()).toEqual(names.toSorted());
    for (const job of [ci.jobs.smoke, release.jobs['smoke-npm'], release.jobs['smoke-archive']]) {
      const matrix = job?.strategy?.matrix.include ?? [];
      expect(matrix.map(({ target }) => target).toSorted()).toEqual(names.toSorted());
      for (const { target, runner } of matrix) {
        expect(`${target} on ${runner}`).toBe(
          `${target} on ${runnerOf(targets.find(({ name }) => name === target)!)}`,
        );
      }
    }
  });

  test('sign every program for macOS', () => {
    const signed = release.jobs.sign?.strategy?.matrix.include?.map(({ target }) => target).toSorted();
    const darwin = targets.filter((target) => target.os === 'darwin').map((target) => target.name);
    expect(signed).toEqual(darwin.toSorted());
  });
});

test('every script that a workflow runs is in the checkout', () => {
  const names = [...workflowTexts.values()].flatMap((text) =>
    [...text.matchAll(/scripts\/[\w-]+\.\w+/g)].map(([name]) => name),
  );
  expect(names).toContain('scripts/smoke.mjs');
  for (const name of names)
    expect([name, existsSync(join(import.meta.dir, '../..', name))]).toEqual([name, true]);
});

function runnerOf({ os, cpu }: Target): string {
  switch (os) {
    case 'darwin':
      return cpu === 'arm64' ? 'macos-15' : 'macos-15-intel';
    case 'linux':
      return cpu === 'arm64' ? 'ubuntu-24.04-arm' : 'ubuntu-24.04';
    case 'win32':
      return cpu === 'arm64' ? 'windows-11-arm' : 'windows-2025';
  }
}
