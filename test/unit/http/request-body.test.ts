import { describe, expect, test } from 'bun:test';
import { GatewayError } from '../../../src/errors.ts';
import { BodyRequest } from '../../../src/http/request-body.ts';
import { bodyBudget, Holding } from '../../../src/runtime/byte-budget.ts';
import { Deadlines } from '../../../src/runtime/deadlines.ts';
import { nextTurn } from '../../../src/runtime/event-loop.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** A request whose body comes in these pieces; without an end when `open`. */
function streaming(pieces: readonly Uint8Array[], { open = false } = {}) {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      if (!open) controller.close();
    },
    cancel() {
      cancelled = true;
    },
  });
  const request = new Request('http://localhost/mcp', { method: 'POST', body });
  return { request, cancelled: () => cancelled };
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** A request that keeps what it reads, and counts how often it is told. */
class TestRequest extends BodyRequest {
  readonly body = Promise.withResolvers<{ text: string; holding: Holding | null }>();
  outcomes = 0;

  bodyRead(text: string, holding: Holding | null): void {
    this.outcomes++;
    this.body.resolve({ text, holding });
  }

  bodyFailed(error: GatewayError): void {
    this.outcomes++;
    this.body.reject(error);
  }
}

/** The text of the body. */
async function read(request: Request, maxBytes: number, deadlines?: Deadlines): Promise<string> {
  const reading = new TestRequest(request, maxBytes, deadlines);
  reading.readBody();
  const { text, holding } = await reading.body.promise;
  holding?.release();
  return text;
}

async function failure(reading: Promise<unknown>): Promise<[string, string]> {
  try {
    await reading;
  } catch (error) {
    if (error instanceof GatewayError) return [error.kind, error.message];
    throw error;
  }
  throw new Error('the body was read');
}

describe('a body of more than 64 KiB', () => {
  const MiB = 1024 * 1024;

  test.each([
    [
      'in pieces',
      (text: string) => streaming([bytes(text.slice(0, 70_000)), bytes(text.slice(70_000))]).request,
    ],
    ['as a whole', (text: string) => new Request('http://localhost/mcp', { method: 'POST', body: text })],
  ])('counts twice against the budget until it is released: %s', async (_, requestOf) => {
    const before = bodyBudget.bytes;
    const text = `"${'é'.repeat(MiB / 2 - 1)}"`;
    const reading = new TestRequest(requestOf(text), 2 * MiB);
    reading.readBody();
    const { text: read, holding } = await reading.body.promise;
    expect(read === text).toBe(true);
    expect(bodyBudget.bytes - before).toBe(2 * MiB);
    holding?.release();
    expect(bodyBudget.bytes).toBe(before);
  });

  test('is refused while the budget is exhausted, unlike a short one', async () => {
    const other = new Holding();
    other.force(1024 * MiB);
    try {
      const long = streaming([bytes('x'.repeat(70_000))]).request;
      expect(await failure(read(long, MiB))).toEqual([
        'overloaded',
        'the gateway holds as many large messages as it can; try again later',
      ]);
      expect(await read(streaming([bytes('{}')]).request, MiB)).toBe('{}');
    } finally {
      other.release();
    }
  });
});

describe('a body', () => {
  test('is read as UTF-8, even if a character is split between chunks', async () => {
    const euro = bytes('€');
    const { request } = streaming([bytes('{"a":"'), euro.subarray(0, 1), euro.subarray(1), bytes('"}')]);
    expect(await read(request, 100)).toBe('{"a":"€"}');
  });

  test('may be absent', async () => {
    expect(await read(new Request('http://localhost/mcp', { method: 'POST' }), 100)).toBe('');
  });

  test('loses its byte order mark', async () => {
    expect(await read(streaming([bytes('\ufeff{}')]).request, 100)).toBe('{}');
  });

  test('of exactly the limit is accepted', async () => {
    expect(await read(streaming([bytes('12345'), bytes('67890')]).request, 10)).toBe('1234567890');
  });

  test('that exceeds the limit is refused and not read to its end', async () => {
    const { request, cancelled } = streaming([bytes('12345'), bytes('678901')], { open: true });
    expect(await failure(read(request, 10))).toEqual([
      'body_too_large',
      'the body is larger than mcp.max_request_bytes (10)',
    ]);
    expect(cancelled()).toBe(true);
  });

  test('that declares too great a length is refused unread', async () => {
    const headers = { 'content-length': '11' };
    const request = new Request('http://localhost/mcp', { method: 'POST', headers, body: '12345678901' });
    expect((await failure(read(request, 10)))[0]).toBe('body_too_large');
    expect(request.bodyUsed).toBe(false);
  });

  test.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a character cut off', [0xe2, 0x82]],
  ])('with %s is not UTF-8', async (_name, wrong) => {
    expect(await failure(read(streaming([new Uint8Array(wrong)]).request, 100))).toEqual([
      'parse_error',
      'Parse error: the body is not valid UTF-8',
    ]);
  });

  test('that stalls is refused after the timeout', async () => {
    const { request, cancelled } = streaming([bytes('{')], { open: true });
    const clock = new FakeClock();
    const failed = failure(read(request, 100, new Deadlines(clock)));
    clock.advance(30_000);
    expect(await failed).toEqual(['request_timeout', 'the body did not arrive within 30 s']);
    expect(cancelled()).toBe(true);
  });

  test('of declared length that stalls is refused after the timeout', async () => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes('{')) });
    const headers = { 'content-length': '10' };
    const request = new Request('http://localhost/mcp', { method: 'POST', headers, body });
    const clock = new FakeClock();
    const failed = failure(read(request, 100, new Deadlines(clock)));
    clock.advance(30_000);
    expect((await failed)[0]).toBe('request_timeout');
  });

  test('of declared length that arrives or fails after the timeout is reported once', async () => {
    for (const late of ['close', 'error'] as const) {
      let stream: ReadableStreamDefaultController | undefined;
      const body = new ReadableStream({
        start(controller) {
          stream = controller;
        },
      });
      const headers = { 'content-length': '2' };
      const request = new Request('http://localhost/mcp', { method: 'POST', headers, body });
      const clock = new FakeClock();
      const reading = new TestRequest(request, 100, new Deadlines(clock));
      reading.readBody();
      const failed = failure(reading.body.promise);
      clock.advance(30_000);
      if (late === 'close') stream?.enqueue(bytes('{}'));
      stream?.[late]();
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      expect((await failed)[0]).toBe('request_timeout');
      expect(reading.outcomes).toBe(1);
    }
  });

  test('that breaks off is refused', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error('gone')),
    });
    const request = new Request('http://localhost/mcp', { method: 'POST', body });
    expect(await failure(read(request, 100))).toEqual(['request_timeout', 'the body did not arrive']);
  });
});
