import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Glob } from 'bun';
import { parse } from 'yaml';
import { rpcResult } from '../support/answers.ts';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { blocksOf } from '../support/pages.ts';
import { parsePage } from '../support/prometheus-page.ts';
import { groupLabels, type Selector, scrapeLabels, selectors } from '../support/promql.ts';
import { RawSession } from '../support/rpc.ts';
import { rawStdio } from '../support/stdio/raw-stdio.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const root = join(import.meta.dir, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const dashboard = JSON.parse(read('docs/deploy/grafana/mcpstead.json'));
const panels: readonly Panel[] = dashboard.panels;
const variables: readonly { name: string; definition?: string }[] = dashboard.templating.list;
const rules: readonly { alert: string; expr: string; annotations: Record<string, string> }[] = parse(
  read('docs/deploy/prometheus/rules.yml'),
).groups.flatMap((group: { rules: unknown }) => group.rules);
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Every sample name of a real page, with the values of its labels. */
const served = new Map<string, Map<string, Set<string>>>();
let page: string;

beforeAll(async () => {
  await using upstream = await fakeUpstream({
    onPost: (message) =>
      message.method === 'tools/call'
        ? Response.json(rpcResult(message.id, { content: [], isError: false }))
        : undefined,
  });
  const servers = [{ name: 'local', url: upstream.url }, rawStdio('process')];
  await using gateway = await startGateway({ servers });
  await gateway.connected();
  await using session = await RawSession.open(gateway.url);
  await session.post({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'local__echo' } });
  await gateway.reload({ servers });
  page = (await gateway.metrics()).text;
  for (const { samples } of parsePage(page).values()) {
    for (const { name, labels } of samples) {
      const values = served.getOrInsertComputed(name, () => new Map());
      for (const [label, value] of Object.entries(labels)) {
        values.getOrInsertComputed(label, () => new Set()).add(value);
      }
    }
  }
});

/** The parts of a selector that no page of a gateway has: its name, a label, or a value from a fixed list. */
function unknownIn({ name, labels }: Selector): string[] {
  const known = served.get(name);
  if (!known) return [name];
  return [...labels].flatMap(([label, values]) => {
    if (scrapeLabels.includes(label)) return [];
    const served = known.get(label);
    if (!served) return [`${name}{${label}}`];
    return values.filter((value) => !served.has(value)).map((value) => `${name}{${label}="${value}"}`);
  });
}

/** The labels that series of `expression` may have. */
function labelsOf(expression: string): string[] {
  const names = selectors(expression).flatMap(({ name }) => [...(served.get(name)?.keys() ?? [])]);
  return [...names, ...scrapeLabels];
}

describe('a documented metric is on the page, with its labels and their values:', () => {
  test('in the alert rules', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.flatMap(({ expr }) => selectors(expr).flatMap(unknownIn))).toEqual([]);
    for (const { alert, expr } of rules) {
      expect({
        alert,
        strange: groupLabels(expr).filter((label) => !labelsOf(expr).includes(label)),
      }).toEqual({
        alert,
        strange: [],
      });
    }
  });

  test('in the dashboard', () => {
    expect(queries.length).toBeGreaterThan(0);
    const expressions = [
      ...queries.map(({ expr }) => expr),
      ...variables.map(({ definition = '' }) => definition),
    ];
    expect(expressions.flatMap((each) => selectors(each).flatMap(unknownIn))).toEqual([]);
  });

  test('in the documentation', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', ...new Glob('docs/**/*.md').scanSync(root)];
    const found = pages.flatMap((name) => selectors(read(name)));
    expect(found.length).toBeGreaterThan(0);
    // A name of a histogram's family stands for several samples.
    const isFamily = ({ name }: Selector) => served.has(`${name}_bucket`);
    expect(found.filter((selector) => !isFamily(selector)).flatMap(unknownIn)).toEqual([]);
  });
});

describe('the alert rules', () => {
  test('explain each alert with labels that its expression keeps', () => {
    for (const { alert, expr, annotations } of rules) {
      const { summary = '', description = '' } = annotations;
      expect([alert, summary.length > 10, description.length > 10]).toEqual([alert, true, true]);
      const used = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label);
      const kept = /\bby \(/.test(expr) ? groupLabels(expr) : labelsOf(expr);
      expect({ alert, lost: used.filter((label) => !kept.includes(label!)) }).toEqual({ alert, lost: [] });
    }
  });

  test('name the job that the example of a scrape names', () => {
    const { scrape_configs, rule_files } = parse(read('docs/deploy/prometheus/prometheus.yml'));
    expect(scrape_configs[0]).toMatchObject({
      job_name: 'mcpstead',
      static_configs: [{ targets: ['127.0.0.1:8766'] }],
    });
    expect(rule_files).toEqual(['rules.yml']);
    const jobs = rules.flatMap(({ expr }) => [...expr.matchAll(/job="(\w+)"/g)].map(([, job]) => job));
    expect(new Set(jobs)).toEqual(new Set(['mcpstead']));
  });
});

