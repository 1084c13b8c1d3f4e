import { describe, expect, test } from 'bun:test';
import { maxSealedTextBytes, Seal } from '../../../src/state/seal.ts';

const keyOf = (byte: number) => new Uint8Array(32).fill(byte);
const seal = new Seal(keyOf(1));

describe('a sealed text', () => {
  test.each(['', 'a', '{"a":"é\ud83d\ude00"}', 'x'.repeat(10_000)])(
    'opens with the same key: %.20p',
    (text) => {
      const sealed = seal.seal('p', text);
      expect(sealed).toMatch(/^[\w-]+$/);
      expect(new Seal(keyOf(1)).open('p', sealed)).toBe(text);
    },
  );

  test('hides its content, and differs each time', () => {
    const [one, other] = [seal.seal('p', 'secret'), seal.seal('p', 'secret')];
    expect(one).not.toBe(other);
    expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('secret');
  });

  test('that is a name is the same each time, by key, purpose and text', () => {
    const named = seal.sealName('p', 'text');
    expect(seal.sealName('p', 'text')).toBe(named);
    expect(seal.open('p', named)).toBe('text');
    const others = [
      seal.sealName('q', 'text'),
      seal.sealName('p', 'other'),
      new Seal(keyOf(2)).sealName('p', 'text'),
    ];
    // Not even the nonces, in the first 16 characters, are the same.
    expect(new Set([named, ...others].map((sealed) => sealed.slice(0, 16))).size).toBe(4);
  });

  test('does not open with another key, nor for another purpose', () => {
    const sealed = seal.seal('p', 'text');
    expect(new Seal(keyOf(2)).open('p', sealed)).toBeNull();
    expect(seal.open('q', sealed)).toBeNull();
  });

  test('does not open with a changed, missing or added character', () => {
    const sealed = seal.seal('p', 'text');
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      expect(seal.open('p', sealed.slice(0, at) + other + sealed.slice(at + 1))).toBeNull();
      expect(seal.open('p', sealed.slice(0, at))).toBeNull();
    }
    for (const more of ['=', '==', ' ', 'A', 'AAAA', '\n', '!'])
      expect(seal.open('p', sealed + more)).toBeNull();
    // 27 bytes leave bits in the last character that mean nothing; 28 are one of a text of no length.
    const loose = seal.seal('p', 'a');
    const last = loose.at(-1) as string;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spare = alphabet[alphabet.indexOf(last) ^ 1] as string;
    expect(Buffer.from(loose.slice(0, -1) + spare, 'base64url')).toEqual(Buffer.from(loose, 'base64url'));
    expect(seal.open('p', loose.slice(0, -1) + spare)).toBeNull();
  });

  test.each(['', 'A', 'not sealed', '....', 'é', 'A'.repeat(100_000)])(
    'is not just any text: %.20p',
    (text) => {
      expect(seal.open('p', text)).toBeNull();
    },
  );
});

test('the most text that fits into a number of characters', () => {
  const bytes = maxSealedTextBytes(2_048);
  expect(seal.seal('p', 'x'.repeat(bytes)).length).toBeLessThanOrEqual(2_048);
  expect(seal.seal('p', 'x'.repeat(bytes + 1)).length).toBeGreaterThan(2_048);
});
