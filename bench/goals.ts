// The goals: ratios within one run, since figures of different runs do not compare.

import type { Figures } from './figures.ts';
import { formatted } from './tables.ts';
import { atConcurrency, call, callConcurrencies, variantNames, variants } from './workloads/call.ts';
import { eras, isolation, pairingNames, pairings, parked } from './workloads/eras.ts';
import { calling, faults, healthyOnly, starting } from './workloads/faults.ts';
import { idle, idleCounts, idleSetting } from './workloads/idle.ts';
import { large, largeSetting, largeSizes } from './workloads/large.ts';
import { listSetting, listSizes, manyUpstreams, toolsList } from './workloads/list.ts';
import { normalP99Ms, overload, overloadSetting } from './workloads/overload.ts';
import { burst, inStep, paced, streamed } from './workloads/stream.ts';

/** A goal and its outcome; `isMet` is null if it was not measured. */
export interface Outcome {
  readonly goal: string;
  readonly measured: string;
  readonly isMet: boolean | null;
}

const ours = 'mcpstead';
const theirs = 'crate';
const floor = 'nginx';

/** A value that has to be at most a limit, or with `isLeast` at least. */
interface Check {
  readonly what: string;
  readonly value: number | null;
  readonly limit: number | null;
  readonly isLeast?: boolean;
  readonly digits?: number;
}

function outcome(goal: string, checks: readonly Check[]): Outcome {
  if (checks.some(({ value, limit }) => value === null || limit === null)) {
    return { goal, measured: 'not measured', isMet: null };
  }
  const isMet = ({ value, limit, isLeast }: Check) =>
    isLeast ? (value as number) >= (limit as number) : (value as number) <= (limit as number);
  const shown = checks.map((check) => {
    const { what, value, limit, isLeast, digits = 2 } = check;
    const text = `${what} ${formatted(value as number, digits)}`;
    return isMet(check) ? text : `${text} (not ${isLeast ? '≥' : '≤'} ${formatted(limit as number, digits)})`;
  });
  return { goal, measured: shown.join('; '), isMet: checks.every(isMet) };
}

const ratio = (value: number | null, to: number | null) =>
  value === null || to === null ? null : value / to;

function callGoals(figures: Figures): Outcome[] {
  const compare = (
    metric: string,
    to: string,
    limit: number,
    concurrencies: readonly number[],
    isLeast = false,
  ) =>
    concurrencies.map((concurrency) => ({
      what: atConcurrency(concurrency),
      value: figures.ratio(call, atConcurrency(concurrency), ours, to, metric),
      limit,
      isLeast,
    }));
  const { plain, auth, upstreams, sessions } = variantNames;
  return [
    outcome('call: CPU ≤ 0.7 × the crate’s', compare('cpuUs', theirs, 0.7, callConcurrencies)),
    outcome('call: CPU ≤ 2 × nginx’s', compare('cpuUs', floor, 2, callConcurrencies)),
    outcome('call: requests/s ≥ the crate’s', compare('perSecond', theirs, 1, [32, 200], true)),
    outcome('call: p99 ≤ the crate’s', compare('p99Ms', theirs, 1, callConcurrencies)),
    outcome(
      'call: CPU with auth, with 60 upstreams, with 10,000 sessions ≤ 1.05 × plain',
      [auth, upstreams, sessions].map((name) => ({
        what: name,
        value: figures.ratio(call, variants, name, plain, 'cpuUs'),
        limit: 1.05,
      })),
    ),
  ];
}

/**
 * The gateway's CPU time beyond that of sending the bytes, which is what the upstream needs in the row `direct`: it sends
 * the same bytes from memory and does nothing else.
 */
function costBeyondBytes(figures: Figures, tools: number): { extra: number; bytes: number } | null {
  const setting = listSetting(tools, 1);
  const own = figures.median(toolsList, setting, ours, 'cpuUs');
  const bytes = figures.median(toolsList, setting, 'direct', 'upstreamCpuUs');
  return own === null || bytes === null ? null : { extra: own - bytes, bytes };
}

