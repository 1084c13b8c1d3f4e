// Far more requests than can be served, then a normal rate again.

import { type Bench, measureRequests, type Workload } from '../bench.ts';
import { medianOf } from '../figures.ts';
import { startGateway, startUpstreams } from '../gateways.ts';
import { type PhaseResult, windowMs } from '../load/tally.ts';
import { callMessage } from '../messages.ts';
import type { Column } from '../tables.ts';

const requestBytes = 250;
const resultBytes = 1024;
const tools = 10;
const probeConnections = 64;
const probeSeconds = 2;
const connections = 1000;
const overloadFactor = 4;
const normalShare = 0.5;
const normalSeconds = 3;
/** Time to accept that many connections, before anything counts. */
const settleSeconds = 1;
const recoverySeconds = 5;
/** Time for memory to be freed. */
const settleMs = 5000;

/** The workload's name in the report, and its setting. */
export const overload = 'overload';
export const overloadSetting = (isFull: boolean) =>
  `${overloadFactor} times the sustainable rate for ${isFull ? 30 : 8} s over ${connections.toLocaleString('en-US')} connections`;

const columns: readonly Column[] = [
  { metric: 'sustainable', title: 'sustainable/s', digits: 0 },
  { metric: 'answered', title: 'answered/s', digits: 0 },
  { metric: 'shed', title: 'shed', digits: 0 },
  { metric: 'broken', title: 'broken', digits: 0 },
  { metric: 'unsent', title: 'not sent', digits: 0 },
  { metric: 'overloadP99Ms', title: 'p99 ms', digits: 0 },
  { metric: 'beforeP99Ms', title: 'p99 before', digits: 2 },
  { metric: 'afterP99Ms', title: 'p99 from 2 s after on', digits: 2 },
  { metric: 'recoveryMs', title: 'p99 normal after ms', digits: 0 },
  { metric: 'beforeBytes', title: 'RSS before MB', digits: 0, scale: 1e-6 },
  { metric: 'peakBytes', title: 'peak MB', digits: 0, scale: 1e-6 },
  { metric: 'afterBytes', title: `${settleMs / 1000} s after MB`, digits: 0, scale: 1e-6 },
];

/** The highest p99 that is still normal if it was `beforeMs`: it varies on a machine with few cores. */
export const normalP99Ms = (beforeMs: number) => Math.max(2 * beforeMs, beforeMs + 5);

/** How long after the overload the p99 is normal in two consecutive windows: one alone can be chance. */
function recoveryMs(windowsMs: readonly number[], beforeMs: number): number {
  const isNormal = windowsMs.map((p99Ms) => p99Ms <= normalP99Ms(beforeMs));
  const first = isNormal.findIndex((one, at) => one && isNormal[at + 1]);
  return first < 0 ? Number.POSITIVE_INFINITY : first * windowMs;
}

async function run(bench: Bench): Promise<void> {
  const setting = overloadSetting(bench.options.isFull);
  const seconds = bench.options.isFull ? 30 : 8;
  for (const contestant of bench.contestants.filter(({ merges }) => merges)) {
    await using upstreams = await startUpstreams([
      { kind: 'healthy', tools, resultBytes, events: 0, gapMs: 0 },
    ]);
    try {
      const options = { auth: true, session: true, tools };
      await using gateway = await startGateway(contestant, upstreams.addresses, options);
      const { process } = gateway;
      if (process === null) continue;
      const spec = {
        messages: [callMessage(gateway.toolName('up0', 'tool_0'), requestBytes)],
        expect: { kind: 'call', resultBytes },
      } as const;
      const probe = { ...spec, connections: probeConnections, phases: null, seconds: probeSeconds };
      // Twice: the first run warms up.
      await measureRequests(bench, gateway, upstreams, probe);
      const { perSecond: sustainable = 0 } = (await measureRequests(bench, gateway, upstreams, probe))
        .figures;
      const normal = { perSecond: sustainable * normalShare, seconds: normalSeconds };
      const { result: before } = await measureRequests(bench, gateway, upstreams, {
        ...spec,
        connections,
        phases: [{ ...normal, seconds: settleSeconds }, normal],
        seconds: settleSeconds + normalSeconds,
        mayFail: true,
      });
      const beforeBytes = process.residentBytes();
      // Not the p99 of all windows: one stall of the machine would make everything later look normal.
      const beforeP99Ms = medianOf(before.windowsP99Ms);
      const { result, figures } = await measureRequests(bench, gateway, upstreams, {
        ...spec,
        connections,
        phases: [
          { perSecond: sustainable * overloadFactor, seconds },
          { ...normal, seconds: recoverySeconds },
        ],
        seconds: seconds + recoverySeconds,
        mayFail: true,
      });
      await Bun.sleep(settleMs);
      const [during, after] = result.parts as [PhaseResult, PhaseResult];
      for (const reason of result.reasons) console.error(`overload, ${contestant.name}: ${reason}`);
      bench.figures.add(overload, setting, contestant.name, {
        sustainable,
        answered: during.answered / seconds,
        shed: during.shed,
        broken: during.broken + after.broken,
        unsent: during.unsent,
        overloadP99Ms: during.p99Ms,
        beforeP99Ms,
        afterP99Ms: medianOf(result.windowsP99Ms.slice(2000 / windowMs)),
        recoveryMs: recoveryMs(result.windowsP99Ms, beforeP99Ms),
        beforeBytes,
        peakBytes: figures.peakBytes ?? 0,
        afterBytes: process.residentBytes(),
        alive: process.alive() ? 1 : 0,
      });
    } catch (error) {
      bench.fail(`${overload}, ${contestant.name}: ${(error as Error).message}`);
    }
  }
  bench.printTable(overload, setting, columns);
}

/** See the top of this file. */
export const overloadWorkload: Workload = { name: 'overload', run };
