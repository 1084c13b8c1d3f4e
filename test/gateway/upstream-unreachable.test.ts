import { expect, setDefaultTimeout, test } from 'bun:test';
import { fakeUpstream } from '../support/fake-upstream.ts';
import { startGateway } from '../support/gateway.ts';
import { rawServer } from '../support/raw-server.ts';
import { refusedBy } from '../support/refused.ts';
import { failOnStrayErrors } from '../support/stray-errors.ts';
import { selfSignedCertificate } from '../support/tls.ts';
import { freePort } from '../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const certificate = selfSignedCertificate();

/** The reason in /health why the server at `url` is not connected. */
async function causeAt(url: string, server: object = {}): Promise<string | null> {
  await using gateway = await startGateway({ servers: [{ name: 'up', url, ...server }] });
  const { servers } = await gateway.waitFor('the cause', ({ servers: [up] }) => up?.last_error !== null);
  return servers[0]?.last_error ?? null;
}

test('nothing listens', async () => {
  const url = `http://127.0.0.1:${freePort()}/mcp`;
  expect(await causeAt(url)).toBe(refusedBy(url));
});

test('the host has no address', async () => {
  expect(await causeAt('http://nowhere.invalid/mcp')).toMatch(/^host name not found: nowhere\.invalid:80\b/);
});

test.each(['http', 'bun'])('an https URL of a server that speaks plain HTTP (%s)', async (kind) => {
  await using upstream = await fakeUpstream();
  await using bun = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hi') });
  const host = `127.0.0.1:${kind === 'bun' ? bun.port : upstream.port}`;
  expect(await causeAt(`https://${host}/mcp`)).toBe(
    `TLS handshake failed (WRONG_VERSION_NUMBER): ${host} does not speak TLS; should its URL begin with http://?`,
  );
});

test('an http URL of a server that speaks TLS, and hangs up', async () => {
  await using upstream = await fakeUpstream({ tls: certificate });
  expect(await causeAt(`http://127.0.0.1:${upstream.port}/mcp`)).toBe(
    'connection closed unexpectedly, without an answer; if it speaks TLS, its URL must begin with https://',
  );
});

test('an http URL of a server that speaks TLS, and sends an alert', async () => {
  const alert = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x0a]);
  using server = await rawServer(({ socket }) => void socket.end(alert));
  expect(await causeAt(server.origin)).toBe('speaks TLS; its URL must begin with https://');
});

test('an http URL of a server that speaks TLS, and says so', async () => {
  const words = 'Client sent an HTTP request to an HTTPS server.\n';
  using server = await rawServer(({ socket }) => {
    socket.end(`HTTP/1.0 400 Bad Request\r\n\r\n${words}`);
  });
  expect(await causeAt(server.origin, { protocol: 'streamable' })).toBe(
    'answered HTTP 400: "Client sent an HTTP request to an HTTPS server."',
  );
});

test('an untrusted certificate', async () => {
  await using upstream = await fakeUpstream({ tls: certificate });
  expect(await causeAt(`https://127.0.0.1:${upstream.port}/mcp`)).toBe(
    `TLS handshake failed (DEPTH_ZERO_SELF_SIGNED_CERT): the certificate of 127.0.0.1:${upstream.port} is self-signed; NODE_EXTRA_CA_CERTS=FILE makes it trusted`,
  );
});

test('a server that accepts the connection and never starts TLS', async () => {
  using server = await rawServer(() => {});
  const timeouts = { connect_seconds: 0.2 };
  expect(await causeAt(`https://127.0.0.1:${server.port}/mcp`, { timeouts })).toBe(
    `cannot connect within 0.2 s to 127.0.0.1:${server.port}`,
  );
});