describe('the dashboard', () => {
  test('asks the data source that its user chooses, in every panel', () => {
    expect(variables.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance', 'server']);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana looks like one.
    const chosen = '${datasource}';
    const others = panels.filter(({ type, datasource }) => type !== 'row' && datasource?.uid !== chosen);
    expect(others.map(({ title }) => title)).toEqual([]);
  });

  test('uses no variable that it does not define', () => {
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(?!__)([a-z]+)/g)].map(([, name]) => name);
    const defined = variables.map(({ name }) => name);
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((name) => !defined.includes(name!))).toEqual([]);
  });

  test('names its curves by labels that its queries keep', () => {
    for (const { title, expr, legendFormat } of queries) {
      const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      const aggregates = /\b(?:sum|max|min|count|avg)\b/.test(expr);
      const kept = aggregates ? groupLabels(expr) : labelsOf(expr);
      expect({ title, lost: used.filter((label) => !kept.includes(label!)) }).toEqual({ title, lost: [] });
    }
  });

  test('has panels with unique ids, which do not overlap, within 24 columns', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.trunc(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

describe.skipIf(Bun.which('promtool') === null)('promtool', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mcpstead-promtool-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function promtool(args: readonly string[], stdin = '') {
    const cwd = join(root, 'docs/deploy/prometheus');
    const done = Bun.spawnSync(['promtool', ...args], { cwd, stdin: Buffer.from(stdin) });
    return { exitCode: done.exitCode, output: `${done.stdout}${done.stderr}` };
  }

  test('accepts the scrape and the rules', () => {
    const { exitCode, output } = promtool(['check', 'config', 'prometheus.yml']);
    expect({ exitCode, output }).toMatchObject({ exitCode: 0 });
    expect(output).toContain('10 rules found');
  });

  test('accepts the scrape of the README', () => {
    const scrapes = blocksOf('README.md').filter(({ text }) => text.includes('scrape_configs:'));
    expect(scrapes.length).toBe(1);
    const path = join(folder, 'prometheus.yml');
    writeFileSync(path, scrapes[0]?.text ?? '');
    expect(promtool(['check', 'config', path])).toMatchObject({ exitCode: 0 });
  });

  test('accepts every query of the dashboard', () => {
    const record = queries.map(({ expr }, index) => ({
      record: `query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replace(/\$\w+/g, 'x'),
    }));
    const path = join(folder, 'queries.yml');
    writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: record }] }));
    expect(promtool(['check', 'rules', path])).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ['McpsteadDown', { 'up{job="mcpstead"}': '0x60' }],
    ['McpsteadDown', {}],
    ['McpServerDown', { 'mcpstead_upstream_connected{server="a"}': '1x5 0x60' }],
    [
      'McpServerUnstable',
      {
        'mcpstead_upstream_session_resets_total{server="a", reason="expired"}': '0+1x60',
        'mcpstead_upstream_session_resets_total{server="a", reason="terminated"}': '0x60',
      },
    ],
    [
      'McpServerNotRefreshed',
      {
        'mcpstead_upstream_connected{server="a"}': '1x120',
        'mcpstead_upstream_tools_refresh_total{server="a", result="error"}': '0+1x120',
        'mcpstead_upstream_tools_last_refresh_timestamp_seconds{server="a"}': '0x120',
      },
    ],
    [
      'McpCallsFail',
      {
        'mcpstead_tool_call_errors_total{server="a", tool="b", reason="upstream_timeout"}': '0+60x60',
        'mcpstead_tool_call_errors_total{server="a", tool="b", reason="cancelled"}': '0+600x60',
      },
    ],
    [
      'McpCallsSlow',
      {
        'mcpstead_tool_call_duration_seconds_bucket{server="a", tool="b", le="10"}': '0+5x60',
        'mcpstead_tool_call_duration_seconds_bucket{server="a", tool="b", le="30"}': '0+60x60',
        'mcpstead_tool_call_duration_seconds_bucket{server="a", tool="b", le="+Inf"}': '0+60x60',
        'mcpstead_tool_calls_total{server="a", tool="b"}': '0+60x60',
      },
    ],
    ['McpConfigNotReloaded', { 'mcpstead_config_reloads_total{result="error"}': '0x50 1x10' }],
    ['McpClientsRefused', { 'mcpstead_mcp_auth_failures_total{reason="wrong_token"}': '0+60x60' }],
    ['McpGatewayFaulty', { 'mcpstead_mcp_auth_failures_total{reason="internal"}': '0x50 1x10' }],
    ['McpDescriptorsRunOut', { mcpstead_process_open_fds: '900x60', mcpstead_process_max_fds: '1000x60' }],
  ])('sees %s fire, and none of the others', (alert, series) => {
    const input = alert === 'McpsteadDown' ? series : { 'up{job="mcpstead"}': '1x120', ...series };
    const path = join(folder, 'alerts.yml');
    const tests = [
      {
        interval: '1m',
        input_series: Object.entries(input).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: '55m',
            exp_samples: [{ labels: `{alertname="${alert}"}`, value: 1 }],
          },
        ],
      },
    ];
    const rulesPath = join(root, 'docs/deploy/prometheus/rules.yml');
    writeFileSync(path, JSON.stringify({ rule_files: [rulesPath], evaluation_interval: '1m', tests }));
    expect(promtool(['test', 'rules', path])).toMatchObject({ exitCode: 0 });
  });

  test('has one remark on the page of metrics, about a name that stays', () => {
    const { output } = promtool(['check', 'metrics'], page);
    expect(output.trim().split('\n')).toEqual([
      'mcpstead_upstream_tools_count non-histogram and non-summary metrics should not have "_count" suffix',
    ]);
  });
});