function listGoals(figures: Figures): Outcome[] {
  const most = Math.max(...listSizes);
  const few = costBeyondBytes(figures, Math.min(...listSizes));
  const many = costBeyondBytes(figures, most);
  const cpu = (upstreams: number) => figures.median(toolsList, listSetting(1000, upstreams), ours, 'cpuUs');
  return [
    outcome('list: requests/s ≥ 20 × the crate’s at 1,000 tools', [
      {
        what: 'ratio',
        value: figures.ratio(toolsList, listSetting(1000, 1), ours, theirs, 'perSecond'),
        limit: 20,
        isLeast: true,
        digits: 1,
      },
    ]),
    outcome(
      `list: CPU beyond that of sending, at ${formatted(most, 0)} tools, ≤ that at 10 and a quarter of sending`,
      [
        {
          what: 'µs/request',
          value: many?.extra ?? null,
          limit: few && many ? few.extra + many.bytes / 4 : null,
          digits: 1,
        },
      ],
    ),
    outcome(`list: CPU with ${manyUpstreams} upstreams ≤ 1.1 × that with one, 1,000 tools`, [
      { what: 'ratio', value: ratio(cpu(manyUpstreams), cpu(1)), limit: 1.1 },
    ]),
  ];
}

function largeGoals(figures: Figures): Outcome[] {
  const of = (bytes: number, contestant: string, metric: string) =>
    figures.median(large, largeSetting(bytes), contestant, metric);
  const largest = Math.max(...largeSizes);
  const peaks = figures.samples(large, largeSetting(largest), ours, 'peakBytes');
  const idleBytes = of(largest, ours, 'idleBytes');
  return [
    outcome(
      'large: MB/s ≥ the crate’s',
      largeSizes.map((bytes) => ({
        what: largeSetting(bytes),
        value: figures.ratio(large, largeSetting(bytes), ours, theirs, 'mbPerSecond'),
        limit: 1,
        isLeast: true,
      })),
    ),
    outcome('large: RSS grows by at most 10 bodies of 10 MB, 4 calls in flight', [
      {
        what: 'bodies',
        value: idleBytes === null ? null : (Math.max(...peaks) - idleBytes) / largest,
        limit: 10,
        digits: 1,
      },
    ]),
  ];
}

function streamGoals(figures: Figures): Outcome[] {
  const of = ({ setting }: typeof paced, contestant: string, metric: string) =>
    figures.median(streamed, setting, contestant, metric);
  const behind = (setting: typeof paced) => {
    const own = of(setting, ours, 'firstP50Ms');
    const direct = of(setting, 'direct', 'firstP50Ms');
    return own === null || direct === null ? null : own - direct;
  };
  return [
    outcome('stream: first event ≤ 1 ms behind direct, p50', [
      { what: '3 events, c=1', value: behind(paced), limit: 1 },
      { what: 'c=8 in step', value: behind(inStep), limit: 1 },
      { what: '1,000 events', value: behind(burst), limit: 1 },
    ]),
    outcome('stream: each event arrives when it was sent', [
      { what: 'events', value: of(inStep, ours, 'events'), limit: inStep.events, isLeast: true, digits: 0 },
      { what: 'least gap ms', value: of(inStep, ours, 'gapMinMs'), limit: 50, isLeast: true, digits: 0 },
      { what: 'gap p50 ms, least', value: of(inStep, ours, 'gapP50Ms'), limit: 95, isLeast: true, digits: 1 },
      { what: 'most', value: of(inStep, ours, 'gapP50Ms'), limit: 105, digits: 1 },
      {
        what: 'events at once',
        value: of(burst, ours, 'events'),
        limit: burst.events,
        isLeast: true,
        digits: 0,
      },
    ]),
  ];
}

function idleGoals(figures: Figures): Outcome[] {
  return idleCounts.map((streams) => {
    const of = (metric: string) => figures.median(idle, idleSetting(streams), ours, metric);
    return outcome(`idle: ${idleSetting(streams)}, ≤ 16 KB each, < 1 % CPU, none lost`, [
      { what: 'KB', value: ratio(of('bytesPerStream'), 1024), limit: 16, digits: 1 },
      { what: 'CPU %', value: of('cpuPercent'), limit: 1 },
      { what: 'lost', value: of('lost'), limit: 0, digits: 0 },
    ]);
  });
}

