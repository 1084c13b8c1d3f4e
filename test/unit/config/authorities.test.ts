import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authoritiesProblem } from '../../../src/config/authorities.ts';
import { selfSignedCertificate } from '../../support/tls.ts';

test('NODE_EXTRA_CA_CERTS may be absent, or name a file with certificates', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-ca-'));
  try {
    const file = join(folder, 'ca.pem');
    writeFileSync(file, `Subject: me\n${selfSignedCertificate().cert}`);
    for (const env of [{}, { NODE_EXTRA_CA_CERTS: '' }, { NODE_EXTRA_CA_CERTS: file }]) {
      expect(authoritiesProblem(env)).toBeNull();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a missing file, a folder, or a file without a certificate causes a warning', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-ca-'));
  try {
    const [missing, rubbish] = [join(folder, 'missing.pem'), join(folder, 'rubbish.pem')];
    writeFileSync(rubbish, 'hello');
    const problem = (path: string) => authoritiesProblem({ NODE_EXTRA_CA_CERTS: path });
    expect(problem(missing)).toBe(
      `NODE_EXTRA_CA_CERTS names ${missing}, which cannot be read (ENOENT), so no authority is added`,
    );
    expect(problem(folder)).toBe(
      `NODE_EXTRA_CA_CERTS names ${folder}, which cannot be read (EISDIR), so no authority is added`,
    );
    expect(problem(rubbish)).toBe(
      `NODE_EXTRA_CA_CERTS names ${rubbish}, which holds no PEM certificate, so no authority is added`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
