import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { childrenWith, isAlive } from '../support/child-processes.ts';
import { type AskedPeer, type CallEnd, legacyPeer, modernPeer } from '../support/elicitation.ts';
import { type Program, startProgram } from '../support/program.ts';
import { sampleValue } from '../support/prometheus-page.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

// The gateway's process ends at each moment of an elicitation, and another one starts with the same state: the clients have an end
// at once, no process of a server is left, and a retry is answered clearly.

setDefaultTimeout(90_000);

const conformance = join(import.meta.dir, '../conformance');
const colored = { kind: 'result', text: 'color: blue' } as const;
const peers = { legacy: legacyPeer, modern: modernPeer };

let folder: string;
const upstreams: Child[] = [];
let urls: Record<'legacy' | 'modern', string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-kills-'));
  const urlOf = async (...args: string[]) => {
    const child = await startChild([process.execPath, ...args], { ready: '/mcp' });
    upstreams.push(child);
    return /http:\S+/.exec(child.output())?.[0] ?? '';
  };
  urls = {
    legacy: await urlOf(join(conformance, 'serve-v1.ts'), 'http'),
    modern: await urlOf(join(conformance, 'serve-v2.ts'), 'http', 'modern'),
  };
});
afterAll(async () => {
  await Promise.all(upstreams.map((child) => child.end('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

/** The moments, each with a call of its own. Legacy servers on stdio cannot tell two calls that ask at once apart. */
const moments = [
  'before the question',
  'as the question is sent',
  'while the question is open',
  'as the answer is sent',
  'before the result',
] as const;
type Moment = (typeof moments)[number];

/** Begins a call and takes it to where it has to be 300 ms later, when the gateway ends. */
async function begin(peer: AskedPeer, moment: Moment) {
  switch (moment) {
    case 'before the question':
      return { call: peer.begin({ beforeMs: 3_000 }), isAnswered: false };
    case 'as the question is sent':
      return { call: peer.begin({ beforeMs: 290 }), isAnswered: false };
    case 'while the question is open':
      return { call: peer.begin({}), isAnswered: false };
    case 'as the answer is sent': {
      const call = peer.begin({});
      setTimeout(() => void call.answer(), 295);
      return { call, isAnswered: true };
    }
    case 'before the result': {
      const call = peer.begin({ afterMs: 3_000 });
      await within('the question', call.asked);
      void call.answer();
      return { call, isAnswered: true };
    }
  }
}

interface Served {
  readonly program: Program;
  readonly origin: string;
}

async function serve(path: string, port: number): Promise<Served> {
  const program = startProgram(['--config', path]);
  await program.printed('serving http://');
  return { program, origin: `http://127.0.0.1:${port}` };
}

const parkedAt = async (origin: string) =>
  sampleValue(await (await fetch(`${origin}/metrics`)).text(), 'mcpstead_parked_calls');

const servers = {
  'legacy, HTTP': () => ({ url: urls.legacy }),
  'legacy, stdio': () => ({
    command: process.execPath,
    args: [join(conformance, 'serve-v1.ts'), 'stdio'],
  }),
  'modern, HTTP': () => ({ url: urls.modern }),
  'modern, stdio': () => ({
    command: process.execPath,
    args: [join(conformance, 'serve-v2.ts'), 'stdio', 'modern'],
  }),
};

const rows = Object.keys(servers).flatMap((server) =>
  Object.keys(peers).flatMap((client) =>
    (['SIGKILL', 'SIGTERM'] as const).map((signal) => [signal, client, server] as const),
  ),
) as ['SIGKILL' | 'SIGTERM', keyof typeof peers, keyof typeof servers][];

describe.each(rows)('the gateway gets %s, between a %s client and a server: %s', (signal, era, server) => {
  const groups: readonly (readonly Moment[])[] =
    server === 'legacy, stdio' ? moments.map((moment) => [moment]) : [moments];

  test.each(groups.map((group) => [group.join(', '), group] as const))('%s', async (_name, group) => {
    const port = freePort();
    const state = mkdtempSync(join(folder, 'state-'));
    const path = join(state, 'mcpstead.yaml');
    const config = {
      port,
      state_dir: state,
      mcp: { session: { shutdown_grace_seconds: 1 } },
      servers: [{ name: 'up', required: true, ...servers[server]() }],
    };
    writeFileSync(path, JSON.stringify(config));
    const first = await serve(path, port);
    await using _first = first.program;
    const peer = await peers[era](`${first.origin}/mcp`, 'up__test_ask');
    const begun = await Promise.all(group.map((moment) => begin(peer, moment)));
    await Bun.sleep(300);
    const children = childrenWith(conformance, first.program.pid);
    if (server.endsWith('stdio') && process.platform === 'linux') expect(children).toHaveLength(1);

    const beganMs = performance.now();
    first.program.signal(signal);
    // Those whose connection is open hear of the end; a modern client that was asked has none.
    const ended = begun.map(({ call, isAnswered }) =>
      isAnswered
        ? call.end
        : Promise.race([
            call.end,
            call.asked.then(
              () => null,
              () => call.end,
            ),
          ]),
    );
    const ends = await within('the ends of the calls', Promise.all(ended), 6_000);
    const { exitCode } = await first.program.ended();
    expect(exitCode).toBe(signal === 'SIGKILL' ? 137 : 0);
    expect(performance.now() - beganMs).toBeLessThan(8_000);
    for (const end of ends) expectEnd(end);
    await waitUntil('no process is left', () => !children.some(isAlive), 8_000);

    const second = await serve(path, port);
    await using _second = second.program;
    for (const [index, { call, isAnswered }] of begun.entries()) {
      const isAsked = await Promise.race([
        call.asked.then(
          () => true,
          () => false,
        ),
        Bun.sleep(50).then(() => false),
      ]);
      // Within a session of the legacy era, what was asked before the restart is nobody's question after it.
      if (era === 'legacy' || !isAsked || (isAnswered && ends[index]?.kind === 'result')) continue;
      const end = await within('the answer to the retry', call.answer(), 10_000);
      if (server.startsWith('modern'))
        expect(end.kind === 'result' ? end : JSON.stringify(end)).toEqual(colored);
      else
        expect(end).toMatchObject({
          kind: 'error',
          code: -32602,
          message: expect.stringContaining('make the request anew'),
        });
    }
    expect(await parkedAt(second.origin)).toBe(0);
    // Also in the session that the client had before.
    const call = peer.begin({});
    await within('the question', call.asked);
    expect(await within('the result', call.answer(), 10_000)).toEqual(colored);
    expect(await parkedAt(second.origin)).toBe(0);
  });
});

/** A connection that breaks, a result that was done in time, a refused question, or the gateway's own words. */
function expectEnd(end: CallEnd | null): void {
  if (end === null || end.kind === 'broken') return;
  if (end.kind === 'result') expect(end.text).toMatch(/^color: blue$|: the gateway is shutting down$/);
  else expect(end).toMatchObject({ data: { server: 'up', reason: expect.any(String) } });
}
