// Calls between the eras and over stdio: the call of call.ts, in one process of mcpstead with a server of each kind.
// Then the time that a parked call adds, and the memory that an isolated session takes.

import { join } from 'node:path';
import { type Bench, measureRequests, type Workload } from '../bench.ts';
import { bridges } from '../contestants/bridges.ts';
import { medianOf } from '../figures.ts';
import { type Gateway, rpc, startGateway, startUpstreams, type Upstreams } from '../gateways.ts';
import type { Target } from '../load/connection.ts';
import { callMessage, modernCallMessage, modernHeaders } from '../messages.ts';
import { type Column, loadColumns } from '../tables.ts';

const requestBytes = 250;
const resultBytes = 1024;
const connections = 32;
const questions = 300;
const isolated = 1000;
const settleMs = 3000;

/** The workload's name in the report, and its settings. */
export const eras = 'between the eras';
export const pairings = `tools/call, c=${connections}`;
export const parked = 'a call that asks its client once, one at a time';
export const isolation = `${isolated.toLocaleString('en-US')} isolated sessions`;

/** The rows of the pairings. */
export const pairingNames = {
  legacy: 'legacy to legacy',
  modern: 'modern to modern',
  toModern: 'legacy to modern',
  toLegacy: 'modern to legacy',
  stdio: 'legacy to stdio',
};

const stdioServer = join(import.meta.dir, '../stdio-upstream.ts');
const healthy = { kind: 'healthy', tools: 1, resultBytes, events: 0, gapMs: 0 } as const;

interface Pairing {
  readonly name: string;
  readonly server: string;
  readonly isModern?: true;
}

const rows: readonly Pairing[] = [
  { name: pairingNames.legacy, server: 'up0' },
  { name: pairingNames.modern, server: 'up1', isModern: true },
  { name: pairingNames.toModern, server: 'up1' },
  { name: pairingNames.toLegacy, server: 'up0', isModern: true },
  { name: pairingNames.stdio, server: 'pipe' },
];

/** Measures calls. The CPU time is that of the gateway's own process, because a server over stdio is its child. */
async function measureCalls(
  bench: Bench,
  gateway: Gateway,
  upstreams: Upstreams,
  target: Target,
  message: string,
  seconds: number,
): Promise<Record<string, number>> {
  const beforeNs = gateway.process?.ownCpuNs() ?? 0;
  const { result, figures } = await measureRequests(bench, { ...gateway, target }, upstreams, {
    messages: [message],
    expect: { kind: 'call', resultBytes },
    connections,
    phases: null,
    seconds,
  });
  const answered = result.parts.reduce((sum, part) => sum + part.answered, 0);
  return { ...figures, cpuUs: ((gateway.process?.ownCpuNs() ?? 0) - beforeNs) / 1000 / answered };
}

async function runPairings(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams([healthy, { ...healthy, era: 'modern' }]);
  const pipe = { name: 'pipe', port: 0, command: [process.execPath, stdioServer, String(resultBytes)] };
  const servers = [...upstreams.addresses, pipe];
  for (const rounds of bench.starts) {
    await using gateway = await startGateway(mcpstead, servers, { auth: false, session: true, tools: 3 });
    const measure = ({ server, isModern }: Pairing, seconds: number) => {
      const tool = gateway.toolName(server, 'tool_0');
      const target = isModern ? { ...gateway.entry, headers: modernHeaders(tool) } : gateway.target;
      const message = isModern ? modernCallMessage(tool, requestBytes) : callMessage(tool, requestBytes);
      return measureCalls(bench, gateway, upstreams, target, message, seconds);
    };
    await bench.warmUp(eras, pairings, rows, measure, bench.justInTimeSeconds);
    for (const round of rounds) await bench.round(round, eras, pairings, rows, measure);
  }
  for (const rounds of bench.starts) {
    for (const bridge of bridges.filter(({ find }) => find() !== null)) {
      await using gateway = await startGateway(bridge, [pipe], { auth: false, session: true, tools: 1 });
      const message = callMessage('tool_0', requestBytes);
      const measure = (_: Gateway, seconds: number) =>
        measureCalls(bench, gateway, upstreams, gateway.target, message, seconds);
      await bench.warmUp(eras, pairings, [gateway], measure, bench.justInTimeSeconds / 2);
      for (const round of rounds) await bench.round(round, eras, pairings, [gateway], measure);
    }
  }
  bench.printTable(eras, pairings, loadColumns);
}

const waitColumns: readonly Column[] = [
  { metric: 'p50Ms', title: 'p50 ms', digits: 2 },
  { metric: 'addedP50Ms', title: 'added ms', digits: 2 },
];

