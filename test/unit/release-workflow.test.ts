import { describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { release, workflowTexts } from '../support/workflows.ts';

/** The script of a job's step, found by its name or id. */
function script(job: string, step: string): string {
  const found = release.jobs[job]?.steps?.find(({ name, id }) => name === step || id === step);
  return found!.run!;
}

/** A folder to run a step's script in, with test programs that come before those of the system. */
class Runner implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mcpstead-workflow-'));

  constructor() {
    mkdirSync(join(this.folder, 'bin'));
    // Bun acts as Node when it is called `node`; not every machine that runs the tests has Node.
    symlinkSync(process.execPath, join(this.folder, 'bin', 'node'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string, mode = 0o644): void {
    mkdirSync(join(this.path(name), '..'), { recursive: true });
    writeFileSync(this.path(name), text);
    chmodSync(this.path(name), mode);
  }

  /** Runs `text` as GitHub runs the scripts of `shell: bash`. */
  run(
    text: string,
    env: Record<string, string> = {},
    cwd = this.folder,
  ): { exitCode: number; output: string } {
    const done = Bun.spawnSync(['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c', text], {
      cwd,
      env: {
        PATH: `${this.path('bin')}:${process.env.PATH}`,
        HOME: this.folder,
        // Ignores git's settings of this machine, such as signing.
        GIT_CONFIG_NOSYSTEM: '1',
        GITHUB_OUTPUT: this.path('outputs'),
        ...env,
      },
    });
    return { exitCode: done.exitCode, output: `${done.stdout}${done.stderr}` };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

describe('a release', () => {
  test('publishes what has passed CI and was signed, then tries out what it published', () => {
    const needs = Object.entries(release.jobs).map(([name, job]) => [name, [job.needs ?? []].flat()]);
    expect(Object.fromEntries(needs)).toEqual({
      version: [],
      ci: ['version'],
      sign: ['version', 'ci'],
      package: ['sign'],
      npm: ['version', 'package'],
      github: ['version', 'package'],
      homebrew: ['version', 'github'],
      'smoke-npm': ['version', 'npm'],
      'smoke-archive': ['version', 'github'],
      'smoke-homebrew': ['version', 'homebrew'],
    });
    expect(release.jobs.ci?.uses).toBe('./.github/workflows/ci.yml');
  });

  test('has its version from package.json, through the one job that reads it', () => {
    const jobs = Object.values(release.jobs);
    const envs = [...jobs, ...jobs.flatMap(({ steps = [] }) => steps)].map(({ env }) => env?.VERSION);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub Actions looks like one.
    const output = '${{ needs.version.outputs.version }}';
    expect(new Set(envs)).toEqual(new Set([undefined, output]));
    expect(workflowTexts.get('release.yml')!.match(/package\.json"\)/g)).toHaveLength(1);
  });

  test('continues if the tag is the version of package.json and the changelog has a section for it', () => {
    using runner = new Runner();
    runner.write('package.json', '{"version":"1.2.3"}');
    runner.write('CHANGELOG.md', '# Changelog\n\n## 1.2.3 - 2027-01-31\n\n- News.\n');
    expect(runner.run(script('version', 'version'), { GITHUB_REF_NAME: 'v1.2.3' })).toEqual({
      exitCode: 0,
      output: '',
    });
    expect(readFileSync(runner.path('outputs'), 'utf8')).toBe('version=1.2.3\nnpm-tag=latest\n');
  });

  test('of a version that is not final gets the npm tag "next"', () => {
    using runner = new Runner();
    runner.write('package.json', '{"version":"1.3.0-rc.1"}');
    runner.write('CHANGELOG.md', '## 1.3.0-rc.1\n');
    runner.run(script('version', 'version'), { GITHUB_REF_NAME: 'v1.3.0-rc.1' });
    expect(readFileSync(runner.path('outputs'), 'utf8')).toBe('version=1.3.0-rc.1\nnpm-tag=next\n');
  });

  test('stops when the tag says another version than package.json', () => {
    using runner = new Runner();
    runner.write('package.json', '{"version":"1.2.3"}');
    const { exitCode, output } = runner.run(script('version', 'version'), { GITHUB_REF_NAME: 'v1.2.4' });
    expect(exitCode).toBe(1);
    expect(output).toContain('the tag is v1.2.4, but package.json says 1.2.3: tag the commit v1.2.3');
  });

  test('stops when the changelog has no section for the version', () => {
    using runner = new Runner();
    runner.write('package.json', '{"version":"1.2.3"}');
    runner.write('CHANGELOG.md', '## 1.2.30\n\n## 1x2.3\n');
    const { exitCode, output } = runner.run(script('version', 'version'), { GITHUB_REF_NAME: 'v1.2.3' });
    expect(exitCode).toBe(1);
    expect(output).toContain('there is no section "## 1.2.3"');
  });

  test('packages signed programs in place of the others, all of them executable', () => {
    using runner = new Runner();
    runner.write('artifacts/program-darwin-arm64/mcpstead', 'unsigned');
    runner.write('artifacts/signed-darwin-arm64/mcpstead', 'signed');
    runner.write('artifacts/program-linux-x64/mcpstead', 'linux');
    const lay = script(
      'package',
      'Lay the programs out as the build does, the signed ones in place of the others',
    );
    expect(runner.run(lay)).toEqual({ exitCode: 0, output: '' });
    expect(readFileSync(runner.path('dist/bin/darwin-arm64/mcpstead'), 'utf8')).toBe('signed');
    expect(readFileSync(runner.path('dist/bin/linux-x64/mcpstead'), 'utf8')).toBe('linux');
    expect(statSync(runner.path('dist/bin/linux-x64/mcpstead')).mode & 0o777).toBe(0o755);
  });
});

describe('the release on GitHub', () => {
  const publish = script('github', "Release, with the version's section of the changelog");

  /** A `gh` that keeps the state of one release (absent, draft, published) in a file, and records its calls. */
  function runnerWithGh(state: 'absent' | 'draft' | 'published'): Runner {
    const runner = new Runner();
    runner.write('state', state);
    runner.write('dist/release/SHA256SUMS', '');
    runner.write(
      'CHANGELOG.md',
      '## Unreleased\n\n- Later.\n\n## 1.2.3 - 2027-01-31\n\n- News.\n\n## 1.2.2\n\n- Old.\n',
    );
    const gh = `#!/bin/sh
echo "$*" >>calls
case "$2" in
  view)
    [ "$(cat state)" != absent ] || exit 1
    if [ "$(cat state)" = draft ]; then echo true; else echo false; fi ;;
  create) echo draft >state ;;
  edit) echo published >state ;;
esac
`;
    runner.write('bin/gh', gh, 0o755);
    return runner;
  }
  const changes = (runner: Runner) =>
    readFileSync(runner.path('calls'), 'utf8')
      .trimEnd()
      .split('\n')
      .filter((call) => !call.startsWith('release view'));

  test('is a draft until all of its files are there', () => {
    using runner = runnerWithGh('absent');
    expect(runner.run(publish, { VERSION: '1.2.3', NPM_TAG: 'latest' }).exitCode).toBe(0);
    expect(changes(runner)).toEqual([
      'release create v1.2.3 --draft --verify-tag --title v1.2.3 --notes-file notes.md',
      'release upload v1.2.3 dist/release/SHA256SUMS --clobber',
      'release edit v1.2.3 --draft=false',
    ]);
  });

  test("shows the version's section of the changelog", () => {
    using runner = runnerWithGh('absent');
    runner.run(publish, { VERSION: '1.2.3', NPM_TAG: 'latest' });
    expect(readFileSync(runner.path('notes.md'), 'utf8')).toBe('\n- News.\n\n');
  });

  test('is marked if the version is not final', () => {
    using runner = runnerWithGh('absent');
    runner.run(publish, { VERSION: '1.2.3', NPM_TAG: 'next' });
    expect(changes(runner)[0]).toEndWith(' --prerelease');
  });

  test('continues with the draft of a failed run', () => {
    using runner = runnerWithGh('draft');
    expect(runner.run(publish, { VERSION: '1.2.3', NPM_TAG: 'latest' }).exitCode).toBe(0);
    expect(changes(runner)).toEqual([
      'release upload v1.2.3 dist/release/SHA256SUMS --clobber',
      'release edit v1.2.3 --draft=false',
    ]);
  });

  test('stays as it is once it is published', () => {
    using runner = runnerWithGh('published');
    expect(runner.run(publish, { VERSION: '1.2.3', NPM_TAG: 'latest' }).exitCode).toBe(0);
    expect(changes(runner)).toEqual([]);
  });
});

describe('the Homebrew tap', () => {
  const push = release.jobs.homebrew!.steps!.at(-1)!.run!;

  test('gets the formula in one commit, or none if it has it already', () => {
    using runner = new Runner();
    const setUp =
      'git init --quiet --bare --initial-branch main tap.git && git clone --quiet tap.git tap && cd tap && ' +
      'git -c user.name=a -c user.email=a@b.example commit --quiet --allow-empty --message first && git push --quiet';
    expect(runner.run(setUp)).toMatchObject({ exitCode: 0 });
    runner.write('dist/Formula/mcpstead.rb', 'class Mcpstead < Formula\n');

    expect(runner.run(push, { VERSION: '1.2.3' }, runner.path('tap'))).toMatchObject({ exitCode: 0 });
    expect(runner.run('git -C tap.git show main:Formula/mcpstead.rb').output).toBe(
      'class Mcpstead < Formula\n',
    );
    expect(runner.run('git -C tap.git log --format=%s main').output).toBe('mcpstead 1.2.3\nfirst\n');

    const again = runner.run(push, { VERSION: '1.2.3' }, runner.path('tap'));
    expect(again).toEqual({ exitCode: 0, output: 'the tap has this formula already\n' });
    expect(runner.run('git -C tap.git log --format=%s main').output).toBe('mcpstead 1.2.3\nfirst\n');
  });
});
