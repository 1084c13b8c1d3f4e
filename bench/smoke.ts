// The short benchmark: how much the gateway does per second, and what a request costs its process.
// Usage: npm run bench:smoke -- [SECONDS_PER_RUN]. Figures compare within one run on one machine only.

import { load } from './load.ts';
import { startGateway, startUpstream } from './processes.ts';

const seconds = Number(process.argv[2] ?? 2);
const rounds = 3;
const concurrency = 32;

interface Work {
  readonly name: string;
  readonly tools: number;
  readonly body: string;
  readonly directBody: string;
  readonly expect: string;
}

const callOf = (name: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: { text: 'y'.repeat(130) } },
  });
const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
const works: Work[] = [
  {
    name: 'tools/call',
    tools: 10,
    body: callOf('up__tool_0'),
    directBody: callOf('tool_0'),
    expect: 'xxxxxxxx',
  },
  { name: 'tools/list (1,000)', tools: 1000, body: list, directBody: list, expect: 'tool_999' },
];

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

console.log(`c=${concurrency}, ${rounds} rounds of ${seconds} s each, medians; Bun ${Bun.version}`);
console.log('work                 via       req/s    p50 ms   p99 ms   CPU µs/request   RSS MB');
for (const work of works) {
  await using upstream = await startUpstream(work.tools, 1024);
  await using gateway = await startGateway(upstream.port);
  const figures = new Map<string, { rate: number; p50: number; p99: number; cpuUs: number }[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [via, target, body] of [
      ['direct', upstream, work.directBody],
      ['mcpstead', gateway, work.body],
    ] as const) {
      const cpuBefore = target.cpuSeconds();
      const result = await load({ port: target.port, body, concurrency, seconds, expect: work.expect });
      const cpuUs = ((target.cpuSeconds() - cpuBefore) * 1e6) / result.requests;
      const at = (share: number) => result.latenciesMs[Math.floor(result.requests * share)] ?? Number.NaN;
      const figure = { rate: result.requests / result.seconds, p50: at(0.5), p99: at(0.99), cpuUs };
      // The first round warms up.
      if (round > 0) figures.set(via, [...(figures.get(via) ?? []), figure]);
    }
  }
  for (const [via, runs] of figures) {
    const of = (key: 'rate' | 'p50' | 'p99' | 'cpuUs') => median(runs.map((run) => run[key]));
    const resident = (via === 'direct' ? upstream : gateway).residentBytes() / 1e6;
    console.log(
      `${work.name.padEnd(20)} ${via.padEnd(8)} ${of('rate').toFixed(0).padStart(6)} ${of('p50').toFixed(2).padStart(9)} ` +
        `${of('p99').toFixed(2).padStart(8)} ${of('cpuUs').toFixed(1).padStart(16)} ${resident.toFixed(0).padStart(8)}`,
    );
  }
}
