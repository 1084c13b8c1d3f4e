import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { legacyPeer, modernPeer } from '../support/elicitation.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { within } from '../support/wait.ts';

// A server on stdio that asks for a call after that was cancelled, as those made with the v1 SDK do.

failOnStrayErrors();

const fixture = join(import.meta.dir, '../conformance/serve-v1.ts');
const stdio = { name: 'up', command: process.execPath, args: [fixture, 'stdio'] };

test.each([
  ['legacy', legacyPeer],
  ['modern', modernPeer],
])('what a shared server asks for a cancelled call does not reach another %s client', async (_, connect) => {
  await using gateway = await startGateway({ servers: [stdio] });
  await gateway.connected();
  await using gone = await connect(gateway.url, 'up__test_ask');
  const cancelled = gone.begin({ beforeMs: 1_500 });
  await Bun.sleep(200);
  cancelled.cut();
  await gone.leave();
  await Bun.sleep(100);
  await using other = await connect(gateway.url, 'up__test_ask');
  const call = other.begin({ beforeMs: 1_800 });
  // The question of the cancelled call comes first, its own one later: both are refused.
  const end = await within('the end', Promise.race([call.asked.then(() => 'asked'), call.end]));
  expect(end).toMatchObject({ kind: 'result', text: expect.stringContaining('or were given up lately') });
  const page = await gateway.metrics();
  expect(page.value('mcpstead_client_requests_total', { kind: 'elicitation', result: 'refused' })).toBe(2);
  expect(page.value('mcpstead_parked_calls')).toBe(0);
});

test('a client that cancels a call can be asked for its next one', async () => {
  await using gateway = await startGateway({ servers: [stdio] });
  await gateway.connected();
  await using peer = await legacyPeer(gateway.url, 'up__test_ask');
  const cancelled = peer.begin({ beforeMs: 800 });
  await Bun.sleep(100);
  await peer.cancelLast();
  await within('its end', cancelled.end);
  await Bun.sleep(1_000);
  const call = peer.begin({});
  await within('the question', call.asked);
  expect(await call.answer()).toEqual({ kind: 'result', text: 'color: blue' });
});

test('what the server of a single client asks for its cancelled call is asked through its next one', async () => {
  await using gateway = await startGateway({ servers: [{ ...stdio, isolation: 'session' }] });
  await gateway.connected();
  await using peer = await modernPeer(gateway.url, 'up__test_ask');
  const first = peer.begin({});
  await within('the session and the question', first.asked);
  expect(await first.answer()).toMatchObject({ kind: 'result' });
  const cancelled = peer.begin({ beforeMs: 600 });
  await Bun.sleep(200);
  cancelled.cut();
  await within('its end', cancelled.end);
  const call = peer.begin({ afterMs: 1_000 });
  await within('the question', call.asked);
  expect(await within('the late question', call.answer())).toEqual({ kind: 'asked' });
  expect(await within('the result', call.answer())).toEqual({ kind: 'result', text: 'color: blue' });
  const page = await gateway.metrics();
  expect(page.value('mcpstead_client_requests_total', { kind: 'elicitation', result: 'answered' })).toBe(3);
  expect(page.value('mcpstead_parked_calls')).toBe(0);
});
