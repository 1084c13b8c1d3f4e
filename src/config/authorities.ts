import { readFileSync } from 'node:fs';
import { descriptors } from '../runtime/descriptors.ts';
import type { Environment } from '../runtime/environment.ts';

/**
 * Checks the certificates that NODE_EXTRA_CA_CERTS names: without usable ones the runtime goes on, and refuses every server
 * that needs them. Returns a warning, or null.
 */
export function authoritiesProblem(env: Environment): string | null {
  const path = env.NODE_EXTRA_CA_CERTS;
  if (!path) return null;
  const named = `NODE_EXTRA_CA_CERTS names ${path}`;
  try {
    const text = descriptors.use(() => readFileSync(path, 'latin1'));
    if (/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/.test(text)) return null;
    return `${named}, which holds no PEM certificate, so no authority is added`;
  } catch (error) {
    const { code = 'unknown error' } = error as { code?: string };
    return `${named}, which cannot be read (${code}), so no authority is added`;
  }
}
