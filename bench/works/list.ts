// tools/list, of few tools and of many, from one upstream and from many.

import { type Bench, measuredAsk, type Work } from '../bench.ts';
import { directly, startUpstreams } from '../gateways.ts';
import { list } from '../messages.ts';
import { loadColumns } from '../report.ts';

const connections = 8;

/** The work's name in the report. */
export const toolsList = 'tools/list';
export const listSizes = [10, 100, 1000, 10_000];
export const manyUpstreams = 50;
export const listSetting = (tools: number, upstreams: number) =>
  `${tools.toLocaleString('en-US')} tools of ${upstreams === 1 ? 'one upstream' : `${upstreams} upstreams`}`;

async function runList(bench: Bench, tools: number, upstreamCount: number): Promise<void> {
  const one = {
    kind: 'healthy',
    tools: tools / upstreamCount,
    resultBytes: 1024,
    events: 0,
    gapMs: 0,
  } as const;
  await using upstreams = await startUpstreams(Array.from({ length: upstreamCount }, () => one));
  await using stack = new AsyncDisposableStack();
  const options = { auth: true, session: true, tools };
  const gateways = await bench.start(toolsList, stack, upstreams, options, ({ merges }) => merges);
  // No single upstream has the whole list where there are many.
  if (upstreamCount === 1) gateways.unshift(directly(upstreams));
  const setting = listSetting(tools, upstreamCount);
  await bench.rounds(toolsList, setting, gateways, async (gateway, seconds) => {
    const { figures } = await measuredAsk(bench, gateway, upstreams, {
      messages: [list],
      expect: { kind: 'list', tools },
      connections,
      phases: null,
      seconds,
    });
    return figures;
  });
  bench.printTable(toolsList, setting, loadColumns);
}

/** See above. */
export const listWork: Work = {
  name: 'list',
  async run(bench) {
    for (const tools of listSizes) await runList(bench, tools, 1);
    await runList(bench, 1000, manyUpstreams);
  },
};
