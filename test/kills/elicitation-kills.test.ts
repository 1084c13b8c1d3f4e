import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { childrenWith } from '../support/child-processes.ts';
import {
  type AskedPeer,
  type CallEnd,
  type Elicitation,
  legacyPeer,
  modernPeer,
} from '../support/elicitation.ts';
import { promptReconnect, startGateway, type TestGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

// A client is asked by a real server, and one of those that take part dies at each moment of it. Then everybody who waits has an
// end within a bound, nothing is left behind, and what comes next works.

setDefaultTimeout(60_000);
failOnStrayErrors();

const conformance = join(import.meta.dir, '../conformance');
/** The deadline of a call, and how long after it each wait must have ended. */
const requestSeconds = 1.5;
const boundMs = requestSeconds * 1000 + 4_000;
const colored = { kind: 'result', text: 'color: blue' } as const;

/** A call at a moment of its elicitation. */
interface Reached {
  readonly call: Elicitation;
  readonly isAnswered: boolean;
}

const moments: Record<string, (peer: AskedPeer) => Promise<Reached>> = {
  async 'before the question'(peer) {
    const call = peer.begin({ beforeMs: 500 });
    await Bun.sleep(150);
    return { call, isAnswered: false };
  },
  async 'as the question is sent'(peer) {
    const call = peer.begin({ beforeMs: 100 });
    await Bun.sleep(100 + Math.random() * 20);
    return { call, isAnswered: false };
  },
  async 'while the question is open'(peer) {
    const call = peer.begin({});
    await within('the question', call.asked);
    return { call, isAnswered: false };
  },
  async 'as the answer is sent'(peer) {
    const call = peer.begin({});
    await within('the question', call.asked);
    void call.answer();
    return { call, isAnswered: true };
  },
  async 'before the result'(peer) {
    const call = peer.begin({ afterMs: 500 });
    await within('the question', call.asked);
    void call.answer();
    await Bun.sleep(150);
    return { call, isAnswered: true };
  },
};

/** A client's first call of a server that is started for it. */
const opening = 'while its session opens';

/** The user answers whatever comes; returns how the call ends. */
async function finish({ call, isAnswered }: Reached): Promise<CallEnd> {
  if (isAnswered) return call.end;
  const isAsked = await call.asked.then(
    () => true,
    () => false,
  );
  return isAsked ? call.answer() : call.end;
}

const peers = { legacy: legacyPeer, modern: modernPeer };
type Era = keyof typeof peers;

interface Fixture {
  readonly era: Era;
  readonly script: string;
  readonly transport: 'http' | 'stdio';
  readonly isolation?: 'session';
}

const fixtures: Record<string, Fixture> = {
  'legacy server over HTTP': { era: 'legacy', script: 'serve-v1.ts', transport: 'http' },
  'legacy server over stdio': { era: 'legacy', script: 'serve-v1.ts', transport: 'stdio' },
  'legacy server over stdio for each client': {
    era: 'legacy',
    script: 'serve-v1.ts',
    transport: 'stdio',
    isolation: 'session',
  },
  'modern server over HTTP': { era: 'modern', script: 'serve-v2.ts', transport: 'http' },
  'modern server over stdio': { era: 'modern', script: 'serve-v2.ts', transport: 'stdio' },
};

/** A server that can be killed, and comes back: by the gateway if that has started it. */
interface Victim extends AsyncDisposable {
  readonly config: Record<string, unknown>;
  pids(): number[];
  restart(): Promise<void>;
}

async function victimOf({ script, transport, era, isolation }: Fixture): Promise<Victim> {
  const path = join(conformance, script);
  const args = [path, transport, ...(era === 'modern' ? ['modern'] : [])];
  if (transport === 'stdio') {
    const config = { command: process.execPath, args, ...(isolation && { isolation }) };
    return {
      config,
      pids: () => childrenWith(path),
      restart: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const port = freePort();
  const start = () =>
    startChild([process.execPath, ...args], { env: { FIXTURE_PORT: String(port) }, ready: '/mcp' });
  let child: Child = await start();
  return {
    config: { url: `http://127.0.0.1:${port}/mcp` },
    pids: () => [child.pid],
    async restart() {
      await child.end('SIGKILL');
      child = await start();
    },
    [Symbol.asyncDispose]: () => child.end('SIGKILL'),
  };
}

describe.each(Object.entries(fixtures))('%s', (_name, fixture) => {
  let victim: Victim;
  let gateway: TestGateway;

  beforeAll(async () => {
    victim = await victimOf(fixture);
    const timeouts = { request_seconds: requestSeconds, connect_seconds: 10 };
    gateway = await startGateway({
      servers: [{ name: 'up', ...victim.config, timeouts, reconnect: promptReconnect }],
      mcp: { session: { shutdown_grace_seconds: 10 } },
    });
    await gateway.connected();
  });

  afterAll(async () => {
    const beganMs = performance.now();
    await gateway.gateway.stop();
    // Nothing was in flight, so that the stop did not wait.
    expect(performance.now() - beganMs).toBeLessThan(8_000);
    expect(gateway.logs.filter((line) => line.includes('were cut off'))).toEqual([]);
    if (fixture.transport === 'stdio') expect(victim.pids()).toEqual([]);
    await victim[Symbol.asyncDispose]();
  });

  const parked = async () => (await gateway.metrics()).value('mcpstead_parked_calls');
  const sessions = async () =>
    (await gateway.metrics()).value('mcpstead_upstream_sessions', { server: 'up' });

  /** Nothing is left, and the next elicitation works, at the latest when the gateway has noticed what happened. */
  async function expectHealed(connect: typeof legacyPeer): Promise<void> {
    await waitUntil('nothing is parked', async () => (await parked()) === 0);
    await using peer = await connect(gateway.url, 'up__test_ask');
    let last: CallEnd | null = null;
    const next = async () => {
      last = await within('its end', finish({ call: peer.begin({}), isAnswered: false }), boundMs);
      return last.kind === 'result';
    };
    await waitUntil('the next one works', next, 20_000).catch((error) => {
      throw new Error(`${String(error)}: ${JSON.stringify(last)}`);
    });
    expect(last as CallEnd | null).toEqual(colored);
  }

  describe.each(Object.entries(peers))('with a %s client', (era, connect) => {
    const isIsolated = fixture.isolation !== undefined;
    /** Nothing tells which call a question belongs to. */
    const hasOneStream = fixture.transport === 'stdio' && fixture.era === 'legacy';

    /**
     * The server goes on with a call that its client gave up, and asks. Until it is another one, that keeps other clients from being
     * asked, and the next call of the same client is asked that, too.
     */
    async function replaceServer(): Promise<void> {
      for (const pid of victim.pids()) process.kill(pid, 'SIGKILL');
      await victim.restart();
    }

    const reaches =
      isIsolated && era === 'legacy' ? { [opening]: moments['before the question'], ...moments } : moments;
    const cases = Object.entries(reaches) as [string, (typeof moments)[string]][];

    /** A client, whose own server has been started unless the moment is before that. */
    async function clientAt(moment: string): Promise<AskedPeer> {
      const peer = await connect(gateway.url, 'up__test_ask');
      const isOpen = async () =>
        (await finish({ call: peer.begin({}), isAnswered: false })).kind === 'result';
      if (isIsolated && moment !== opening) await waitUntil('its own server', isOpen, 20_000);
      return peer;
    }

    test.each(cases)('a server that is killed %s', async (moment, reach) => {
      await using peer = await clientAt(moment);
      const reached = await reach(peer);
      for (const pid of victim.pids()) process.kill(pid, 'SIGKILL');
      const end = await within('the end of the call', finish(reached), boundMs);
      expectFailureOrResult(end);
      await victim.restart();
      await expectHealed(connect);
    });

    const lasting = cases.filter(([moment]) => !moment.startsWith('as '));
    test.each(lasting)('a server that hangs %s', async (moment, reach) => {
      await using peer = await clientAt(moment);
      const reached = await reach(peer);
      const stopped = victim.pids();
      for (const pid of stopped) process.kill(pid, 'SIGSTOP');
      try {
        const end = await within('the end of the call', finish(reached), boundMs);
        expectFailureOrResult(end);
        await waitUntil('nothing is parked', async () => (await parked()) === 0);
      } finally {
        for (const pid of stopped) resume(pid);
      }
      await expectHealed(connect);
    });

    test.each(cases)('a client whose connection breaks %s', async (moment, reach) => {
      await using peer = await clientAt(moment);
      const { call } = await reach(peer);
      call.cut();
      if (era === 'legacy') {
        // Within a session its call would go on for a minute.
        await peer.leave();
        expect((await within('the end of the call', call.end, boundMs)).kind).not.toBe('error');
        // An isolated one has ended with the session.
        if (hasOneStream && !isIsolated) await replaceServer();
      } else {
        const wasAsked = await within(
          'the end of the request',
          call.asked.then(
            () => true,
            () => false,
          ),
          boundMs,
        );
        if (wasAsked) expect(await within('the end of the call', call.answer(), boundMs)).toEqual(colored);
        // Elsewhere, the question may have been on its way, so that the call waits for its deadline.
        else if (hasOneStream || moment === 'as the question is sent') await replaceServer();
      }
      await expectHealed(connect);
    });

    if (era === 'legacy')
      test.each(cases)('a client that ends its session %s', async (moment, reach) => {
        await using peer = await clientAt(moment);
        const { call } = await reach(peer);
        if (isIsolated) expect(await sessions()).toBeGreaterThan(0);
        await peer.leave();
        await within('the end of the call', call.end, boundMs);
        if (hasOneStream && !isIsolated) await replaceServer();
        await expectHealed(connect);
        if (!isIsolated) return;
        // Only the shared process is left.
        await waitUntil('no session of a client', async () => (await sessions()) === 0);
        await waitUntil('no process of a client', () => victim.pids().length === 1);
      });
  });
});

/** Either the call was done, or its client knows which server failed, and how. */
function expectFailureOrResult(end: CallEnd): void {
  if (end.kind === 'result') {
    expect(end.text).toBe(colored.text);
    return;
  }
  expect(end).toMatchObject({
    kind: 'error',
    data: { server: 'up', reason: expect.stringMatching(/^(upstream_|timeout|overloaded)/) },
  });
}

function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // The gateway has replaced it meanwhile.
  }
}
