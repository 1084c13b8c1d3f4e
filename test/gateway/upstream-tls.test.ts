import { expect, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { promptReconnect, startGateway } from '../support/gateway.ts';
import { RawSession } from '../support/rpc.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { selfSignedCertificate } from '../support/tls.ts';

failOnStrayErrors();

const tls = selfSignedCertificate();

test('an untrusted certificate is refused with a cause that says TLS, and nothing is sent', async () => {
  await using upstream = await fakeUpstream({ tls });
  await using gateway = await startGateway({ servers: [{ name: 'up', url: upstream.url }] });
  const { servers } = await gateway.waitFor(
    'the refusal',
    (health) => health.servers[0]?.last_error !== null,
  );
  expect(servers[0]).toMatchObject({
    connected: false,
    last_error: `TLS handshake failed (DEPTH_ZERO_SELF_SIGNED_CERT): the certificate of ${new URL(upstream.url).host} is self-signed; NODE_EXTRA_CA_CERTS=FILE makes it trusted`,
  });
  expect(upstream.received).toEqual([]);
});

test('connections made without verification serve only their own upstream, not another one of the same address', async () => {
  await using upstream = await fakeUpstream({ tls });
  const headers = (name: string) => ({ 'X-Upstream': `upstream-${name}` });
  const server = (name: string, skip: boolean) => ({
    name,
    url: upstream.url,
    tls_skip_verify: skip,
    headers: headers(name),
    reconnect: promptReconnect,
  });
  const servers = [server('lax', true), server('other', true), server('strict', false)];
  await using gateway = await startGateway({ servers });
  await gateway.connected('lax', 'other');
  await using session = await RawSession.open(gateway.url);
  for (let round = 0; round < 20; round++) {
    await session.callText(round % 2 === 0 ? 'lax__echo' : 'other__echo');
  }
  await gateway.reload({
    servers: [server('lax', true), { ...server('other', true), headers: headers('new') }],
  });
  await gateway.connected();
  await session.callText('other__echo');

  const portsOf = (name: string) =>
    new Set(
      upstream.received
        .filter((request) => request.headers.get('x-upstream') === `upstream-${name}`)
        .map(({ clientPort }) => clientPort),
    );
  const [lax, other, renewed] = [portsOf('lax'), portsOf('other'), portsOf('new')];
  expect(lax.size).toBeGreaterThan(0);
  expect(other.size).toBeGreaterThan(0);
  expect(renewed.size).toBeGreaterThan(0);
  expect(lax.intersection(other)).toEqual(new Set());
  expect(renewed.intersection(lax.union(other))).toEqual(new Set());
  expect(portsOf('strict')).toEqual(new Set());
  // Separate connections, and still kept alive.
  expect(lax.size + other.size).toBeLessThan(10);
});
