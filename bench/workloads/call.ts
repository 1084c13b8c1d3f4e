// tools/call, 250 B in, 1 KB out: the everyday work of a gateway.

import { type Bench, measureRequests, type Workload } from '../bench.ts';
import type { UpstreamAddress } from '../contestants/contestant.ts';
import { type Gateway, startGateway, startUpstreams } from '../gateways.ts';
import type { Target } from '../load/connection.ts';
import { callMessage } from '../messages.ts';
import { loadColumns } from '../tables.ts';
import type { ListenerSpec } from '../upstream.ts';

const requestBytes = 250;
const resultBytes = 1024;
const tools = 10;
/** A rate that every contestant of the short form sustains on two cores. */
const perSecond = 2000;
const rateConnections = 64;
const atRate = `${perSecond.toLocaleString('en-US')} requests/s, open loop`;

const variantConcurrency = 32;
const manyUpstreams = 60;
const manySessions = 10_000;
/** The cost of a variant is less than the noise of one second, so a full run measures it this many times as long. */
const variantFactor = 4;

const listener: ListenerSpec = { kind: 'healthy', tools, resultBytes, events: 0, gapMs: 0 };

/** The workload's name in the report. */
export const call = 'tools/call, 250 B in, 1 KB out';
export const callConcurrencies = [1, 8, 32, 200];
export const atConcurrency = (concurrency: number) => `c=${concurrency}`;
/** mcpstead in the plain case and with one duty more, each as a row. */
export const variants = 'what mcpstead itself adds, c=32';
export const variantNames = {
  plain: 'plain',
  auth: 'bearer auth',
  upstreams: `${manyUpstreams} upstreams`,
  oneOfMany: `one of ${manyUpstreams} upstreams`,
  sessions: '10,000 sessions',
};

async function runCalls(bench: Bench): Promise<void> {
  await using upstreams = await startUpstreams([listener]);
  const measure = (connections: number, rate: number | null) => async (gateway: Gateway, seconds: number) => {
    const { figures } = await measureRequests(bench, gateway, upstreams, {
      messages: [callMessage(gateway.toolName('up0', 'tool_0'), requestBytes)],
      expect: { kind: 'call', resultBytes },
      connections,
      phases: rate === null ? null : [{ perSecond: rate, seconds }],
      seconds,
    });
    return figures;
  };
  const settings = [
    // The highest concurrency first: c=1 suffers most from a JIT compiler that is not done yet.
    ...callConcurrencies.toReversed().map((concurrency) => ({
      setting: atConcurrency(concurrency),
      measure: measure(concurrency, null),
    })),
    { setting: atRate, measure: measure(rateConnections, perSecond) },
  ];
  const options = { auth: true, session: true, tools };
  await bench.measureStarts(call, upstreams, options, settings, (justInTime) =>
    bench.warmUp(call, 'warm-up', justInTime, measure(variantConcurrency, null), bench.justInTimeSeconds),
  );
  for (const concurrency of callConcurrencies)
    bench.printTable(call, atConcurrency(concurrency), loadColumns);
  bench.printTable(call, atRate, [
    ...loadColumns,
    { metric: 'unsent', title: 'found no free connection for 1 s', digits: 0 },
  ]);
}

/** A configuration of mcpstead and its load. */
interface Variant {
  readonly name: string;
  readonly upstreams: readonly UpstreamAddress[];
  readonly called: readonly UpstreamAddress[];
  readonly auth?: boolean;
  /** How many sessions are open besides that of the load. */
  readonly sessions?: number;
}

async function runVariants(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams(Array.from({ length: manyUpstreams }, () => listener));
  const { addresses } = upstreams;
  const one = addresses.slice(0, 1);
  const names = variantNames;
  const plain: Variant = { name: names.plain, upstreams: one, called: one };
  const toMany: Variant = { name: names.upstreams, upstreams: addresses, called: addresses };
  const all: Variant[] = [
    plain,
    { ...plain, name: names.auth, auth: true },
    toMany,
    { ...toMany, name: names.oneOfMany, called: one },
    { ...plain, name: names.sessions, sessions: manySessions },
  ];
  for (const rounds of bench.starts) {
    // One process for all variants, reconfigured by a reload: two processes of one program differ by more than the variants.
    await using gateway = await startGateway(mcpstead, one, { auth: true, session: true, tools });
    const measureVariant = async (variant: Variant, target: Target, seconds: number) => {
      const { figures } = await measureRequests(bench, { ...gateway, target }, upstreams, {
        messages: variant.called.map((up) => callMessage(gateway.toolName(up.name, 'tool_0'), requestBytes)),
        expect: { kind: 'call', resultBytes },
        connections: variantConcurrency,
        phases: null,
        seconds,
      });
      return figures;
    };
    const measure = async (variant: Variant, seconds: number) => {
      const { upstreams: configured, auth = false, sessions } = variant;
      const target = await gateway.reload(configured, { auth, tools: configured.length * tools });
      if (sessions) await bench.load.run({ kind: 'hold', target: gateway.entry, sessions, streams: false });
      // Warms up what the reload replaced: connections and compiled code.
      await measureVariant(variant, target, bench.options.seconds);
      const figures = await measureVariant(variant, target, seconds);
      if (sessions) await bench.load.run({ kind: 'end' });
      return figures;
    };
    // Twice, because the compiler recompiles for many upstreams what it had compiled for one.
    const seconds = bench.justInTimeSeconds / 2;
    for (const _ of [1, 2]) await bench.warmUp(call, variants, [plain, toMany], measure, seconds);
    const factor = bench.options.isFull ? variantFactor : 1;
    const longer = (variant: Variant, seconds: number) => measure(variant, seconds * factor);
    for (const round of rounds) await bench.round(round, call, variants, all, longer);
  }
  bench.printTable(call, variants, loadColumns);
}

/** See the top of this file. */
export const callWorkload: Workload = {
  name: 'call',
  async run(bench) {
    await runCalls(bench);
    await runVariants(bench);
  },
};
