import { markdownTable } from '../support/markdown.ts';
import type { Outcome, Revision } from './suite.ts';
import { requiredScenarios, revisions } from './suite.ts';

/** The outcomes of one way through the suite. */
export interface LegResult {
  readonly name: string;
  readonly revision: Revision;
  readonly role: 'server' | 'client';
  readonly fixture: 'v2' | 'v1';
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/**
 * Scenarios of revision 2026-07-28 that no gateway can pass in front of a server that speaks only the legacy era, and why. The
 * suite sends answers under keys, or looks for things, that such a server has no way to name.
 */
const impossible: Readonly<Record<string, string>> = {
  'input-required-result-basic-elicitation':
    'The suite expects the question under the key `user_name`. A question of the legacy\n  era is a request, which has no key, so the gateway makes one up.',
};

/** Writes the page, and a summary for the terminal. `isGood` tells whether all is as the page claims. */
export function report(results: readonly LegResult[]): {
  page: string;
  summary: string;
  isGood: boolean;
} {
  const problems = results.flatMap((result) => problemsOf(result, results));
  const counts = results.map(countOf);
  const summary = [...counts, ...problems].join('\n');
  return { page: pageOf(results, counts), summary, isGood: problems.length === 0 };
}

function scored({ revision, role, outcomes }: LegResult): [string, Outcome | undefined][] {
  const names = requiredScenarios(revision, role).filter((name) => !name.startsWith('auth/'));
  return names.map((name) => [name, outcomes.get(name)]);
}

const hasPassed = (outcome: Outcome | undefined) => outcome !== undefined && outcome.failures === 0;

function countOf(result: LegResult): string {
  const all = scored(result);
  const passed = all.filter(([, outcome]) => hasPassed(outcome)).length;
  const warnings = all.reduce((sum, [, outcome]) => sum + (outcome?.warnings ?? 0), 0);
  return `${result.revision}, ${result.name}: ${passed} of ${all.length} scored scenarios, ${warnings} warnings`;
}

function problemsOf(result: LegResult, results: readonly LegResult[]): string[] {
  const direct = results.find(
    ({ name, revision, role }) => name === 'directly' && revision === result.revision && role === result.role,
  );
  return scored(result).flatMap(([name, outcome]) => {
    const place = `${result.revision}, ${result.name}: ${name}`;
    const isExcused = result.fixture === 'v1' && Object.hasOwn(impossible, name);
    if (!hasPassed(outcome))
      return isExcused ? [] : [`${place} fails: ${outcome?.reason ?? 'it did not run'}`];
    if (isExcused) return [`${place} passes, although report.ts calls it impossible`];
    const usual = direct?.outcomes.get(name)?.warnings ?? 0;
    const warnings = outcome?.warnings ?? 0;
    return result.fixture === 'v2' && warnings > usual
      ? [`${place} warns ${warnings} times, directly ${usual}`]
      : [];
  });
}

function pageOf(results: readonly LegResult[], counts: readonly string[]): string {
  const servers = revisions.map((revision) => {
    const legs = results.filter((result) => result.revision === revision && result.role === 'server');
    return `## ${revision}, server\n\n${tableOf(legs)}`;
  });
  const clients = revisions.map((revision) => {
    const legs = results.filter((result) => result.revision === revision && result.role === 'client');
    return `## ${revision}, client\n\n${tableOf(legs)}`;
  });
  const reasons = Object.entries(impossible).map(([name, reason]) => `- \`${name}\`: ${reason}`);
  return `# Conformance

<!-- Written by \`npm run conformance\`; do not edit. -->

\`npm run conformance\` runs the official suite, \`@modelcontextprotocol/conformance\` 0.2.0-alpha.12, against servers made for it
with the official SDKs: directly, and through the gateway at a server's own view (\`/mcp/SERVER\`), where names are bare. Then it
runs the suite for clients with the gateway as the client. The scenarios of \`auth/\` are not run, because the gateway has no
OAuth client yet.

${counts.map((count) => `- ${count}`).join('\n')}

A number in parentheses in the tables counts warnings. The last column of the server tables shows a server that speaks the
legacy era only, isolated per client.

${[...servers, ...clients].join('\n\n')}

## Not possible in front of a server of the legacy era

${reasons.join('\n')}
`;
}

function tableOf(legs: readonly LegResult[]): string {
  const [first] = legs;
  if (first === undefined) return 'Not run.';
  const names = scored(first).map(([name]) => name);
  const head = ['scenario', ...legs.map(({ name }) => name)];
  const rows = names.map((name) => [
    `\`${name}\``,
    ...legs.map(({ outcomes }) => cellOf(outcomes.get(name))),
  ]);
  return markdownTable(head, rows);
}

function cellOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not run';
  if (outcome.failures > 0) return 'fails';
  return outcome.warnings > 0 ? `passes (${outcome.warnings})` : 'passes';
}
