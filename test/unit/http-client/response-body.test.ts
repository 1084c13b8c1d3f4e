import { describe, expect, test } from 'bun:test';
import { IncomingBody } from '../../../src/http-client/response-body.ts';
import { Holding } from '../../../src/runtime/byte-budget.ts';
import { OwnedBytes, type Payload } from '../../../src/runtime/owned-bytes.ts';

/** A body that came as a whole, in the middle of a chunk. */
function wholeOf(content: string, chunk = chunkOf(content)): Payload | null {
  const body = new IncomingBody({ setPaused() {}, abandon() {} });
  body.push(chunk, 4, chunk.length - 4);
  body.end();
  return body.whole();
}

/** A chunk with memory to itself, as a socket brings it. */
function chunkOf(content: string): Buffer {
  const bytes = Buffer.from(`head${content}tail`);
  const chunk = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(chunk);
  return chunk;
}

describe('a body that is complete', () => {
  test('is text if it is shorter than 64 KiB', () => {
    expect(wholeOf('x'.repeat(65_535))).toBe('x'.repeat(65_535));
  });

  test.each([
    ['ASCII', 'x'.repeat(65_536)],
    ['other characters', `é${'€'.repeat(30_000)}`],
  ])('is its received bytes if it is longer: %s', (_, content) => {
    const chunk = chunkOf(content);
    const whole = wholeOf(content, chunk) as OwnedBytes;
    expect(whole).toBeInstanceOf(OwnedBytes);
    expect(whole.bytes.buffer).toBe(chunk.buffer);
    expect(whole.toString()).toBe(content);
    whole.free();
    expect(chunk.length).toBe(0);
  });

  test('has no byte order mark', () => {
    for (const content of ['x', 'x'.repeat(70_000)]) {
      const whole = wholeOf(`\ufeff${content}`);
      expect(whole instanceof OwnedBytes ? whole.toString() : whole).toBe(content);
      if (whole instanceof OwnedBytes) whole.free();
    }
  });

  test('is text if it shares its buffer, which cannot be freed', () => {
    const content = 'x'.repeat(70_000);
    const others = Buffer.allocUnsafeSlow(80_000);
    const chunk = others.subarray(0, content.length + 8);
    chunkOf(content).copy(chunk);
    expect(wholeOf(content, chunk)).toBe(content);
  });

  test('is read in chunks if the budget has no room, so that it can wait', async () => {
    const full = new Holding();
    full.force(300 * 1024 * 1024);
    const content = 'x'.repeat(70_000);
    const body = new IncomingBody({ setPaused() {}, abandon() {} });
    body.push(chunkOf(content), 4, content.length + 4);
    body.end();
    expect(body.whole()).toBeNull();
    full.release();
    expect(Buffer.from((await body.read()) as Uint8Array).toString()).toBe(content);
  });

  test('is handed out once', () => {
    const body = new IncomingBody({ setPaused() {}, abandon() {} });
    const chunk = chunkOf('content');
    body.push(chunk, 4, 11);
    expect(body.whole()).toBeNull();
    body.end();
    expect(body.whole()).toBe('content');
    expect(body.whole()).toBeNull();
  });
});
