import { afterEach, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { type Child, startChild } from '../support/child.ts';
import { legacyPeer, modernPeer } from '../support/elicitation.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { freePort, waitUntil, within } from '../support/wait.ts';

setDefaultTimeout(30_000);
failOnStrayErrors();

const conformance = join(import.meta.dir, '../conformance');
const servers = { legacy: ['serve-v1.ts', 'http'], modern: ['serve-v2.ts', 'http', 'modern'] } as const;
type Era = keyof typeof servers;

let child: Child | null = null;
afterEach(() => child?.end('SIGKILL'));

async function serve(era: Era, port: number): Promise<void> {
  await child?.end('SIGKILL');
  const [script, ...args] = servers[era];
  const command = [process.execPath, join(conformance, script), ...args];
  child = await startChild(command, { env: { FIXTURE_PORT: String(port) }, ready: '/mcp' });
}

test.each([
  ['legacy', 'modern'],
  ['modern', 'legacy'],
] as const)(
  'a %s server that comes back as a %s one is found out, and serves clients of both eras',
  async (before, after) => {
    const port = freePort();
    await serve(before, port);
    await using gateway = await startGateway({
      servers: [{ name: 'up', url: `http://127.0.0.1:${port}/mcp`, reconnect: promptReconnect }],
    });
    await gateway.connected();
    const eraIs = (era: Era) =>
      gateway.waitFor(era, ({ servers: [up] }) => up?.connected === true && up.era === era);
    await eraIs(before);
    const clients = [legacyPeer, modernPeer].map((connect) => connect(gateway.url, 'up__test_ask'));
    const askAll = async () => {
      for (const client of await Promise.all(clients)) {
        const call = client.begin({});
        await within('the question', call.asked);
        expect(await call.answer()).toEqual({ kind: 'result', text: 'color: blue' });
      }
    };
    await askAll();
    await serve(after, port);
    // A server without a stream of notifications is not missed before a call.
    const [legacy] = await Promise.all(clients);
    await waitUntil('a call that works', async () => {
      const call = legacy?.begin({});
      return call?.asked.then(
        () => call.answer(),
        () => false,
      );
    });
    await eraIs(after);
    await askAll();
    expect((await gateway.metrics()).value('mcpstead_parked_calls')).toBe(0);
  },
);
