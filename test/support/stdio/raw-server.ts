// A server on stdio for tests, without an SDK: its argument is a JSON object with its behaviour (RawBehavior).
import { appendFileSync } from 'node:fs';

/** The behaviour of the server. */
export interface RawBehavior {
  /** Written to stdout and stderr before anything else. */
  readonly banner?: string;
  readonly complaint?: string;
  /** Appends a line with its pid to the file at each start. */
  readonly startsFile?: string;
  /** Exits at once, with the code. */
  readonly exitCode?: number;
  /** Exits on any request ahead of `initialize`, as rmcp does. */
  readonly isStrict?: boolean;
  /** Answers no method but those of the legacy era; the others get no answer. */
  readonly isSilent?: boolean;
  /** Speaks the modern era, and is silent on `initialize`, or refuses it (`-32022`). */
  readonly isModern?: 'silent' | 'refusing';
  /** How long `initialize` takes. */
  readonly initializeMs?: number;
  /** Writes so many bytes to stderr, without an end of line now and then, before it reads anything. */
  readonly floodBytes?: number;
  /** Ignores the end of its stdin and SIGTERM. */
  readonly isStubborn?: boolean;
  /** Starts a descendant in its group that ignores both, too, and appends its pid to the file. */
  readonly descendantFile?: string;
  /** Asks for roots as soon as it is initialized; the tool `roots` returns the answer, and after how many milliseconds it came. */
  readonly asksRoots?: boolean;
  /** Reads nothing after `initialized`. */
  readonly isDeaf?: boolean;
}

const behavior = JSON.parse(process.argv[2] ?? '{}') as RawBehavior;
const out = (bytes: string | Uint8Array) => void Bun.stdout.writer().write(bytes);
const writer = Bun.stdout.writer();
const write = async (text: string | Uint8Array) => {
  writer.write(text);
  await writer.flush();
};
const reply = (id: unknown, result: unknown) => write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);

const toolNames = [
  'echo',
  'env',
  'crash',
  'farewell',
  'sleep',
  'big',
  'split',
  'latin1',
  'pretty',
  'noise',
  'mute',
  'null',
  'args',
  'roots',
];

interface Request {
  readonly id?: unknown;
  /** Of a response. */
  readonly error?: unknown;
  readonly result?: unknown;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly arguments?: Record<string, unknown> };
}

/** Settled by the answer to `roots/list`. */
const roots = Promise.withResolvers<object>();
let rootsAskedMs = 0;

const text = (value: unknown) => ({ content: [{ type: 'text', text: String(value) }] });

