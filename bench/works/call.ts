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
const atRate = `${perSecond.toLocaleString('en-US')} requests/s, whatever the answers`;

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
  oneOfMany: `one of ${manyUpstreams} upstreams`,
  sessions: '10,000 sessions',
  withoutSessions: 'without the 10,000',
};

async function runCalls(bench: Bench): Promise<void> {
  await using upstreams = await startUpstreams([listener]);
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
  const settings = [
    ...callConcurrencies.map((concurrency) => ({
      setting: atConcurrency(concurrency),
      ask: measure(concurrency, null),
    })),
    { setting: atRate, ask: measure(rateConnections, perSecond) },
  ];
  for (const rounds of bench.starts) {
    await using stack = new AsyncDisposableStack();
    const started = await bench.start(call, stack, upstreams, { auth: true, session: true, tools });
    const gateways = [directly(upstreams), ...started];
    const justInTime = gateways.filter(({ isJustInTime }) => isJustInTime);
    await bench.warmUp(
      call,
      'warm-up',
      justInTime,
      measure(variantConcurrency, null),
      bench.justInTimeSeconds,
    );
    for (const { setting, ask } of settings) {
      await bench.warmUp(call, setting, gateways, ask);
      for (const round of rounds) await bench.round(round, call, setting, gateways, ask);
    }
  }
  for (const concurrency of callConcurrencies)
    bench.printTable(call, atConcurrency(concurrency), loadColumns);
  bench.printTable(call, atRate, [
    ...loadColumns,
    { metric: 'unsent', title: 'found no free connection for 1 s', digits: 0 },
  ]);
}

async function runVariants(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams(Array.from({ length: manyUpstreams }, () => listener));
  const { plain, auth, upstreams: many, oneOfMany, sessions, withoutSessions } = variantNames;
  for (const rounds of bench.starts) {
    await using stack = new AsyncDisposableStack();
    // All within a session, as clients are: each differs from the plain one in one thing.
    const start = async (name: string, count: number, auth: boolean) => {
      const addresses = upstreams.addresses.slice(0, count);
      const options = { name, auth, session: true, tools: count * tools };
      const gateway = stack.use(await startGateway(mcpstead, addresses, options));
      const messages = addresses.map((up) => callOf(gateway.toolName(up.name, 'tool_0'), requestBytes));
      return { name, gateway, messages };
    };
    const toMany = await start(many, manyUpstreams, false);
    // The same process: what it is to call now this one and now that one, and nothing else.
    const toOneOfMany = { ...toMany, name: oneOfMany, messages: toMany.messages.slice(0, 1) };
    const empty = await start(withoutSessions, 1, false);
    const crowded = { ...empty, name: sessions };
    const processes = [await start(plain, 1, false), await start(auth, 1, true), toMany];
    const measure = async ({ gateway, messages }: typeof toMany, seconds: number) => {
      const { figures } = await measuredAsk(bench, gateway, upstreams, {
        messages,
        expect: { kind: 'call', resultBytes },
        connections: variantConcurrency,
        phases: null,
        seconds,
      });
      return figures;
    };
    await bench.warmUp(call, variants, [...processes, empty], measure, bench.justInTimeSeconds);
    for (const round of rounds) {
      await bench.round(round, call, variants, [...processes, toOneOfMany], measure);
      // The same process again, once with the sessions and once without, now this first and now that.
      const alone = () => bench.round(round, call, variants, [empty], measure);
      const isAloneFirst = round % 2 === 0;
      if (isAloneFirst) await alone();
      const held = { target: empty.gateway.entry, sessions: manySessions, streams: false };
      await bench.load.run({ kind: 'hold', ...held });
      await bench.round(round, call, variants, [crowded], measure);
      await bench.load.run({ kind: 'end' });
      if (!isAloneFirst) await alone();
    }
  }
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
