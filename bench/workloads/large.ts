// Calls with large results.

import { type Bench, measureRequests, type Workload } from '../bench.ts';
import { type Gateway, startUpstreams } from '../gateways.ts';
import { callMessage } from '../messages.ts';
import { type Column, loadColumns } from '../tables.ts';

const requestBytes = 250;

/** The workload's name in the report, and how many calls are in flight. */
export const large = 'large results, c=4';
const connections = 4;
const smallest = 100_000;
export const largeSizes = [smallest, 1_000_000, 10_000_000];
export const largeSetting = (bytes: number) => (bytes < 1e6 ? `${bytes / 1e3} KB` : `${bytes / 1e6} MB`);

const columns: readonly Column[] = [
  { metric: 'mbPerSecond', title: 'MB/s', digits: 0, hasSpread: true },
  ...loadColumns,
];

async function run(bench: Bench): Promise<void> {
  const tools = largeSizes.length;
  await using upstreams = await startUpstreams([
    { kind: 'healthy', tools, resultBytes: largeSizes, events: 0, gapMs: 0 },
  ]);
  const measure = (tool: number, resultBytes: number) => async (gateway: Gateway, seconds: number) => {
    const { figures } = await measureRequests(bench, gateway, upstreams, {
      messages: [callMessage(gateway.toolName('up0', `tool_${tool}`), requestBytes)],
      expect: { kind: 'call', resultBytes },
      connections,
      phases: null,
      seconds,
    });
    return { ...figures, mbPerSecond: ((figures.perSecond ?? 0) * resultBytes) / 1e6 };
  };
  const settings = largeSizes.map((bytes, tool) => ({
    setting: largeSetting(bytes),
    measure: measure(tool, bytes),
  }));
  const options = { auth: true, session: true, tools };
  // The smallest result: too few calls with 10 MB fit into this time to trigger the compiler.
  await bench.measureStarts(large, upstreams, options, settings, (justInTime) =>
    bench.warmUp(large, 'warm-up', justInTime, measure(0, smallest), bench.justInTimeSeconds),
  );
  for (const { setting } of settings) bench.printTable(large, setting, columns);
}

/** See the top of this file. */
export const largeWorkload: Workload = { name: 'large', run };
