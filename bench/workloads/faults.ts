// Many upstreams, a third of them faulty: does that delay the start, the list or the calls to the others?

import { type Bench, measureRequests, type Workload } from '../bench.ts';
import type { Contestant } from '../contestants/contestant.ts';
import {
  type Gateway,
  rpc,
  spawnGateway,
  startGateway,
  startUpstreams,
  type Upstreams,
} from '../gateways.ts';
import { callMessage } from '../messages.ts';
import { freePort } from '../processes.ts';
import { type Column, loadColumns } from '../tables.ts';
import type { ListenerSpec } from '../upstream.ts';

const healthy = 40;
const refusing = 10;
const hanging = 5;
const flapping = 5;
const tools = 10;
const resultBytes = 1024;
const requestBytes = 250;
const connections = 32;
const startTimeoutMs = 20_000;
const pollMs = 1;

/** The workload's name in the report, its settings, and the name of its second row for each contestant. */
export const faults = `${healthy + refusing + hanging + flapping} upstreams: ${refusing} refuse, ${hanging} hang, ${flapping} flap`;
export const starting = 'from the start of the process';
export const calling = `calls to the ${healthy} healthy ones, c=${connections}`;
export const healthyOnly = (name: string) => `${name}, ${healthy} healthy only`;

const startColumns: readonly Column[] = [
  { metric: 'healthMs', title: 'first answer of /health ms', digits: 0, hasSpread: true },
  { metric: 'listedMs', title: `all ${healthy * tools} healthy tools listed ms`, digits: 0, hasSpread: true },
];

/** Polls until `isReady`; resolves to the time since `beganMs`. */
async function until(beganMs: number, what: string, isReady: () => Promise<boolean>): Promise<number> {
  while (performance.now() - beganMs < startTimeoutMs) {
    if (await isReady().catch(() => false)) return performance.now() - beganMs;
    await Bun.sleep(pollMs);
  }
  throw new Error(`${what}: not within ${startTimeoutMs} ms`);
}

/** How many tools of healthy upstreams are in `text`, a response to tools/list. */
function healthyTools(text: string, contestant: Contestant, upstreams: Upstreams): number {
  const { result } = JSON.parse(text) as { result: { tools: { name: string }[] } };
  const listed = new Set(result.tools.map(({ name }) => name));
  let count = 0;
  for (const { name } of upstreams.addresses.slice(0, healthy)) {
    for (let tool = 0; tool < tools; tool += 1) {
      if (listed.has(contestant.toolName(name, `tool_${tool}`))) count += 1;
    }
  }
  return count;
}

async function measureStart(contestant: Contestant, upstreams: Upstreams): Promise<Record<string, number>> {
  const beganMs = performance.now();
  const { process, target } = spawnGateway(contestant, upstreams.addresses, true);
  await using _ = process;
  const healthMs = await until(beganMs, '/health', async () => {
    return (await fetch(`http://127.0.0.1:${target.port}/health`)).ok;
  });
  const listedMs = await until(beganMs, 'the list', async () => {
    const { text } = await rpc(target, { id: 1, method: 'tools/list' });
    return healthyTools(text, contestant, upstreams) === healthy * tools;
  });
  return { healthMs, listedMs };
}

async function run(bench: Bench): Promise<void> {
  const well: ListenerSpec = { kind: 'healthy', tools, resultBytes, events: 0, gapMs: 0 };
  const listeners = [
    ...Array.from({ length: healthy }, () => well),
    ...Array.from({ length: hanging }, () => ({ ...well, kind: 'hang' as const })),
    ...Array.from({ length: flapping }, () => ({ ...well, kind: 'flap' as const })),
  ];
  await using serving = await startUpstreams(listeners);
  const refused = Array.from({ length: refusing }, (_, index) => ({
    name: `refused${index}`,
    port: freePort(),
  }));
  const upstreams = { ...serving, addresses: [...serving.addresses, ...refused] };
  const contestants = bench.contestants.filter(({ hasHealth }) => hasHealth);
  await bench.rounds(faults, starting, contestants, (contestant) => measureStart(contestant, upstreams));
  bench.printTable(faults, starting, startColumns);

  const measure = async (gateway: Gateway, seconds: number) => {
    const { figures } = await measureRequests(bench, gateway, serving, {
      messages: serving.addresses
        .slice(0, healthy)
        .map(({ name }) => callMessage(gateway.toolName(name, 'tool_0'), requestBytes)),
      expect: { kind: 'call', resultBytes },
      connections,
      phases: null,
      seconds,
    });
    return figures;
  };
  for (const rounds of bench.starts) {
    await using stack = new AsyncDisposableStack();
    const gateways: Gateway[] = [];
    for (const contestant of contestants) {
      const options = { auth: true, session: false, tools: healthy * tools };
      const some = upstreams.addresses.slice(0, healthy);
      try {
        gateways.push(
          stack.use(await startGateway(contestant, upstreams.addresses, options)),
          stack.use(await startGateway(contestant, some, { ...options, name: healthyOnly(contestant.name) })),
        );
      } catch (error) {
        bench.fail(`${faults}: ${(error as Error).message}`);
      }
    }
    const justInTime = gateways.filter(({ isJustInTime }) => isJustInTime);
    await bench.warmUp(faults, calling, justInTime, measure, bench.justInTimeSeconds);
    await bench.warmUp(faults, calling, gateways, measure);
    for (const round of rounds) await bench.round(round, faults, calling, gateways, measure);
  }
  bench.printTable(faults, calling, loadColumns);
}

/** See the top of this file. */
export const faultsWorkload: Workload = { name: 'faults', run };
