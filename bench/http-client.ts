// Compares Bun's fetch with the HTTP client of the message path, on loopback.
// Usage: npm run bench:http-client -- [--rounds N] [--seconds S] [--write], which writes the table into
// docs/architecture.md. Needs Linux, which counts the sockets in TIME_WAIT.
//
// The server and each client are processes of their own. Both clients POST 250 B, read a response of 1 KB as text, and can
// cancel each request. They take turns; figures are medians of the rounds.

import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Socket } from 'bun';
import { root } from '../scripts/checkout.ts';
import { Abort } from '../src/runtime/abort.ts';
import { httpClient } from '../test/support/http-client.ts';
import { medianOf } from './figures.ts';
import { endAll, linesOf, type MeasuredProcess, measured } from './processes.ts';
import { betweenMarkers, formatted, tableOf } from './tables.ts';
import { type Head, MessageReader, SocketWriter } from './wire.ts';

const clientNames = ['fetch', 'own'] as const;
type ClientName = (typeof clientNames)[number];

const concurrencies = [1, 32, 200];
const warmUpSeconds = 3;
/** The concurrency and the length of the run whose connections are counted. */
const socketConcurrency = 200;
const socketSeconds = 5;
/** How many requests are sent to a server that does not respond. */
const heldRequests = 400;
const settleMs = 1_000;
const answerTimeoutMs = 60_000;
const requestBody = 'y'.repeat(250);
const responseBody = 'x'.repeat(1024);

/** Commands to a process, one line of JSON each; the reply is one line, too. */
type ServerCommand = 'connections';
type ClientCommand =
  | { readonly kind: 'load'; readonly concurrency: number; readonly seconds: number }
  | { readonly kind: 'hold' };

/** The connections of the server since its start. */
interface Connections {
  readonly accepted: number;
  readonly open: number;
  /** Requests to /held, which get no response. */
  readonly held: number;
}

interface LoadResult {
  readonly requests: number;
  readonly cpuUs: number;
}

/** Serves POST with a response of fixed size, and holds requests to /held for ever. */
async function serve(): Promise<void> {
  const response = Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${responseBody.length}\r\n\r\n${responseBody}`,
  );
  const count = { accepted: 0, open: 0, held: 0 };
  const listener = Bun.listen<{ reader: MessageReader; writer: SocketWriter }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open(socket) {
        count.accepted++;
        count.open++;
        const writer = new SocketWriter();
        socket.data = { writer, reader: readerOf(socket, writer) };
      },
      data: (socket, chunk) => socket.data.reader.feed(chunk),
      drain: (socket) => socket.data.writer.drain(socket),
      close: () => void count.open--,
      error() {},
    },
  });
  function readerOf(socket: Socket<unknown>, writer: SocketWriter): MessageReader {
    let head: Head;
    return new MessageReader({
      head: (one) => {
        head = one;
      },
      body() {},
      end() {
        if (head.text.startsWith('POST /held')) count.held++;
        else writer.send(socket, response);
      },
    });
  }
  console.log(listener.port);
  for await (const _ of console) console.log(JSON.stringify(count));
}

/** Sends one request and resolves to the text of its response. */
type Post = (path: string) => Promise<string>;

function postWith(name: ClientName, origin: string): Post {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  if (name === 'fetch') {
    return async (path) => {
      const { signal } = new AbortController();
      const response = await fetch(origin + path, { method: 'POST', headers, body: requestBody, signal });
      return response.text();
    };
  }
  const client = httpClient(`${origin}/`);
  const accept = { accept: headers.accept };
  return async (path) => {
    const signal = new Abort();
    const request = {
      method: 'POST',
      url: origin + path,
      headers: accept,
      body: requestBody,
      signal,
    } as const;
    const response = await client.fetch(request);
    return response.text();
  };
}

/** Keeps `concurrency` requests in flight for some seconds. */
async function load(post: Post, concurrency: number, seconds: number): Promise<LoadResult> {
  const cpuBefore = process.cpuUsage();
  const endMs = performance.now() + seconds * 1000;
  let requests = 0;
  const loop = async () => {
    while (performance.now() < endMs) {
      if ((await post('/')).length !== responseBody.length) throw new Error('a response is incomplete');
      requests++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const { user, system } = process.cpuUsage(cpuBefore);
  return { requests, cpuUs: user + system };
}

async function runClient(name: ClientName, port: number): Promise<void> {
  const post = postWith(name, `http://127.0.0.1:${port}`);
  console.log('ready');
  for await (const line of console) {
    const command = JSON.parse(line) as ClientCommand;
    if (command.kind === 'load') {
      console.log(JSON.stringify(await load(post, command.concurrency, command.seconds)));
    } else {
      for (let sent = 0; sent < heldRequests; sent++) post('/held').catch(() => {});
      console.log('{}');
    }
  }
  process.exit(0);
}

