// Idle sessions with an open stream each.

import type { Bench, Workload } from '../bench.ts';
import { startGateway, startUpstreams } from '../gateways.ts';
import type { Column } from '../tables.ts';

const idleSeconds = 10;
/** Time for memory to be freed that only the opening needed. */
const settleMs = 3000;
const tools = 10;

/** The workload's name in the report, and how many streams are open. */
export const idle = 'idle session streams';
export const idleCounts = [1000, 4000];
export const idleSetting = (streams: number) => `${streams.toLocaleString('en-US')} streams`;

const columns: readonly Column[] = [
  { metric: 'bytesPerStream', title: 'RSS KB/stream', digits: 1, scale: 1 / 1024 },
  { metric: 'residentBytes', title: 'RSS MB', digits: 0, scale: 1e-6 },
  { metric: 'idleBytes', title: 'RSS before MB', digits: 0, scale: 1e-6 },
  { metric: 'cpuPercent', title: `CPU % over ${idleSeconds} s`, digits: 2 },
  { metric: 'sockets', title: 'sockets', digits: 0 },
  { metric: 'lost', title: 'streams lost', digits: 0 },
];

async function run(bench: Bench): Promise<void> {
  for (const contestant of bench.contestants.filter(({ hasStreams }) => hasStreams)) {
    await using upstreams = await startUpstreams([
      { kind: 'healthy', tools, resultBytes: 1024, events: 0, gapMs: 0 },
    ]);
    const options = { auth: true, session: false, tools };
    await using gateway = await startGateway(contestant, upstreams.addresses, options);
    const { process, target } = gateway;
    if (process === null) continue;
    await Bun.sleep(settleMs);
    const idleBytes = process.residentBytes();
    let open = 0;
    for (const streams of idleCounts) {
      await bench.load.run({ kind: 'hold', target, sessions: streams - open, streams: true });
      open = streams;
      await Bun.sleep(settleMs);
      const beforeNs = process.cpuNs();
      await Bun.sleep(idleSeconds * 1000);
      const residentBytes = process.residentBytes();
      bench.figures.add(idle, idleSetting(streams), contestant.name, {
        bytesPerStream: (residentBytes - idleBytes) / streams,
        residentBytes,
        idleBytes,
        cpuPercent: ((process.cpuNs() - beforeNs) / 1e9 / idleSeconds) * 100,
        sockets: process.sockets(),
        lost: (await bench.load.run({ kind: 'held' })).lost,
      });
    }
    await bench.load.run({ kind: 'release' });
  }
  for (const streams of idleCounts) bench.printTable(idle, idleSetting(streams), columns);
}

/** See the top of this file. */
export const idleWorkload: Workload = { name: 'idle', run };
