// tools/call, 250 bytes in, 1 KB out: the work that a gateway does all day.

import { type Bench, measuredAsk, type Work } from '../bench.ts';
import { directly, type Gateway, startGateway, startUpstreams } from '../gateways.ts';
import { callOf } from '../messages.ts';
import { loadColumns } from '../report.ts';
import type { ListenerSpec } from '../upstream.ts';

const requestBytes = 250;
const resultBytes = 1024;
const tools = 10;
/** A rate that every contestant of the short form sustains on two cores. */
const perSecond = 2000;
const rateConnections = 64;

const warmUpSeconds = 2;

const variantConcurrency = 32;
const manyUpstreams = 60;
const manySessions = 10_000;

const listener: ListenerSpec = { kind: 'healthy', tools, resultBytes, events: 0, gapMs: 0 };

/** The work's name in the report. */
export const call = 'tools/call, 250 B in, 1 KB out';
export const callConcurrencies = [1, 8, 32, 200];
export const atConcurrency = (concurrency: number) => `c=${concurrency}`;
/** mcpstead with more to do than in the plain case, each as a row. */
export const variants = 'what mcpstead itself adds, c=32';
export const variantNames = {
  plain: 'plain',
  auth: 'bearer auth',
  upstreams: `${manyUpstreams} upstreams`,
  sessions: '10,000 sessions',
};

async function runCalls(bench: Bench): Promise<void> {
  await using upstreams = await startUpstreams([listener]);
  await using stack = new AsyncDisposableStack();
  const options = { auth: true, session: true, tools };
  const gateways = [directly(upstreams), ...(await bench.start(call, stack, upstreams, options))];
  const measure = (connections: number, rate: number | null) => async (gateway: Gateway, seconds: number) => {
    const { figures } = await measuredAsk(bench, gateway, upstreams, {
      messages: [callOf(gateway.toolName('up0', 'tool_0'), requestBytes)],
      expect: { kind: 'call', resultBytes },
      connections,
      phases: rate === null ? null : [{ perSecond: rate, seconds }],
      seconds,
    });
    return figures;
  };
  // A JIT compiler takes its time, and the first setting is the slowest to warm up by itself.
  for (const gateway of gateways) await measure(variantConcurrency, null)(gateway, warmUpSeconds);
  for (const concurrency of callConcurrencies) {
    await bench.rounds(call, atConcurrency(concurrency), gateways, measure(concurrency, null));
    bench.printTable(call, atConcurrency(concurrency), loadColumns);
  }
  const atRate = `${perSecond.toLocaleString('en-US')} requests/s, whatever the answers`;
  await bench.rounds(call, atRate, gateways, measure(rateConnections, perSecond));
  bench.printTable(call, atRate, [
    ...loadColumns,
    { metric: 'unsent', title: 'found no free connection for 1 s', digits: 0 },
  ]);
}

async function runVariants(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams(Array.from({ length: manyUpstreams }, () => listener));
  await using stack = new AsyncDisposableStack();
  const start = async (name: string, count: number, auth: boolean, session: boolean) => {
    const addresses = upstreams.addresses.slice(0, count);
    const options = { name, auth, session, tools: count * tools };
    const gateway = stack.use(await startGateway(mcpstead, addresses, options));
    const messages = addresses.map((up) => callOf(gateway.toolName(up.name, 'tool_0'), requestBytes));
    return { name, gateway, messages };
  };
  const { plain, auth, upstreams: many, sessions } = variantNames;
  const gateways = [
    await start(plain, 1, false, false),
    await start(auth, 1, true, false),
    await start(many, manyUpstreams, false, false),
    await start(sessions, 1, false, true),
  ];
  const target = gateways.at(-1)?.gateway.entry;
  if (target) await bench.load.run({ kind: 'hold', target, sessions: manySessions, streams: false });
  await bench.rounds(call, variants, gateways, async ({ gateway, messages }, seconds) => {
    const { figures } = await measuredAsk(bench, gateway, upstreams, {
      messages,
      expect: { kind: 'call', resultBytes },
      connections: variantConcurrency,
      phases: null,
      seconds,
    });
    return figures;
  });
  await bench.load.run({ kind: 'release' });
  bench.printTable(call, variants, loadColumns);
}

/** See above. */
export const callWork: Work = {
  name: 'call',
  async run(bench) {
    await runCalls(bench);
    await runVariants(bench);
  },
};