/** A process of this benchmark. */
interface Peer extends AsyncDisposable {
  readonly process: MeasuredProcess;
  /** The first line that it wrote. */
  readonly greeting: string;
  ask<Reply>(command: ServerCommand | ClientCommand): Promise<Reply>;
}

async function start(...args: readonly string[]): Promise<Peer> {
  // A proxy of the environment would be used for loopback, too, but by fetch only.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
  const child = Bun.spawn([process.execPath, import.meta.path, ...args], {
    env,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const peer = measured(child, 0);
  const nextLine = linesOf(child.stdout, args.join(' '));
  return {
    process: peer,
    greeting: await nextLine(answerTimeoutMs),
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      child.stdin.flush();
      return JSON.parse(await nextLine(answerTimeoutMs));
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

/** The sockets of this machine in TIME_WAIT whose remote or local port is `port`. */
function timeWaitCount(port: number): number {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.filter((line) => line.includes(`:${hex} `) && / 06 /.test(line)).length;
}

/** The CPU time per request of each client at each concurrency, in µs. */
async function compareCpu(rounds: number, seconds: number): Promise<Map<string, number[]>> {
  await using server = await start('serve');
  await using stack = new AsyncDisposableStack();
  const clients = new Map<ClientName, Peer>();
  for (const name of clientNames) clients.set(name, stack.use(await start('client', name, server.greeting)));
  const samples = new Map<string, number[]>();
  for (const client of clients.values())
    await client.ask({ kind: 'load', concurrency: 32, seconds: warmUpSeconds });
  for (let round = 0; round < rounds; round++) {
    for (const concurrency of concurrencies) {
      const order = round % 2 === 0 ? clientNames : clientNames.toReversed();
      for (const name of order) {
        const client = clients.get(name) as Peer;
        const { cpuUs, requests } = await client.ask<LoadResult>({ kind: 'load', concurrency, seconds });
        const key = `${name} ${concurrency}`;
        samples.set(key, [...(samples.get(key) ?? []), cpuUs / requests]);
      }
    }
  }
  return samples;
}

/** Counts the connections of one client under load, after it, and while the server does not respond. */
async function countConnections(name: ClientName): Promise<readonly number[]> {
  await using server = await start('serve');
  await using client = await start('client', name, server.greeting);
  await client.ask({ kind: 'load', concurrency: socketConcurrency, seconds: socketSeconds });
  const { accepted } = await server.ask<Connections>('connections');
  const timeWait = timeWaitCount(Number(server.greeting));
  await Bun.sleep(settleMs);
  const { open } = await server.ask<Connections>('connections');
  await client.ask({ kind: 'hold' });
  await Bun.sleep(settleMs);
  const { held } = await server.ask<Connections>('connections');
  return [accepted, timeWait, open, held];
}

/** Measures everything; resolves to a table and the circumstances as Markdown. */
async function compare(rounds: number, seconds: number): Promise<string> {
  const cpu = await compareCpu(rounds, seconds);
  const median = (name: ClientName, concurrency: number) => medianOf(cpu.get(`${name} ${concurrency}`) ?? []);
  const rows = concurrencies.map((concurrency) => {
    const [theirs, ours] = [median('fetch', concurrency), median('own', concurrency)];
    return [
      `CPU per request, c=${concurrency}, µs`,
      formatted(theirs, 1),
      formatted(ours, 1),
      formatted(theirs / ours, 2),
    ];
  });
  const theirs = await countConnections('fetch');
  const ours = await countConnections('own');
  const titles = [
    `connections opened, c=${socketConcurrency}, ${socketSeconds} s`,
    'of these in TIME_WAIT at the end',
    `idle connections kept after ${settleMs / 1000} s`,
    `requests sent of ${heldRequests} that get no response`,
  ];
  for (const [index, title] of titles.entries())
    rows.push([
      title,
      formatted(theirs[index] ?? Number.NaN, 0),
      formatted(ours[index] ?? Number.NaN, 0),
      '',
    ]);
  const table = tableOf(['', '`fetch`', '`http-client/`', 'ratio'], rows);
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus()[0]?.model}, ${cpus().length} cores, Linux ${release().split('-')[0]}`;
  return `${table}\n\nMedians of ${rounds} rounds, ${date}: ${machine}; Bun ${Bun.version}.`;
}

const [role, ...rest] = process.argv.slice(2);
if (role === 'serve') await serve();
else if (role === 'client') await runClient(rest[0] as ClientName, Number(rest[1]));
else {
  process.on('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '1' },
      write: { type: 'boolean', default: false },
    },
  });
  const result = await compare(Number(values.rounds), Number(values.seconds));
  console.log(result);
  if (values.write) {
    const page = join(root, 'docs/architecture.md');
    writeFileSync(page, betweenMarkers(readFileSync(page, 'utf8'), 'http-client', result));
  }
}
