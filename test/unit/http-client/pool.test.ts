import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { startChild } from '../../support/child.ts';
import { httpClient, unaborted } from '../../support/http-client.ts';
import { type RawRequest, rawServer } from '../../support/raw-server.ts';
import { failOnStrayErrors } from '../../support/stray-errors.ts';
import { waitUntil, within } from '../../support/wait.ts';

failOnStrayErrors();
setDefaultTimeout(30_000);

const ok = 'HTTP/1.1 200 OK\r\n';
const empty = `${ok}Content-Length: 0\r\n\r\n`;

describe('a connection is used again', () => {
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

  test('when the end of it is the end of the answer', async () => {
    using server = await rawServer(({ socket }) => void socket.end(`${ok}\r\nhi`));
    await using client = httpClient(server.origin);
    for (let round = 0; round < 3; round++) {
      const response = await client.fetch({ method: 'GET', signal: unaborted });
      expect(await response.text()).toBe('hi');
    }
    expect(server.connections()).toBe(3);
  });

  test('when bytes come that belong to no answer, and the next request gets its own', async () => {
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
    await using client = httpClient(server.origin);
    await (await client.fetch({ method: 'GET', signal: unaborted })).text();
    await Bun.sleep(1_500);
    expect(server.open()).toBe(1);
    await waitUntil('the end of the connection', () => server.open() === 0);
  });

  test('before the server closes it, as that said it would', async () => {
    using server = await rawServer(
      ({ socket }) => void socket.write(`${ok}Keep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n`),
    );
    await using client = httpClient(server.origin);
    await client.fetch({ method: 'GET', signal: unaborted });
    await Bun.sleep(1_000);
    await client.fetch({ method: 'GET', signal: unaborted });
    expect(server.connections()).toBe(2);
    await waitUntil('the end of both', () => server.open() === 0);
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

describe('an idle connection whose server does not say how long it keeps it', () => {
  const post = { method: 'POST', body: '{}', signal: unaborted } as const;

  test('is not used when its end has come and was not seen yet', async () => {
    const sockets: Socket[] = [];
    using server = await rawServer(({ socket }) => {
      socket.write(empty);
      sockets.push(socket);
    });
    await using client = httpClient(server.origin);
    await client.fetch(post);
    for (let round = 0; round < 5; round++) {
      await Bun.sleep(300);
      for (const socket of sockets.splice(0)) socket.end();
      await client.fetch(post);
    }
    expect(server.requests).toHaveLength(6);
  });

  test('is used for less time than the last one that the server closed', async () => {
    using server = await rawServer(({ socket, connection }) => {
      socket.write(empty);
      if (connection < 3) setTimeout(() => socket.end(), 300);
    });
    await using client = httpClient(server.origin);
    await client.fetch(post);
    await waitUntil('the end of it', () => server.open() === 0);
    // In 200 ms, well before its end, the next one is let go.
    await client.fetch(post);
    await Bun.sleep(250);
    await client.fetch(post);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3]);
  });

  test('is used for any time again, after one lived on for much longer than the last one that was closed', async () => {
    using server = await rawServer(({ socket, connection }) => {
      socket.write(empty);
      // As in a restart of the server.
      if (connection === 1) setTimeout(() => socket.end(), 60);
    });
    await using client = httpClient(server.origin);
    await client.fetch(post);
    await waitUntil('the end of it', () => server.open() === 0);
    for (let round = 0; round < 2; round++) {
      await client.fetch(post);
      await Bun.sleep(100);
    }
    expect(server.connections()).toBe(3);
    await Bun.sleep(2_500);
    for (let round = 0; round < 3; round++) {
      await client.fetch(post);
      await Bun.sleep(100);
    }
    expect(server.connections()).toBeWithin(3, 5);
  });

  test('after a pause whose length says nothing is left to its server, which tells how long others may be idle', async () => {
    const closed = Promise.withResolvers<void>();
    using server = await rawServer(({ socket, connection }) => {
      socket.write(empty);
      if (connection > 1) return;
      socket.once('close', closed.resolve);
      setTimeout(() => socket.end(), 1_000);
    });
    await using client = httpClient(server.origin);
    await client.fetch(post);
    await Bun.sleep(600);
    await client.fetch(post);
    await within('the end of the first connection', closed.promise);
    // It was idle for 1 s, so the second one may be idle for 0.8 s.
    await client.fetch(post);
    await Bun.sleep(1_200);
    await client.fetch(post);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 2, 3]);
  });

  test('is let go where its server answers on no other one meanwhile', async () => {
    // As a server does that serves one connection at a time, until its end.
    let busy: Socket | null = null;
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
      if (busy) waiting.push(socket.pause());
      else serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await using client = httpClient(`http://127.0.0.1:${port}`);
    for (let round = 0; round < 3; round++) {
      expect((await within('the answer', client.fetch(post), 10_000)).status).toBe(200);
      await Bun.sleep(600);
    }
    server.close();
  });

  test('loses none of 220 calls that come just when the server closes it', async () => {
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
        // So it learns.
        await client.fetch(post);
        await Bun.sleep(2 * limitMs);
        for (let call = 0; call < calls; call++) {
          await client.fetch(post).catch((reason) => lost.push(reason));
          // Timers are too coarse to meet it often.
          const atMs = performance.now() + limitMs - 1 + 3 * Math.random();
          await Bun.sleep(limitMs - 20);
          while (performance.now() < atMs) await nextTurn();
        }
      };
      await Promise.all([callFor(74), callFor(73), callFor(73)]);
      expect(lost).toEqual([]);
    } finally {
      await child.end('SIGKILL');
    }
  });
});

describe('a POST that meets the end of its connection is not sent again', () => {
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

test('300 requests at the same time get each their own answer, and share their connections with the next 300', async () => {
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

test('a closed client closes idle connections at once, others after their answer, and still sends last words', async () => {
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

describe('a connection does not come about', () => {
  test('where nothing listens', async () => {
    const server = await rawServer(() => {});
    server[Symbol.dispose]();
    await using client = httpClient(server.origin);
    await expect(client.fetch({ method: 'GET', signal: unaborted })).rejects.toMatchObject({
      kind: 'refused',
      message: `connection refused by 127.0.0.1:${server.port}; is the server running?`,
    });
  });

  // Elsewhere a system may refuse what it has no room for.
  test.skipIf(process.platform !== 'linux')('with a server that takes no connections any more', async () => {
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
  });

  test('with a server that never begins with TLS, and is given up in time', async () => {
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

  test('with a server that speaks before it is asked, and says nothing of HTTP', async () => {
    using server = await rawServer(() => {}, {
      onConnection: (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n'),
    });
    await using client = httpClient(server.origin);
    const failed = within('the failure', client.fetch({ method: 'GET', signal: unaborted }));
    await expect(failed).rejects.toMatchObject({ message: 'sent an invalid HTTP response: not HTTP/1.1' });
    await waitUntil('the end of the connection', () => server.open() === 0);
  });
});