async function call({ id, params }: Request): Promise<void> {
  const args = params?.arguments ?? {};
  switch (params?.name) {
    case 'echo':
      return reply(id, text(args.text));
    case 'roots':
      return reply(id, text(JSON.stringify(await roots.promise)));
    case 'args':
      return reply(id, text(JSON.stringify(process.argv.slice(3))));
    case 'env':
      return reply(id, text(JSON.stringify({ ...process.env, cwd: process.cwd() })));
    case 'crash':
      console.error(`Error: crashed as asked ${args.text ?? ''}`);
      process.exit(Number(args.code ?? 7));
      break;
    case 'farewell': {
      const entries = Array.from({ length: Number(args.entries) }, (_, index) => ({ index }));
      // Without an end of its line.
      await write(
        JSON.stringify({ jsonrpc: '2.0', id, result: { ...text('bye'), structuredContent: { entries } } }),
      );
      process.exit(0);
      break;
    }
    case 'sleep':
      await Bun.sleep(Number(args.ms));
      return reply(id, text('slept'));
    case 'big':
      return reply(id, text('x'.repeat(Number(args.chars))));
    case 'split': {
      // In pieces of one byte.
      const bytes = Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, result: text('größer € 😀') })}\r\n`);
      for (const byte of bytes) {
        await write(new Uint8Array([byte]));
        await Bun.sleep(0);
      }
      return;
    }
    case 'latin1': {
      const line = JSON.stringify({ jsonrpc: '2.0', id, result: text('gr\u00fcn') });
      return write(Buffer.from(`${line}\n`, 'latin1'));
    }
    case 'pretty':
      return write(`${JSON.stringify({ jsonrpc: '2.0', id, result: text('never') }, null, 2)}\n`);
    case 'noise':
      await write('something happened\nand {more}\n\n');
      return reply(id, text('after noise'));
    case 'mute':
      return;
    case 'null':
      return reply(id, null);
    default:
      return reply(id, text('unknown'));
  }
}

async function take(message: Request): Promise<void> {
  const { id, method } = message;
  if (id === 'roots') {
    const { error, result } = message;
    roots.resolve({ ms: performance.now() - rootsAskedMs, error, result });
    return;
  }
  if (behavior.isModern && method === 'server/discover')
    return reply(id, {
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {} },
      resultType: 'complete',
    });
  if (behavior.isModern && method === 'initialize') {
    if (behavior.isModern === 'silent') return;
    const error = { code: -32022, message: 'Unsupported', data: { supported: ['2026-07-28'] } };
    return write(`${JSON.stringify({ jsonrpc: '2.0', id, error })}\n`);
  }
  if (method === 'initialize') {
    await Bun.sleep(behavior.initializeMs ?? 0);
    const capabilities = { tools: {} };
    return reply(id, {
      protocolVersion: '2025-06-18',
      capabilities,
      serverInfo: { name: 'raw', version: '1' },
    });
  }
  if (id === undefined) {
    if (behavior.asksRoots && method === 'notifications/initialized') {
      rootsAskedMs = performance.now();
      await write('{"jsonrpc":"2.0","id":"roots","method":"roots/list"}\n');
    }
    if (method === 'notifications/cancelled') console.error(`cancelled ${JSON.stringify(message.params)}`);
    return;
  }
  if (method === 'tools/list') {
    const tools = toolNames.map((name) => ({ name, inputSchema: { type: 'object' } }));
    // A crash that the gateway repeats would be two.
    return reply(id, { tools: tools.map((tool) => ({ ...tool, annotations: { readOnlyHint: true } })) });
  }
  if (method === 'tools/call') return call(message);
  if (method === 'ping') return reply(id, {});
  if (behavior.isSilent) return;
  await write(
    `${JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })}\n`,
  );
}

if (behavior.startsFile) appendFileSync(behavior.startsFile, `${process.pid}\n`);
if (behavior.isStubborn) process.on('SIGTERM', () => {});
if (behavior.descendantFile) {
  const descendant = Bun.spawn(['/bin/sh', '-c', "trap '' TERM HUP; while :; do sleep 1; done"], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  appendFileSync(behavior.descendantFile, `${descendant.pid}\n`);
}
if (behavior.complaint) console.error(behavior.complaint);
if (behavior.exitCode !== undefined) process.exit(behavior.exitCode);
if (behavior.floodBytes) {
  const noise = `${'e'.repeat(999)}\n`;
  for (let left = behavior.floodBytes; left > 0; left -= 1_000) process.stderr.write(noise);
}
if (behavior.banner) out(behavior.banner);

let rest = '';
let isInitialized = false;
/** Nothing else may follow the answer to `initialize`: some servers do not bear it. */
let awaitsInitialized = false;
const decoder = new TextDecoder();
for await (const chunk of Bun.stdin.stream()) {
  rest += decoder.decode(chunk, { stream: true });
  const lines = rest.split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const message = JSON.parse(line) as Request;
    if (behavior.isStrict && !isInitialized && message.method !== 'initialize') process.exit(1);
    if (awaitsInitialized && message.method !== 'notifications/initialized') process.exit(9);
    awaitsInitialized = message.method === 'initialize' && !behavior.isModern;
    if (message.method === 'initialize') isInitialized = true;
    void take(message);
    if (behavior.isDeaf && message.method === 'tools/list') for (;;) Bun.sleepSync(1_000);
  }
}
if (behavior.isStubborn) setInterval(() => {}, 1_000);
