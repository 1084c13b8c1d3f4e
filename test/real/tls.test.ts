import { expect, setDefaultTimeout, test } from 'bun:test';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { startSdkV1 } from '../support/sdk-v1.ts';
import { selfSignedCertificate } from '../support/tls.ts';
import { waitUntil } from '../support/wait.ts';

setDefaultTimeout(30_000);

test('a server with an untrusted certificate is reached only if its verification is switched off', async () => {
  await using server = await startSdkV1({ tls: selfSignedCertificate() });
  await using gateway = await startGateway({
    servers: [
      { name: 'lax', url: server.url, tls_skip_verify: true },
      { name: 'strict', url: server.url, reconnect: promptReconnect },
    ],
  });
  await gateway.connected('lax');
  await using session = await RawSession.open(gateway.url);
  expect(await session.callText('lax__echo', { message: 'hello' })).toBe('hello');

  // `strict` must refuse even while `lax` keeps connections to the same address open.
  const attempts = async () => {
    const labels = { server: 'strict', result: 'error' };
    return (await gateway.metrics()).value('mcpstead_upstream_initialize_total', labels) ?? 0;
  };
  await waitUntil('several refused attempts', async () => {
    expect(await session.callText('lax__echo', { message: 'again' })).toBe('again');
    return (await attempts()) >= 3;
  });
  const { servers } = await gateway.health();
  expect(servers.map(({ name, connected }) => [name, connected])).toEqual([
    ['lax', true],
    ['strict', false],
  ]);
  expect(servers[1]?.last_error).toMatch(/self_signed_cert/i);
  expect(server.sessionsOpened()).toBe(1);
});
