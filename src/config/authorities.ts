import { readFileSync } from 'node:fs';
import { descriptors } from '../runtime/descriptors.ts';

/**
 * What is wrong with the certificates that NODE_EXTRA_CA_CERTS names; null: nothing. The runtime goes on without them, and
 * every server that needs them is refused then.
 */
export function authoritiesProblem(env: Readonly<Record<string, string | undefined>>): string | null {
  const path = env.NODE_EXTRA_CA_CERTS;
  if (!path) return null;
  const named = `NODE_EXTRA_CA_CERTS names ${path}`;
  try {
    const text = descriptors.use(() => readFileSync(path, 'latin1'));
    if (/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(text)) return null;
    return `${named}, which holds no certificate in PEM form: no authority is added by it`;
  } catch (error) {
    const { code = 'unknown error' } = error as { code?: string };
    return `${named}, which cannot be read (${code}): no authority is added by it`;
  }
}
