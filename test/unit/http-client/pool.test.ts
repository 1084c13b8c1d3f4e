import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { startChild } from '../../support/child.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { httpClient, unaborted } from '../../support/http-client.ts';
import { type RawRequest, rawServer } from '../../support/raw-server.ts';
import { failOnStrayErrors } from '../../support/stray-errors.ts';
import { waitUntil, within } from '../../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const ok = 'HTTP/1.1 200 OK\r\n';
const empty = `${ok}Content-Length: 0\r\n\r\n`;

/** A client whose connections are idle by a clock that the test advances. */
function clockedClient(url: string) {
  const clock = new FakeClock();
  return { clock, client: httpClient(url, { deadlines: new Deadlines(clock) }) };
}

describe('a connection is reused', () => {
  test.each([
    ['after a body of known length', `${ok}Content-Length: 2\r\n\r\nhi`],
    ['after a body in chunks', `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`],
    ['after an answer without a body', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['after an error', 'HTTP/1.1 500 \r\nContent-Length: 2\r\n\r\nno'],
    ['after an interim answer', `HTTP/1.1 103 Early Hints\r\n\r\n${empty}`],
  ])('%s', async (_name, answer) => {
    using server = await rawServer(({ socket }) => void socket.write(answer));
    await using client = httpClient(server.origin);
    for (let round = 0; round < 5; round++) {
      const response = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
      await response.text();
    }
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('a connection is closed', () => {
  test.each([
    ['that the server closes', `${ok}Connection: close\r\nContent-Length: 2\r\n\r\nhi`, 'hi'],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'hi'],
    ['on which more came than the answer', `${ok}Content-Length: 2\r\n\r\nhi, there`, 'hi'],
    ['on which two answers came', `${ok}Content-Length: 2\r\n\r\nhi${empty}`, 'hi'],
    [
      'whose answer was framed in two ways',
      `${ok}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
      'hi',
    ],
  ])('%s, without an error', async (_name, answer, body) => {
    using server = await rawServer(({ socket }) => void socket.write(answer));
    await using client = httpClient(server.origin);
    for (let round = 0; round < 3; round++) {
      const response = await client.fetch({ method: 'GET', signal: unaborted });
      expect(await response.text()).toBe(body);
    }
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3]);
    await waitUntil('the end of all connections', () => server.open() === 0);
  });

  test('when its close ends the response', async () => {
    using server = await rawServer(({ socket }) => void socket.end(`${ok}\r\nhi`));
    await using client = httpClient(server.origin);
    for (let round = 0; round < 3; round++) {
      const response = await client.fetch({ method: 'GET', signal: unaborted });
      expect(await response.text()).toBe('hi');
    }
    expect(server.connections()).toBe(3);
  });

  test('when bytes arrive that belong to no response, and the next request gets its own', async () => {
    const late = Promise.withResolvers<RawRequest>();
    using server = await rawServer((request) => {
      request.socket.write(`${ok}Content-Length: 1\r\n\r\n${request.connection}`);
      if (request.connection === 1) late.resolve(request);
    });
    await using client = httpClient(server.origin);
    expect(await (await client.fetch({ method: 'GET', signal: unaborted })).text()).toBe('1');
    (await late.promise).socket.write(`${ok}Content-Length: 1\r\n\r\nX`);
    await waitUntil('the end of the connection', () => server.open() === 0);
    expect(await (await client.fetch({ method: 'GET', signal: unaborted })).text()).toBe('2');
  });

  test('when it has been idle for nearly as long as the server keeps it', async () => {
    const answer = `${ok}Keep-Alive: timeout=3\r\nContent-Length: 0\r\n\r\n`;
    using server = await rawServer(({ socket }) => void socket.write(answer));
    const { clock, client } = clockedClient(server.origin);
    await (await client.fetch({ method: 'GET', signal: unaborted })).text();
    clock.advance(1_900);
    await nextTurn();
    expect(server.open()).toBe(1);
    clock.advance(1_000);
    await waitUntil('the end of the connection', () => server.open() === 0);
    client.close();
  });

  test('before its announced limit', async () => {
    using server = await rawServer(
      ({ socket }) => void socket.write(`${ok}Keep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n`),
    );
    const { clock, client } = clockedClient(server.origin);
    await client.fetch({ method: 'GET', signal: unaborted });
    clock.advance(500);
    await client.fetch({ method: 'GET', signal: unaborted });
    expect(server.connections()).toBe(2);
    clock.advance(1_000);
    await waitUntil('the end of both', () => server.open() === 0);
    client.close();
  });
});

test('a server may close an idle connection, and the next request gets a new one', async () => {
  using server = await rawServer(({ socket }) => {
    socket.write(empty);
    // Later than the answer, so that the connection is idle.
    setTimeout(() => socket.end(), 20);
  });
  await using client = httpClient(server.origin);
  for (let round = 1; round <= 3; round++) {
    const response = await client.fetch({ method: 'POST', body: '{}', signal: unaborted });
    expect(await response.text()).toBe('');
    // Both sides have closed it then.
    await waitUntil('the end of the connection', () => server.open() === 0);
    expect(server.connections()).toBe(round);
  }
});

describe('an idle connection whose server announces no limit', () => {
  const post = { method: 'POST', body: '{}', signal: unaborted } as const;

  /** A server that answers every request, the sockets of its connections, and a client with a clock. */
  async function idleServer() {
    const sockets: Socket[] = [];
    const server = await rawServer(({ socket }) => void socket.write(empty), {
      onConnection: (socket) => void sockets.push(socket),
    });
    const { clock, client } = clockedClient(server.origin);
    return {
      clock,
      fetch: () => client.fetch(post),
      /** Closes the connection of this number, and waits until the client has noticed. */
      async close(connection: number) {
        const open = server.open();
        sockets[connection - 1]?.end();
        await waitUntil('the end of the connection', () => server.open() === open - 1);
      },
      end: (connection: number) => sockets[connection - 1]?.end(),
      used: () => server.requests.map(({ connection }) => connection),
      [Symbol.dispose]() {
        client.close();
        server[Symbol.dispose]();
      },
    };
  }

  test('is not used if its close has arrived and was not processed yet', async () => {
    using server = await idleServer();
    await server.fetch();
    for (let connection = 1; connection <= 5; connection++) {
      server.clock.advance(300);
      server.end(connection);
      await server.fetch();
    }
    expect(server.used()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('is used for less time than the last one that the server closed', async () => {
    using server = await idleServer();
    await server.fetch();
    server.clock.advance(300);
    await server.close(1);
    // The server's limit is 300 ms, of which 200 ms are used.
    await server.fetch();
    server.clock.advance(199);
    await server.fetch();
    server.clock.advance(200);
    await server.fetch();
    expect(server.used()).toEqual([1, 2, 2, 3]);
  });

  test('is used for any time again after another outlived the learned limit', async () => {
    using server = await idleServer();
    await server.fetch();
    // As in a restart of the server.
    server.clock.advance(60);
    await server.close(1);
    await server.fetch();
    server.clock.advance(100);
    await server.fetch();
    server.clock.advance(2_500);
    await server.fetch();
    server.clock.advance(10_000);
    await server.fetch();
    expect(server.used()).toEqual([1, 2, 3, 3, 3]);
  });

  test('is left to its server after a long pause, which teaches how long others may be idle', async () => {
    using server = await idleServer();
    await server.fetch();
    server.clock.advance(600);
    await server.fetch();
    server.clock.advance(400);
    await server.close(1);
    // It was idle for 1 s, so the second one may be idle for 0.8 s.
    await server.fetch();
    server.clock.advance(799);
    await server.fetch();
    server.clock.advance(800);
    await server.fetch();
    expect(server.used()).toEqual([1, 2, 2, 2, 3]);
  });

  test('is closed if its server answers on no other one meanwhile', async () => {
    // As a server that serves one connection at a time.
    let busy: Socket | null = null;
    let connections = 0;
    const waiting: Socket[] = [];
    const serve = (socket: Socket) => {
      busy = socket;
      socket.on('data', () => socket.write(empty)).resume();
      socket.once('close', () => {
        busy = null;
        const next = waiting.shift();
        if (next) serve(next);
      });
    };
    const server = createServer((socket) => {
      connections++;
      if (busy) waiting.push(socket.pause());
      else serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { clock, client } = clockedClient(`http://127.0.0.1:${port}`);
    await client.fetch(post);
    clock.advance(600);
    let isAnswered = false;
    const second = client.fetch(post).then(() => {
      isAnswered = true;
    });
    await waitUntil('the answer', () => {
      clock.advance(1_000);
      return isAnswered;
    });
    await second;
    clock.advance(600);
    await client.fetch(post);
    expect(connections).toBe(2);
    client.close();
    server.close();
  });

  test('loses none of 60 requests that are sent just when the server closes it', async () => {
    const limitMs = 100;
    const listen = `require('node:net').createServer((socket) => {
        socket.setNoDelay(true).on('error', () => {}).setTimeout(${limitMs}, () => socket.end());
        socket.on('data', () => socket.write(${JSON.stringify(empty)}));
      }).listen(0, '127.0.0.1', function () { console.log('port', this.address().port, '!'); });`;
    const child = await startChild([process.execPath, '-e', listen], { ready: '!' });
    try {
      const origin = `http://127.0.0.1:${/port (\d+)/.exec(child.output())?.[1]}`;
      const lost: unknown[] = [];
      const callFor = async (calls: number) => {
        await using client = httpClient(origin);
        // Teaches the limit.
        await client.fetch(post);
        await Bun.sleep(2 * limitMs);
        for (let call = 0; call < calls; call++) {
          await client.fetch(post).catch((reason) => lost.push(reason));
          // In real time: only the network tells which comes first. Timers alone are too coarse to hit the limit often.
          const atMs = performance.now() + limitMs - 1 + 3 * Math.random();
          await Bun.sleep(limitMs - 20);
          while (performance.now() < atMs) await nextTurn();
        }
      };
      await Promise.all([callFor(20), callFor(20), callFor(20)]);
      expect(lost).toEqual([]);
    } finally {
      await child.end('SIGKILL');
    }
  });
});

describe('a POST whose connection is closed is not sent again', () => {
  test.each<[string, (request: RawRequest) => void]>([
    ['when the server closes it', ({ socket }) => void socket.end()],
    ['when the server resets it', ({ socket }) => void socket.resetAndDestroy()],
    ['in the middle of a head', ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-')],
  ])('%s', async (_name, end) => {
    using server = await rawServer((request) => {
      if (server.requests.length === 1) request.socket.write(empty);
      else end(request);
    });
    await using client = httpClient(server.origin);
    await client.fetch({ method: 'POST', body: '1', signal: unaborted });
    await expect(client.fetch({ method: 'POST', body: '2', signal: unaborted })).rejects.toMatchObject({
      kind: 'broken',
      message: 'connection closed unexpectedly',
    });
    await waitUntil('the end of the connection', () => server.open() === 0);
    expect(server.requests.map(({ body }) => body.toString())).toEqual(['1', '2']);
  });
});

test('300 concurrent requests each get their own response, and the next 300 reuse their connections', async () => {
  const held: RawRequest[] = [];
  using server = await rawServer((request) => {
    held.push(request);
    if (held.length < 300) return;
    // The last one is answered first.
    for (const { socket, body } of held.splice(0).reverse()) {
      socket.write(`${ok}Content-Length: ${body.length}\r\n\r\n${body}`);
    }
  });
  await using client = httpClient(server.origin);
  for (let round = 0; round < 3; round++) {
    const texts = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const body = `request ${round} ${index}`;
        const response = await client.fetch({ method: 'POST', body, signal: unaborted });
        return [body, await response.text()];
      }),
    );
    expect(texts.every(([sent, received]) => sent === received)).toBe(true);
  }
  expect(server.connections()).toBe(300);
});

test('a closed client closes idle connections at once, others after their response, and still sends requests', async () => {
  const held: RawRequest[] = [];
  using server = await rawServer((request) => {
    if (request.target === '/held') held.push(request);
    else request.socket.write(empty);
  });
  const client = httpClient(`${server.origin}/`);
  const running = client.fetch({ method: 'GET', url: `${server.origin}/held`, signal: unaborted });
  await waitUntil('the held request', () => held.length === 1);
  await client.fetch({ method: 'GET', signal: unaborted });
  expect(server.open()).toBe(2);
  client.close();
  await waitUntil('the end of the idle one', () => server.open() === 1);
  await client.fetch({ method: 'DELETE', signal: unaborted });
  await waitUntil('the end of that of the last words', () => server.open() === 1);
  held[0]?.socket.write(`${ok}Content-Length: 2\r\n\r\nhi`);
  expect(await (await running).text()).toBe('hi');
  await waitUntil('the end of the last one', () => server.open() === 0);
});

describe('a connection is not established', () => {
  test('if nothing listens', async () => {
    const server = await rawServer(() => {});
    server[Symbol.dispose]();
    await using client = httpClient(server.origin);
    await expect(client.fetch({ method: 'GET', signal: unaborted })).rejects.toMatchObject({
      kind: 'refused',
      message: `connection refused by 127.0.0.1:${server.port}; is the server running?`,
    });
  });

  // Elsewhere a system may refuse what it has no room for.
  test.skipIf(process.platform !== 'linux')(
    'with a server that accepts no connections any more',
    async () => {
      const listen = `const server = require('node:net').createServer();
      server.listen(0, '127.0.0.1', () => console.log('port', server.address().port, '!'));`;
      const child = await startChild([process.execPath, '-e', listen], { ready: '!' });
      const fillers: Socket[] = [];
      try {
        const port = Number(/port (\d+)/.exec(child.output())?.[1]);
        // What does not run does not accept, and the system's queue of 512 is full soon.
        process.kill(child.pid, 'SIGSTOP');
        for (let count = 0; count < 600; count++)
          fillers.push(connect(port, '127.0.0.1').on('error', () => {}));
        await waitUntil('a full queue', () => fillers.filter(({ connecting }) => !connecting).length > 500);
        await using client = httpClient(`http://127.0.0.1:${port}`, { connectTimeoutMs: () => 200 });
        await expect(client.fetch({ method: 'GET', signal: unaborted })).rejects.toMatchObject({
          kind: 'refused',
          message: `cannot connect within 0.2 s to 127.0.0.1:${port}`,
        });
      } finally {
        for (const filler of fillers) filler.destroy();
        await child.end('SIGKILL');
      }
    },
  );

  test('with a server that never starts TLS, within the time limit', async () => {
    // A server without TLS that waits for the end of the first line.
    using server = await rawServer(() => {});
    const url = `https://127.0.0.1:${server.port}`;
    await using client = httpClient(url, { connectTimeoutMs: () => 100 });
    const failed = within('the failure', client.fetch({ method: 'GET', signal: unaborted }));
    await expect(failed).rejects.toMatchObject({
      kind: 'refused',
      message: `cannot connect within 0.1 s to 127.0.0.1:${server.port}`,
    });
    await waitUntil('the end of the connection', () => server.connections() === 1 && server.open() === 0);
  });

  test('with a server that answers TLS with rubbish', async () => {
    using server = await rawServer(() => {}, { onConnection: (socket) => void socket.write('rubbish\r\n') });
    await using client = httpClient(`https://127.0.0.1:${server.port}`);
    const failed = within('the failure', client.fetch({ method: 'GET', signal: unaborted }));
    await expect(failed).rejects.toMatchObject({ kind: 'refused' });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['closes', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
  ])('with a server that %s the connection in place of TLS', async (_name, end) => {
    using server = await rawServer(() => {}, {
      onConnection: (socket) => void socket.once('data', () => end(socket)),
    });
    await using client = httpClient(`https://127.0.0.1:${server.port}`);
    const failed = within('the failure', client.fetch({ method: 'GET', signal: unaborted }));
    await expect(failed).rejects.toMatchObject({ kind: 'refused' });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('with a server that speaks another protocol first', async () => {
    using server = await rawServer(() => {}, {
      onConnection: (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    });
    await using client = httpClient(server.origin);
    const failed = within('the failure', client.fetch({ method: 'GET', signal: unaborted }));
    await expect(failed).rejects.toMatchObject({ message: 'sent an invalid HTTP response: not HTTP/1.1' });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });
});
