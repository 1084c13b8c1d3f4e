import { describe, expect, test } from 'bun:test';
import { ModernCallers } from '../../../../src/downstream/modern/callers.ts';
import type { Envelope } from '../../../../src/downstream/modern/envelope.ts';

const envelope = (changes: Partial<Envelope> = {}): Envelope => ({
  version: '2026-07-28',
  clientInfo: '{"name":"c","version":"1"}',
  capabilities: '{"roots":{}}',
  logLevel: null,
  metaText: null,
  ...changes,
});

describe('modern callers', () => {
  test('are what their envelopes say', () => {
    expect(new ModernCallers().of('bearer', 'v', envelope({ logLevel: 'error' }))).toEqual({
      principal: 'bearer',
      era: 'modern',
      sessionId: null,
      clientInfo: '{"name":"c","version":"1"}',
      capabilities: '{"roots":{}}',
      view: 'v',
      logLevel: 'error',
      channel: null,
    });
  });

  test('are shared by equal requests, also if others come between', () => {
    const callers = new ModernCallers();
    const first = callers.of('none', '', envelope());
    expect(callers.of('none', '', envelope({ metaText: '{"other":1}' }))).toBe(first);
    const others = [
      callers.of('bearer', '', envelope()),
      callers.of('none', 'v', envelope()),
      callers.of('none', '', envelope({ logLevel: 'info' })),
      callers.of('none', '', envelope({ capabilities: '{}' })),
      callers.of('none', '', envelope({ clientInfo: '{}' })),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
    expect(callers.of('none', '', envelope())).toBe(first);
  });

  test('are forgotten when many others have come, unless they are in use', () => {
    const callers = new ModernCallers();
    const of = (n: number) => callers.of('none', '', envelope({ clientInfo: `{"n":${n}}` }));
    const idle = of(-1);
    const used = of(-2);
    for (let n = 0; n < 5_000; n++) {
      of(n);
      expect(of(-2)).toBe(used);
    }
    expect(of(-1)).not.toBe(idle);
  });

  test('with a long description are not kept', () => {
    const callers = new ModernCallers();
    const long = envelope({ clientInfo: JSON.stringify({ name: 'x'.repeat(20_000) }) });
    const first = callers.of('none', '', long);
    callers.of('none', '', envelope());
    expect(callers.of('none', '', long)).not.toBe(first);
  });
});
