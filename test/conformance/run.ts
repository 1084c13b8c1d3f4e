// Runs the official conformance suite against the fixtures, directly and through the gateway, and writes docs/conformance.md.
// `--only NAME` runs one leg, and writes nothing.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { freePort } from '../support/wait.ts';
import { type LegResult, report } from './report.ts';
import { type Outcome, type Revision, requiredScenarios, revisions, runSuite } from './suite.ts';

const here = import.meta.dir;
const root = join(here, '../..');
const bun = process.execPath;

/** One way to a fixture. */
interface Leg {
  readonly name: string;
  /** The part of the gateway that leads to it; null: directly. */
  readonly view: string | null;
  readonly fixture: 'v2' | 'v1';
}

const legs: readonly Leg[] = [
  { name: 'directly', view: null, fixture: 'v2' },
  { name: 'through the gateway, over Streamable HTTP', view: 'http', fixture: 'v2' },
  { name: 'through the gateway, over stdio', view: 'stdio', fixture: 'v2' },
  { name: 'through the gateway, to a v1 server', view: 'old', fixture: 'v1' },
];

const results = mkdtempSync(join(tmpdir(), 'mcpstead-conformance-'));
const children: Child[] = [];
try {
  process.exitCode = await run(process.argv[2] === '--only' ? process.argv.slice(3) : null);
} finally {
  await Promise.all(children.map((child) => child.end('SIGTERM')));
  rmSync(results, { recursive: true, force: true });
}

async function run(only: readonly string[] | null): Promise<number> {
  const isRun = (name: string | null) => only === null || name === null || only.includes(name);
  const wanted = legs.filter(({ view }) => isRun(view));
  const urls = {
    v2: await startFixture('serve-v2.ts', 'http'),
    v1: await startFixture('serve-v1.ts', 'http'),
  };
  const gateway = await startGatewayProgram(wanted, urls);
  const found: LegResult[] = [];
  for (const { name, view, fixture } of wanted) {
    for (const revision of revisions) {
      const url = view === null ? urls[fixture] : `${gateway}/${view}`;
      const outcomes = await serverLeg(url, revision, name);
      found.push({ name, revision, role: 'server', fixture, outcomes });
    }
  }
  for (const revision of isRun('client') ? revisions : []) {
    const outcomes = await clientLeg(revision);
    found.push({ name: 'as a client', revision, role: 'client', fixture: 'v2', outcomes });
  }
  const { page, summary, isGood } = report(found);
  console.log(summary);
  if (only === null) writeFileSync(join(root, 'docs/conformance.md'), page);
  return isGood ? 0 : 1;
}

async function serverLeg(url: string, revision: Revision, name: string): Promise<Map<string, Outcome>> {
  console.error(`${revision}, ${name}`);
  const directory = join(results, `${revision}-${name}`);
  mkdirSync(directory);
  return runSuite(['server', '--url', url, '--requirements', revision], directory);
}

/** Each scenario starts a gateway of its own, see adapter.ts. Those of `auth/` wait for the gateway's own OAuth client. */
async function clientLeg(revision: Revision): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const scenario of requiredScenarios(revision, 'client').filter((name) => !name.startsWith('auth/'))) {
    console.error(`${revision}, as a client: ${scenario}`);
    const directory = join(results, `${revision}-client-${scenario}`);
    mkdirSync(directory);
    const command = `${bun} ${join(here, 'adapter.ts')}`;
    const args = ['client', '--command', command, '--scenario', scenario, '--spec-version', revision];
    for (const [name, outcome] of await runSuite(args, directory)) outcomes.set(name, outcome);
  }
  return outcomes;
}

/** Starts a fixture that prints its URL. */
async function startFixture(...command: readonly string[]): Promise<string> {
  const [script = '', ...args] = command;
  const child = await startChild([bun, join(here, script), ...args], { ready: '/mcp' });
  children.push(child);
  return /http:\S+/.exec(child.output())?.[0] ?? '';
}

/** Starts the program with the servers of the legs; returns the URL of its endpoint. */
async function startGatewayProgram(wanted: readonly Leg[], urls: Record<string, string>): Promise<string> {
  const port = freePort();
  const config = join(results, 'mcpstead.yaml');
  const settings: Record<string, object> = {
    http: { url: urls.v2 },
    stdio: { command: bun, args: [join(here, 'serve-v2.ts'), 'stdio'] },
    old: { url: urls.v1, isolation: 'session' },
  };
  const views = wanted.flatMap(({ view }) => view ?? []);
  const servers = views.map((name) => ({ name, required: true, ...settings[name] }));
  writeFileSync(config, JSON.stringify({ port, state_dir: results, servers }));
  const command = [bun, join(root, 'src/main.ts'), '--config', config];
  children.push(await startChild(command, { ready: 'serving' }));
  return `http://127.0.0.1:${port}/mcp`;
}