/** The answer to a question, over the protocol of the legacy era: on the stream of the call. */
async function askDirectly(target: Target, index: number): Promise<void> {
  const call = { id: index, method: 'tools/call', params: { name: 'tool_0', arguments: { text: '#' } } };
  const response = await fetch(`http://127.0.0.1:${target.port}${target.path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', ...call }),
  });
  let text = '';
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const question = /"id":(\d+),"method":"elicitation\/create"/.exec(text)?.[1];
    if (question === undefined || !text.endsWith('\n\n')) continue;
    text = '';
    await rpc(target, { id: Number(question), result: { action: 'accept', content: { ok: true } } });
  }
  if (!text.includes('"content"')) throw new Error(`wrong answer: ${text}`);
}

/** The same, over the protocol of the modern era: by a second request. */
async function askInRounds(target: Target, index: number): Promise<void> {
  const params = {
    name: 'up0__tool_0',
    arguments: { text: '#' },
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
    },
  };
  const { text } = await rpc(target, { id: index, method: 'tools/call', params });
  const { inputRequests, requestState } = JSON.parse(text).result ?? {};
  if (inputRequests === undefined) throw new Error(`no question: ${text}`);
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests).map((key) => [key, { action: 'accept', content: { ok: true } }]),
  );
  const retry = { ...params, inputResponses, requestState };
  const { text: answer } = await rpc(target, { id: index + 1, method: 'tools/call', params: retry });
  if (!answer.includes('"content"')) throw new Error(`wrong answer: ${answer}`);
}

async function runQuestions(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams([{ ...healthy, asks: true }]);
  const { port } = upstreams.process;
  await using gateway = await startGateway(mcpstead, upstreams.addresses, {
    auth: false,
    session: false,
    tools: 1,
  });
  const direct = { port, path: '/mcp', headers: [] };
  const through = { ...gateway.entry, headers: modernHeaders('up0__tool_0') };
  const directMs: number[] = [];
  const throughMs: number[] = [];
  let index = 1;
  const askBoth = async () => {
    const startMs = performance.now();
    await askDirectly(direct, index);
    const middleMs = performance.now();
    await askInRounds(through, index);
    index += 2;
    directMs.push(middleMs - startMs);
    throughMs.push(performance.now() - middleMs);
  };
  // One call at a time takes long to warm up the JIT compiler.
  const warmMs = performance.now() + bench.justInTimeSeconds * 1000;
  while (performance.now() < warmMs) await askBoth();
  directMs.length = 0;
  throughMs.length = 0;
  for (let asked = 0; asked < questions; asked++) await askBoth();
  const added = throughMs.map((ms, index) => ms - (directMs[index] as number));
  bench.figures.add(eras, parked, 'direct', { p50Ms: medianOf(directMs) });
  bench.figures.add(eras, parked, mcpstead.name, {
    p50Ms: medianOf(throughMs),
    addedP50Ms: medianOf(added),
  });
  bench.printTable(eras, parked, waitColumns);
}

async function runIsolation(bench: Bench): Promise<void> {
  const mcpstead = bench.contestant('mcpstead');
  if (mcpstead === null) return;
  await using upstreams = await startUpstreams([healthy]);
  const [address] = upstreams.addresses;
  if (address === undefined) return;
  const servers = [{ ...address, isolation: isolated }];
  await using gateway = await startGateway(mcpstead, servers, { auth: false, session: false, tools: 1 });
  const { process: measured, entry } = gateway;
  if (measured === null) return;
  await Bun.sleep(settleMs);
  const idleBytes = measured.residentBytes();
  const opened = await bench.load.run({
    kind: 'hold',
    target: entry,
    sessions: isolated,
    streams: false,
    calls: 'up0__tool_0',
  });
  await Bun.sleep(settleMs);
  bench.figures.add(eras, isolation, mcpstead.name, {
    bytesEach: (measured.residentBytes() - idleBytes) / opened.sessions,
    sockets: measured.sockets(),
  });
  await bench.load.run({ kind: 'end' });
  bench.printTable(eras, isolation, [
    { metric: 'bytesEach', title: 'RSS KB/session', digits: 1, scale: 1 / 1024 },
    { metric: 'sockets', title: 'sockets', digits: 0 },
  ]);
}

/** See the top of this file. */
export const erasWorkload: Workload = {
  name: 'eras',
  own: bridges,
  async run(bench) {
    await runPairings(bench);
    await runQuestions(bench);
    await runIsolation(bench);
  },
};
