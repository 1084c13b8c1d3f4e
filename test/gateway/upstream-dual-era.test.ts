import { expect, test } from 'bun:test';
import { startDualEraServer } from '../support/dual-era-server.ts';
import { connectLegacy, connectModern } from '../support/era-clients.ts';
import { startGateway } from '../support/gateway.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';

failOnStrayErrors();

async function eraOf(call: Promise<string>) {
  return JSON.parse(await call) as { era: string; client: string | null; count: number };
}

test('a server that speaks both eras is called in the era of the client', async () => {
  await using server = await startDualEraServer();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  await using legacy = await connectLegacy(gateway.url);
  await using another = await connectLegacy(gateway.url);
  await using modern = await connectModern(gateway.url);
  expect(server.sessionsOpened()).toBe(0);
  const calls = [legacy.call('up__era'), another.call('up__era'), modern.call('up__era')];
  const eras = await Promise.all(calls.map(eraOf));
  expect(eras.map(({ era, client }) => [era, client])).toEqual([
    ['legacy', 'mcpstead'],
    ['legacy', 'mcpstead'],
    ['modern', null],
  ]);
  // One session for all clients of the other era.
  expect(server.sessionsOpened()).toBe(1);
  expect((await gateway.health()).servers[0]).toMatchObject({ era: 'modern', client_sessions: 0 });
});

test('one that does not open a session of the other era is called in the one that it serves', async () => {
  await using server = await startDualEraServer(true);
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url }] });
  await gateway.connected();
  await using legacy = await connectLegacy(gateway.url);
  expect((await eraOf(legacy.call('up__era'))).era).toBe('modern');
  expect((await eraOf(legacy.call('up__era'))).era).toBe('modern');
});

test('one whose era is fixed is called in that era alone', async () => {
  await using server = await startDualEraServer();
  await using gateway = await startGateway({ servers: [{ name: 'up', url: server.url, era: 'modern' }] });
  await gateway.connected();
  await using legacy = await connectLegacy(gateway.url);
  expect((await eraOf(legacy.call('up__era'))).era).toBe('modern');
  expect(server.sessionsOpened()).toBe(0);
});

test('with isolation, one that speaks both is called in the era that has sessions', async () => {
  await using server = await startDualEraServer();
  const up = { name: 'up', url: server.url, isolation: 'session' };
  await using gateway = await startGateway({ servers: [up] });
  await gateway.connected();
  await using legacy = await connectLegacy(gateway.url);
  await using modern = await connectModern(gateway.url);
  await using same = await connectModern(gateway.url);
  expect(await eraOf(legacy.call('up__era'))).toEqual({ era: 'legacy', client: 'legacy', count: 1 });
  expect(await eraOf(modern.call('up__era'))).toEqual({ era: 'legacy', client: 'modern', count: 1 });
  // Modern requests of one principal that describe their client in the same words are of one client.
  expect(await eraOf(same.call('up__era'))).toEqual({ era: 'legacy', client: 'modern', count: 2 });
  expect((await gateway.health()).servers[0]).toMatchObject({ era: 'modern', client_sessions: 2 });
});
