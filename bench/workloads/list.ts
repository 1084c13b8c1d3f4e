// tools/list with few and many tools, of one and of many upstreams.

import { type Bench, measureRequests, type Workload } from '../bench.ts';
import { directly, type Gateway, startUpstreams, type Upstreams } from '../gateways.ts';
import { listMessage } from '../messages.ts';
import { loadColumns } from '../tables.ts';

const connections = 8;

/** The workload's name in the report. */
export const toolsList = 'tools/list';
export const listSizes = [10, 100, 1000, 10_000];
export const manyUpstreams = 50;
export const listSetting = (tools: number, upstreams: number) =>
  `${tools.toLocaleString('en-US')} tools of ${upstreams === 1 ? 'one upstream' : `${upstreams} upstreams`}`;

async function runList(bench: Bench, tools: number, upstreamCounts: readonly number[]): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const lists = [];
  for (const count of upstreamCounts) {
    const one = { kind: 'healthy', tools: tools / count, resultBytes: 1024, events: 0, gapMs: 0 } as const;
    const upstreams = stack.use(await startUpstreams(Array.from({ length: count }, () => one)));
    const options = { auth: true, session: true, tools };
    const gateways = await bench.start(toolsList, stack, upstreams, options, ({ merges }) => merges);
    // With many upstreams, no single one has the whole list.
    if (count === 1) gateways.unshift(directly(upstreams));
    lists.push({ setting: listSetting(tools, count), upstreams, gateways });
  }
  const measure = (upstreams: Upstreams) => async (gateway: Gateway, seconds: number) => {
    const { figures } = await measureRequests(bench, gateway, upstreams, {
      messages: [listMessage],
      expect: { kind: 'list', tools },
      connections,
      phases: null,
      seconds,
    });
    return figures;
  };
  for (const { setting, gateways, upstreams } of lists)
    await bench.warmUp(toolsList, setting, gateways, measure(upstreams));
  for (let round = 0; round < bench.options.rounds; round += 1) {
    for (const { setting, gateways, upstreams } of lists)
      await bench.round(round, toolsList, setting, gateways, measure(upstreams));
  }
  for (const { setting } of lists) bench.printTable(toolsList, setting, loadColumns);
}

/** See the top of this file. */
export const listWorkload: Workload = {
  name: 'list',
  async run(bench) {
    for (const tools of listSizes) await runList(bench, tools, tools === 1000 ? [1, manyUpstreams] : [1]);
  },
};
