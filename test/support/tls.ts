import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate and its private key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Creates a self-signed certificate for `localhost` and `127.0.0.1`. Needs `openssl`. */
export const selfSignedCertificate = (): Certificate => certificateFor('localhost', '127.0.0.1');

/** Creates a self-signed certificate for these names and addresses. Needs `openssl`. */
export function certificateFor(...names: string[]): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
    const openssl = Bun.spawnSync([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternatives}`],
      ...['-keyout', key, '-out', cert],
    ]);
    if (!openssl.success) throw new Error(`openssl failed: ${openssl.stderr.toString()}`);
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