function faultGoals(figures: Figures): Outcome[] {
  const of = (metric: string) => figures.median(faults, starting, ours, metric);
  return [
    outcome('faults: first answer of /health ≤ 100 ms after the start', [
      { what: 'ms', value: of('healthMs'), limit: 100, digits: 0 },
    ]),
    outcome('faults: all healthy tools listed ≤ 1 s after the start', [
      { what: 'ms', value: of('listedMs'), limit: 1000, digits: 0 },
    ]),
    outcome(
      'faults: p50 and p99 of calls to healthy upstreams ≤ 1.1 × those without the ill ones',
      ['p50Ms', 'p99Ms'].map((metric) => ({
        what: metric.slice(0, 3),
        value: figures.ratio(faults, calling, ours, healthyOnly(ours), metric),
        limit: 1.1,
      })),
    ),
  ];
}

function overloadGoals(figures: Figures, isFull: boolean): Outcome[] {
  const of = (metric: string) => figures.median(overload, overloadSetting(isFull), ours, metric);
  const beforeMs = of('beforeP99Ms');
  return [
    outcome('overload: no crash, and errors are clean', [
      { what: 'alive', value: of('alive'), limit: 1, isLeast: true, digits: 0 },
      { what: 'broken', value: of('broken'), limit: 0, digits: 0 },
    ]),
    outcome('overload: p99 normal (≤ 2 × that before, or 5 ms more) within 2 s', [
      { what: 'after ms', value: of('recoveryMs'), limit: 2000, digits: 0 },
      {
        what: 'p99 ms then',
        value: of('afterP99Ms'),
        limit: beforeMs === null ? null : normalP99Ms(beforeMs),
      },
    ]),
    outcome('overload: RSS 5 s later ≤ 1.5 × that before', [
      { what: 'ratio', value: ratio(of('afterBytes'), of('beforeBytes')), limit: 1.5 },
    ]),
  ];
}

function eraGoals(figures: Figures): Outcome[] {
  const { legacy, modern, toModern, toLegacy, stdio } = pairingNames;
  const of = (name: string, to: string) => figures.ratio(eras, pairings, name, to, 'cpuUs');
  const bridges = ['supergateway', 'npm mcp-proxy'].map((name) => ({
    what: name,
    value: ratio(
      figures.median(eras, pairings, stdio, 'cpuUs'),
      figures.median(eras, pairings, name, 'cpuUs'),
    ),
    limit: 0.2,
  }));
  const eachBytes = figures.median(eras, isolation, ours, 'bytesEach');
  return [
    outcome('eras: CPU modern to modern ≤ 1.15 × legacy to legacy', [
      { what: 'ratio', value: of(modern, legacy), limit: 1.15 },
    ]),
    outcome(
      'eras: CPU from one era to the other ≤ 1.3 × legacy to legacy',
      [toModern, toLegacy].map((name) => ({ what: name, value: of(name, legacy), limit: 1.3 })),
    ),
    outcome('eras: CPU over stdio ≤ 1.2 × over HTTP', [
      { what: 'ratio', value: of(stdio, legacy), limit: 1.2 },
    ]),
    outcome('eras: CPU over stdio ≤ a fifth of other bridges’', bridges),
    outcome('eras: a parked and resumed call takes ≤ 1 ms more than the question itself, p50', [
      { what: 'ms', value: figures.median(eras, parked, ours, 'addedP50Ms'), limit: 1 },
    ]),
    outcome(`eras: ${isolation} take ≤ 64 KB each`, [
      { what: 'KB', value: ratio(eachBytes, 1024), limit: 64, digits: 1 },
    ]),
  ];
}

/** The outcomes of all goals. */
export function outcomesOf(figures: Figures, isFull: boolean): Outcome[] {
  return [
    ...callGoals(figures),
    ...listGoals(figures),
    ...largeGoals(figures),
    ...streamGoals(figures),
    ...eraGoals(figures),
    ...idleGoals(figures),
    ...faultGoals(figures),
    ...overloadGoals(figures, isFull),
  ];
}
