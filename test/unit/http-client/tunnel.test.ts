import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { refusalOf } from '../../../src/upstream/transport/refusal.ts';
import { hangUp } from '../../support/answers.ts';
import { proxiedClient, unaborted } from '../../support/http-client.ts';
import { httpProxy } from '../../support/http-proxy.ts';
import { rawServer } from '../../support/raw-server.ts';
import { failOnStrayErrors } from '../../support/stray-errors.ts';
import { certificateFor } from '../../support/tls.ts';
import { waitUntil, within } from '../../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const ok = 'HTTP/1.1 200 OK\r\n';
const tls = certificateFor('up.test');
/** Verification against names is tested where the process trusts the certificate. */
const lax = { tlsSkipVerify: true };

const get = { method: 'GET', signal: unaborted } as const;

describe('a plain request', () => {
  test('has the whole URL as its target, and its connection is reused', async () => {
    using server = await rawServer(({ socket, target }) => {
      socket.write(`${ok}Content-Length: ${target.length}\r\n\r\n${target}`);
    });
    await using proxy = await httpProxy();
    const url = `http://up.test:${server.port}/mcp?a=b`;
    await using client = proxiedClient(`http://me:p%40ss@127.0.0.1:${proxy.port}`, url);
    for (let round = 0; round < 3; round++) {
      const response = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
      expect(await response.text()).toBe('/mcp?a=b');
    }
    expect(proxy.connections()).toBe(1);
    expect(proxy.received.map(({ method, target }) => [method, target])).toEqual([
      ['POST', url],
      ['POST', url],
      ['POST', url],
    ]);
    expect(proxy.received[0]?.headers).toMatchObject({
      host: `up.test:${server.port}`,
      'proxy-authorization': 'Basic bWU6cEBzcw==',
      'content-length': '2',
    });
    expect(server.requests[0]?.headers.get('host')).toBe(`up.test:${server.port}`);
  });

  test('has no credentials for a proxy without them', async () => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 0\r\n\r\n`));
    await using proxy = await httpProxy();
    await using client = proxiedClient(`http://127.0.0.1:${proxy.port}`, `http://up.test:${server.port}/`);
    await client.fetch(get);
    expect(proxy.received[0]?.headers).not.toHaveProperty('proxy-authorization');
  });
});

test.each([
  [407, 'PROXY answered HTTP 407: it wants a user name and password (all_proxy=http://USER:PASSWORD@…)'],
  [503, 'answered HTTP 503: "no such host", through PROXY'],
  [403, 'answered HTTP 403: "no such host"'],
])('a plain request that is answered %d may have met the proxy alone', async (status, message) => {
  const answer = `HTTP/1.1 ${status} \r\nContent-Length: 12\r\n\r\nno such host`;
  await using proxy = await httpProxy({ answer });
  await using client = proxiedClient(`http://me:secret@127.0.0.1:${proxy.port}`, 'http://up.test/');
  const response = await client.fetch(get);
  expect(refusalOf(client, response, await response.beginning()).message).toBe(
    message.replace('PROXY', `the proxy 127.0.0.1:${proxy.port} (all_proxy)`),
  );
});

