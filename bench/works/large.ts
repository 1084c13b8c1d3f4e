// Calls whose results are large.

import { type Bench, measuredAsk, type Work } from '../bench.ts';
import { directly, startUpstreams } from '../gateways.ts';
import { callOf } from '../messages.ts';
import { loadColumns } from '../report.ts';

const requestBytes = 250;
const tools = 1;

/** The work's name in the report, and how many calls are in flight. */
export const large = 'large results, c=4';
const connections = 4;
export const largeSizes = [100_000, 1_000_000, 10_000_000];
export const largeSetting = (bytes: number) => (bytes < 1e6 ? `${bytes / 1e3} KB` : `${bytes / 1e6} MB`);

async function runLarge(bench: Bench, resultBytes: number): Promise<void> {
  await using upstreams = await startUpstreams([
    { kind: 'healthy', tools, resultBytes, events: 0, gapMs: 0 },
  ]);
  await using stack = new AsyncDisposableStack();
  const options = { auth: true, session: true, tools };
  const gateways = [directly(upstreams), ...(await bench.start(large, stack, upstreams, options))];
  const setting = largeSetting(resultBytes);
  await bench.rounds(large, setting, gateways, async (gateway, seconds) => {
    const { figures } = await measuredAsk(bench, gateway, upstreams, {
      messages: [callOf(gateway.toolName('up0', 'tool_0'), requestBytes)],
      expect: { kind: 'call', resultBytes },
      connections,
      phases: null,
      seconds,
    });
    return { ...figures, mbPerSecond: ((figures.perSecond ?? 0) * resultBytes) / 1e6 };
  });
  bench.printTable(large, setting, [
    { metric: 'mbPerSecond', title: 'MB/s', digits: 0, hasSpread: true },
    ...loadColumns,
  ]);
}

/** See above. */
export const largeWork: Work = {
  name: 'large',
  async run(bench) {
    for (const bytes of largeSizes) await runLarge(bench, bytes);
  },
};
