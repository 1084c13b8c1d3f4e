// Streamed responses: does each event arrive when it was sent?

import type { Bench, Workload } from '../bench.ts';
import { type Gateway, startUpstreams } from '../gateways.ts';
import { firstId, firstTag } from '../load/responses.ts';
import type { Column } from '../tables.ts';
import { type ListenerSpec, resultFrame } from '../upstream.ts';

const tools = 1;
/** The concurrency of the warm-up: at 40 calls a second, a JIT compiler would need minutes. */
const warmUpConnections = 200;
const resultBytes = 1024;

/** The workload's name in the report, and its settings; `events` includes the response. */
export const streamed = 'streamed answers';
export const paced = { setting: '3 events, 100 ms apart, c=1', events: 3, gapMs: 100, connections: 1 };
/** Eight calls of equal length stay in step: their events arrive at the same moment. */
export const inStep = { ...paced, setting: '3 events, 100 ms apart, c=8', connections: 8 };
export const burst = { setting: '1,000 events at once, c=2', events: 1000, gapMs: 0, connections: 2 };
/** The shortest run for calls that take long. */
const minSeconds = 1;

const columns: readonly Column[] = [
  { metric: 'callsPerSecond', title: 'calls/s', digits: 1, hasSpread: true },
  { metric: 'events', title: 'events', digits: 0 },
  { metric: 'firstP50Ms', title: 'first event p50 ms', digits: 2, hasSpread: true },
  { metric: 'firstP99Ms', title: 'p99 ms', digits: 2 },
  { metric: 'gapMinMs', title: 'least gap ms', digits: 1 },
  { metric: 'gapP50Ms', title: 'gap p50 ms', digits: 1 },
  { metric: 'gapMaxMs', title: 'greatest gap ms', digits: 1 },
  { metric: 'totalP50Ms', title: 'answer p50 ms', digits: 1 },
  { metric: 'cpuUs', title: 'CPU µs/call', digits: 0, hasSpread: true },
  { metric: 'loadCpuUs', title: 'load µs', digits: 0 },
  { metric: 'upstreamCpuUs', title: 'upstream µs', digits: 0 },
];

const messageFor = (tool: string) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: Number(firstId),
    method: 'tools/call',
    params: { name: tool, arguments: { text: firstTag }, _meta: { progressToken: firstTag } },
  });

/** @param settings differ only in their connections */
async function runStream(bench: Bench, settings: readonly (typeof paced)[]): Promise<void> {
  const [{ events, gapMs }] = settings as [typeof paced];
  const listener: ListenerSpec = { kind: 'healthy', tools, resultBytes, events: events - 1, gapMs };
  await using upstreams = await startUpstreams([listener]);
  const ask = ({ target, toolName }: Gateway, connections: number, seconds: number) =>
    bench.load.run({
      kind: 'stream',
      target,
      message: messageFor(toolName('up0', 'tool_0')),
      textLength: resultBytes - resultFrame.before.length - resultFrame.after.length,
      connections,
      seconds,
    });
  const measure = (connections: number) => async (gateway: Gateway, seconds: number) => {
    const { process } = gateway;
    const before = { gateway: process?.cpuNs() ?? 0, upstream: upstreams.process.cpuNs() };
    const result = await ask(gateway, connections, gapMs > 0 ? Math.max(minSeconds, seconds) : seconds);
    const { calls, leastEvents, firstP50Ms, firstP99Ms, totalP50Ms, gapMinMs, gapP50Ms, gapMaxMs } = result;
    const perCall = (ns: number) => ns / 1000 / calls;
    return {
      callsPerSecond: calls / result.seconds,
      events: leastEvents,
      firstP50Ms,
      firstP99Ms,
      totalP50Ms,
      // A response alone has no gaps.
      ...(leastEvents > 1 && { gapMinMs, gapP50Ms, gapMaxMs }),
      ...(process && { cpuUs: perCall(process.cpuNs() - before.gateway) }),
      loadCpuUs: result.cpuUs / calls,
      upstreamCpuUs: perCall(upstreams.process.cpuNs() - before.upstream),
    };
  };
  await bench.measureStarts(
    streamed,
    upstreams,
    { auth: true, session: true, tools },
    settings.map(({ setting, connections }) => ({ setting, measure: measure(connections) })),
    async (justInTime) => {
      if (gapMs === 0) return;
      for (const gateway of justInTime) await ask(gateway, warmUpConnections, bench.justInTimeSeconds);
    },
    ({ passesEvents }) => passesEvents,
  );
  for (const { setting } of settings) bench.printTable(streamed, setting, columns);
}

/** See the top of this file. */
export const streamWorkload: Workload = {
  name: 'stream',
  async run(bench) {
    await runStream(bench, [paced, inStep]);
    await runStream(bench, [burst]);
  },
};