describe('a tunnel', () => {
  test('is requested by the name of its far end, and reused', async () => {
    using server = await rawServer(
      ({ socket, target }) => {
        socket.write(`${ok}Content-Length: ${target.length}\r\n\r\n${target}`);
      },
      { tls },
    );
    await using proxy = await httpProxy();
    const url = `https://up.test:${server.port}/mcp?a=b`;
    await using client = proxiedClient(`http://me:p%40ss@127.0.0.1:${proxy.port}`, url, lax);
    for (let round = 0; round < 3; round++) {
      const response = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
      expect(await response.text()).toBe('/mcp?a=b');
    }
    expect(server.connections()).toBe(1);
    expect(proxy.received.map(({ method, target }) => [method, target])).toEqual([
      ['CONNECT', `up.test:${server.port}`],
    ]);
    expect(proxy.received[0]?.headers).toMatchObject({
      host: `up.test:${server.port}`,
      'proxy-authorization': 'Basic bWU6cEBzcw==',
    });
    for (const { headers } of server.requests) {
      expect(headers.get('host')).toBe(`up.test:${server.port}`);
      expect(headers.get('proxy-authorization')).toBeNull();
    }
  });

  test.each([
    ['by a proxy of HTTP/1.0', 'HTTP/1.0 200 Connection established\r\nProxy-agent: x\r\n\r\n'],
    ['by a proxy that speaks of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['by a proxy that speaks of chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['by a proxy that says something before', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
    ['by a proxy with another good status', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('is made %s', async (_name, tunnelAnswer) => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 2\r\n\r\nhi`), {
      tls,
    });
    await using proxy = await httpProxy({ tunnelAnswer });
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    expect(await (await client.fetch(get)).text()).toBe('hi');
  });

  test('carries large bodies both ways', async () => {
    const body = 'a€é😀'.repeat(419_430);
    using server = await rawServer(
      ({ socket, body: received }) => {
        socket.write(`${ok}Content-Length: ${received.length}\r\n\r\n`);
        socket.write(received);
      },
      { tls },
    );
    await using proxy = await httpProxy();
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    for (let round = 0; round < 2; round++) {
      const response = await client.fetch({ method: 'POST', body, signal: unaborted });
      expect((await response.text()) === body).toBe(true);
    }
    expect(server.connections()).toBe(1);
  });

  test('applies back-pressure', async () => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    let sent = 0;
    using server = await rawServer(
      ({ socket }) => {
        socket.write(`${ok}\r\n`);
        const more = () => {
          while (!socket.destroyed && sent < 512 * 1024 * 1024) {
            sent += piece.length;
            if (!socket.write(piece)) return;
          }
        };
        socket.on('drain', more);
        more();
      },
      { tls },
    );
    await using proxy = await httpProxy();
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    const response = await client.fetch(get);
    let before = -1;
    await waitUntil('the sender to wait', async () => {
      before = sent;
      await Bun.sleep(200);
      return sent === before && sent > 0;
    });
    expect(sent).toBeLessThan(128 * 1024 * 1024);
    for (let received = 0; received < before; ) received += (await response.read())?.byteLength ?? 0;
    await waitUntil('the sender to go on', () => sent > before);
    response.cancel();
    await waitUntil('the end of the tunnel', () => server.open() === 0 && proxy.open() === 0);
  });

  test('that breaks while idle is replaced without an error', async () => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 2\r\n\r\nhi`), {
      tls,
    });
    await using proxy = await httpProxy();
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    for (let round = 1; round <= 3; round++) {
      const response = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
      expect(await response.text()).toBe('hi');
      expect(server.connections()).toBe(round);
      proxy.cut();
      await waitUntil('the end of the tunnel', () => server.open() === 0);
      // Our end of it ends in the same moment; there is no one to ask.
      await Bun.sleep(50);
    }
  });

  test('that breaks within a response fails it', async () => {
    using server = await rawServer(({ socket }) => void socket.write(`${ok}Content-Length: 9\r\n\r\nhalf`), {
      tls,
    });
    await using proxy = await httpProxy();
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    const response = await client.fetch(get);
    await response.read();
    proxy.cut();
    await expect(within('the failure', response.read())).rejects.toMatchObject({ kind: 'broken' });
  });

  test('is aborted with the request that waits for it', async () => {
    await using proxy = await httpProxy({ answer: null });
    const options = { ...lax, connectTimeoutMs: () => 300 };
    await using client = proxiedClient(`http://127.0.0.1:${proxy.port}`, 'https://up.test/', options);
    const abort = new AbortController();
    const request = client.fetch({ method: 'GET', signal: abort.signal });
    await waitUntil('the wait', () => proxy.received.length === 1);
    const reason = new Error('given up');
    abort.abort(reason);
    await expect(within('the end of the wait', request)).rejects.toBe(reason);
    await waitUntil('the end of the connection', () => proxy.open() === 0);
  });
});

describe('a proxy fails a tunnel', () => {
  test.each<[string, string | typeof hangUp | null, string]>([
    [
      'when it wants credentials',
      'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nno\r\n',
      'PROXY answered HTTP 407: it wants a user name and password (all_proxy=http://USER:PASSWORD@…)',
    ],
    [
      'when it cannot reach the far end',
      'HTTP/1.1 502 Bad Gateway\r\n\r\n',
      'PROXY answered HTTP 502: it cannot reach up.test:443',
    ],
    [
      'when it does not want to',
      'HTTP/1.1 403 No\r\n\r\n',
      'PROXY answered HTTP 403: it does not allow connections to up.test:443',
    ],
    ['when it redirects', 'HTTP/1.1 302 \r\nLocation: http://x.test/\r\n\r\n', 'PROXY answered HTTP 302'],
    ['when it hangs up', hangUp, 'PROXY closed the connection'],
    ['when it talks rubbish', 'rubbish\r\n\r\n', 'PROXY sent an invalid HTTP response: not HTTP/1.1'],
    ['when it never answers', null, 'cannot connect within 0.2 s to PROXY'],
    ['when it answers by half', 'HTTP/1.1 200 OK\r\nX-A: 1\r\n', 'cannot connect within 0.2 s to PROXY'],
  ])('%s', async (_name, answer, message) => {
    await using proxy = await httpProxy({ answer });
    const options = { ...lax, connectTimeoutMs: () => 200 };
    await using client = proxiedClient(`http://127.0.0.1:${proxy.port}`, 'https://up.test/', options);
    await expect(within('the failure', client.fetch(get))).rejects.toMatchObject({
      kind: 'refused',
      message: message.replace('PROXY', `the proxy 127.0.0.1:${proxy.port} (all_proxy)`),
    });
    await waitUntil('the end of the connection', () => proxy.open() === 0);
  });

  test('when there is none', async () => {
    const proxy = await httpProxy();
    await proxy[Symbol.asyncDispose]();
    await using client = proxiedClient(`http://127.0.0.1:${proxy.port}`, 'https://up.test/');
    await expect(client.fetch(get)).rejects.toMatchObject({
      kind: 'refused',
      message: `connection refused by the proxy 127.0.0.1:${proxy.port} (all_proxy); is the proxy running?`,
    });
  });
});

describe('the far end of a tunnel is refused', () => {
  test('if it is not trusted, and nothing is sent', async () => {
    using server = await rawServer(() => {}, { tls });
    await using proxy = await httpProxy();
    await using client = proxiedClient(`http://127.0.0.1:${proxy.port}`, `https://up.test:${server.port}/`);
    await expect(within('the failure', client.fetch(get))).rejects.toMatchObject({
      kind: 'refused',
      message: `TLS handshake failed (DEPTH_ZERO_SELF_SIGNED_CERT): the certificate of up.test:${server.port} is self-signed; NODE_EXTRA_CA_CERTS=FILE makes it trusted`,
    });
    expect(server.requests).toEqual([]);
    await waitUntil('the end of the tunnel', () => proxy.open() === 0);
  });

  test('when it does not speak TLS', async () => {
    using server = await rawServer(() => {}, {
      onConnection: (socket) => void socket.once('data', () => socket.write('HTTP/1.1 400 \r\n\r\n')),
    });
    await using proxy = await httpProxy();
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      lax,
    );
    await expect(within('the failure', client.fetch(get))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(
        `up.test:${server.port} does not speak TLS; should its URL begin with http://?`,
      ),
    });
    await waitUntil('the end of the tunnel', () => proxy.open() === 0);
  });

  test('when it never answers', async () => {
    using server = await rawServer(() => {});
    await using proxy = await httpProxy();
    const options = { ...lax, connectTimeoutMs: () => 200 };
    await using client = proxiedClient(
      `http://127.0.0.1:${proxy.port}`,
      `https://up.test:${server.port}/`,
      options,
    );
    await expect(within('the failure', client.fetch(get))).rejects.toMatchObject({
      kind: 'refused',
      message: `cannot connect within 0.2 s to up.test:${server.port}`,
    });
    await waitUntil('the end of the tunnel', () => proxy.open() === 0);
  });
});

describe('a proxy at an https URL', () => {
  test.each(['http', 'https'])('is refused if it is not trusted, for %s', async (scheme) => {
    await using proxy = await httpProxy({ tls: certificateFor('127.0.0.1') });
    await using client = proxiedClient(`https://127.0.0.1:${proxy.port}`, `${scheme}://up.test/`, lax);
    await expect(within('the failure', client.fetch(get))).rejects.toMatchObject({
      kind: 'refused',
      message: `TLS handshake failed (DEPTH_ZERO_SELF_SIGNED_CERT): the certificate of the proxy 127.0.0.1:${proxy.port} (all_proxy) is self-signed; NODE_EXTRA_CA_CERTS=FILE makes it trusted`,
    });
    expect(proxy.received).toEqual([]);
  });
});
