import { nodeCrypto } from '../runtime/node-modules.ts';

/** The length of the key, of a nonce and of a tag, in bytes. NIST SP 800-38D. */
export const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** The most bytes of text that a seal of `chars` characters can contain. */
export function maxSealedTextBytes(chars: number): number {
  return Math.floor((chars * 3) / 4) - nonceBytes - tagBytes;
}

/**
 * Seals texts that clients keep for the gateway, so that only the holder of the key can read, change or forge them:
 * AES-256-GCM, in base64url (RFC 4648, 5).
 */
export class Seal {
  readonly #key: Uint8Array;

  /** @param key 32 bytes; because nonces are random, one key is good for 2^32 texts */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Seals `text`; no two seals are equal. A seal opens for its own purpose only. */
  seal(purpose: string, text: string): string {
    return this.#sealWith(crypto.getRandomValues(new Uint8Array(nonceBytes)), purpose, text);
  }

  /**
   * Seals `text` as {@link seal} does, but equal texts have equal seals: for names that clients compare. The nonce is a digest
   * of the text, so that no two texts share one.
   */
  sealName(purpose: string, text: string): string {
    const digest = new Bun.CryptoHasher('sha256', this.#key).update(`name\0${purpose}\0${text}`).digest();
    return this.#sealWith(digest.subarray(0, nonceBytes), purpose, text);
  }

  #sealWith(nonce: Uint8Array, purpose: string, text: string): string {
    const cipher = nodeCrypto().createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from(purpose));
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  }

  /** The text in `sealed`, or null if it was not sealed for this purpose with this key. */
  open(purpose: string, sealed: string): string | null {
    const bytes = Buffer.from(sealed, 'base64url');
    // Decoding is lenient, but a seal must have one spelling only.
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
