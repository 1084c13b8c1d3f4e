import { expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { childrenWith } from '../support/child-processes.ts';
import { type CallEnd, type Elicitation, legacyPeer, modernPeer } from '../support/elicitation.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { Random } from '../support/random.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

// Many clients of both eras are asked at once, break off wherever they are, and their servers die again and again.

setDefaultTimeout(120_000);
failOnStrayErrors();

const conformance = join(import.meta.dir, '../conformance');
const servers = {
  legacy: ['serve-v1.ts', 'http'],
  modern: ['serve-v2.ts', 'http', 'modern'],
} as const;
const seed = Number(process.env.CHAOS_SEED ?? 1);
const seconds = Number(process.env.CHAOS_SECONDS ?? 5);

/** What a client does with its call; it always waits for what it can still get. */
async function play(call: Elicitation, random: Random, leave: () => Promise<void>): Promise<CallEnd | null> {
  const isAsked = call.asked.then(
    () => true,
    () => false,
  );
  const patience = random.below(80);
  switch (random.below(6)) {
    case 0:
      await Bun.sleep(patience);
      call.cut();
      return null;
    case 1:
      await Bun.sleep(patience);
      await leave();
      call.cut();
      return null;
    case 2: {
      if (!(await isAsked)) return call.end;
      const first = call.answer();
      await Bun.sleep(random.below(5));
      void call.answer().catch(() => {});
      return first;
    }
    case 3:
      if (!(await isAsked)) return call.end;
      void call.answer();
      await Bun.sleep(random.below(5));
      call.cut();
      return null;
    default:
      if (!(await isAsked)) return call.end;
      await Bun.sleep(patience);
      return call.answer();
  }
}

test.each([
  ['shared', {}],
  ['isolated', { isolation: 'session' }],
])(
  'no call of many clients hangs or crosses while %s servers die, and nothing is left',
  async (sharing, isolation) => {
    const random = new Random(seed);
    const children = new Map<string, Child>();
    const ports = new Map(Object.keys(servers).map((era) => [era, freePort()]));
    const start = async (era: keyof typeof servers) => {
      await children.get(era)?.end('SIGKILL');
      const [script, ...args] = servers[era];
      const env = { FIXTURE_PORT: String(ports.get(era)) };
      const command = [process.execPath, join(conformance, script), ...args];
      children.set(era, await startChild(command, { env, ready: '/mcp' }));
    };
    await Promise.all([start('legacy'), start('modern')]);
    const stdio = { command: process.execPath, args: [join(conformance, 'serve-v1.ts'), 'stdio'] };
    const common = { timeouts: { request_seconds: 5 }, reconnect: promptReconnect, ...isolation };
    const url = (era: string) => `http://127.0.0.1:${ports.get(era)}/mcp`;
    const gateway = await startGateway({
      servers: [
        { name: 'legacy', url: url('legacy'), ...common },
        { name: 'modern', url: url('modern'), ...common },
        { name: 'stdio', ...stdio, ...common },
      ],
      mcp: { session: { shutdown_grace_seconds: 10 } },
      logging: { level: 'warn' },
    });
    try {
      await gateway.connected();
      const untilMs = performance.now() + seconds * 1_000;
      const ends: Record<string, number> = {};
      const client = async (own: Random) => {
        while (performance.now() < untilMs) {
          const server = own.pick(['legacy', 'modern', 'stdio']);
          const connect = own.pick([legacyPeer, modernPeer]);
          const peer = await connect(gateway.url, `${server}__test_ask`);
          const color = `color ${own.next()}`;
          const call = peer.begin({ beforeMs: own.below(40), afterMs: own.below(40), color });
          const end = await within(`an end of a call of ${server}`, play(call, own, peer.leave), 20_000);
          const what =
            end === null
              ? 'given up'
              : end.kind === 'error'
                ? `${end.code} ${end.data?.reason}`
                : end.kind === 'result' && !end.text.startsWith('color: ')
                  ? 'refused'
                  : end.kind;
          // Clients that describe themselves alike share an isolated session, and are asked as one.
          const isApart = server !== 'stdio' || sharing === 'shared';
          if (what === 'result' && isApart) expect(end).toEqual({ kind: 'result', text: `color: ${color}` });
          ends[what] = (ends[what] ?? 0) + 1;
          if (end?.kind === 'error') await Bun.sleep(20);
          await peer.leave();
        }
      };
      const killer = async () => {
        while (performance.now() < untilMs) {
          await Bun.sleep(300 + random.below(700));
          const victim = random.pick(['legacy', 'modern', 'stdio'] as const);
          if (victim !== 'stdio') await start(victim);
          else
            for (const pid of childrenWith('serve-v1.ts'))
              if (pid !== children.get('legacy')?.pid) process.kill(pid, 'SIGKILL');
        }
      };
      await Promise.all([
        killer(),
        ...Array.from({ length: 12 }, (_, index) => client(new Random(seed * 100 + index))),
      ]);
      expect(ends.result).toBeGreaterThan(20);
      // Those that were asked when their clients left wait for their servers.
      await Promise.all([start('legacy'), start('modern')]);
      for (const pid of childrenWith('serve-v1.ts'))
        if (pid !== children.get('legacy')?.pid) process.kill(pid, 'SIGKILL');
      const parked = async () => (await gateway.metrics()).value('mcpstead_parked_calls');
      await waitUntil('nothing is parked', async () => (await parked()) === 0, 30_000);
      await gateway.connected();
      for (const server of ['legacy', 'modern', 'stdio'])
        for (const connect of [legacyPeer, modernPeer]) {
          await using peer = await connect(gateway.url, `${server}__test_ask`);
          const call = peer.begin({});
          await within('the question', call.asked);
          expect(await within('the result', call.answer())).toEqual({ kind: 'result', text: 'color: blue' });
        }
    } finally {
      const beganMs = performance.now();
      await gateway.gateway.stop();
      expect(performance.now() - beganMs).toBeLessThan(9_000);
      expect(
        gateway.logs.filter((line) => line.includes('were cut off') || line.includes('"level":"error"')),
      ).toEqual([]);
      await Promise.all([...children.values()].map((child) => child.end('SIGKILL')));
      expect(childrenWith('serve-v1.ts')).toEqual([]);
    }
  },
);
