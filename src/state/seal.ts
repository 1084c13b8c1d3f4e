import { nodeCrypto } from '../runtime/node-modules.ts';

/** The length of the key, of a nonce and of a tag, in bytes. NIST SP 800-38D. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** How many bytes of text there can be in `chars` characters of what is sealed. */
export function maxSealedTextBytes(chars: number): number {
  return Math.floor((chars * 3) / 4) - nonceBytes - tagBytes;
}

/**
 * Gives texts to clients to keep, which nobody but the holder of the key can read, change or make up: AES-256-GCM, in
 * base64url (RFC 4648, 5).
 */
export class Seal {
  readonly #key: Uint8Array;

  /** @param key 32 bytes; nonces are random, so one key is good for 2^32 texts */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Seals `text`; no two seals are the same. What was sealed for one purpose opens for no other. */
  seal(purpose: string, text: string): string {
    const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
    const cipher = nodeCrypto().createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(purpose));
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  }

  /** The text in `sealed`, or null where it was not sealed for this purpose and with this key. */
  open(purpose: string, sealed: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    // Decoding is lenient, and what is written in two ways would be two things.
    if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64url') !== sealed) return null;
    const tagStart = bytes.length - tagBytes;
    const nonce = bytes.subarray(0, nonceBytes);
    const cipher = nodeCrypto().createDecipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(purpose));
    cipher.setAuthTag(bytes.subarray(tagStart));
    try {
      const text = cipher.update(bytes.subarray(nonceBytes, tagStart), undefined, 'utf8');
      return text + cipher.final('utf8');
    } catch {
      return null;
    }
  }
}
