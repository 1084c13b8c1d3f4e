import { expect, test } from 'bun:test';
import manifest from '../../../package.json' with { type: 'json' };
import { bundledPackages, thirdPartyNotices } from '../../../scripts/notices.ts';

test('every bundled package is found, including those that package.json does not name', async () => {
  expect((await bundledPackages()).map(({ name, license }) => [name, license])).toEqual([
    ['@modelcontextprotocol/sdk', 'MIT'],
    ['@opentelemetry/api', 'Apache-2.0'],
    ['@opentelemetry/core', 'Apache-2.0'],
    ['@opentelemetry/exporter-trace-otlp-http', 'Apache-2.0'],
    ['@opentelemetry/otlp-exporter-base', 'Apache-2.0'],
    ['@opentelemetry/otlp-transformer', 'Apache-2.0'],
    ['@opentelemetry/resources', 'Apache-2.0'],
    ['@opentelemetry/sdk-trace', 'Apache-2.0'],
    ['@opentelemetry/semantic-conventions', 'Apache-2.0'],
    ['ajv', 'MIT'],
    ['ajv-formats', 'MIT'],
    ['content-type', 'MIT'],
    ['fast-deep-equal', 'MIT'],
    ['fast-uri', 'BSD-3-Clause'],
    ['fastest-levenshtein', 'MIT'],
    ['json-schema-traverse', 'MIT'],
    ['prom-client', 'Apache-2.0'],
    ['yaml', 'ISC'],
    ['zod', 'MIT'],
    ['zod-to-json-schema', 'ISC'],
  ]);
});

test('the notices contain the license of every package, with its copyright', async () => {
  const notices = await thirdPartyNotices();
  for (const { name, version, text } of await bundledPackages()) {
    expect(notices).toContain(`\n## ${name} ${version} (`);
    expect(notices).toContain(text);
    expect(text).toMatch(/copyright|Apache License/i);
    expect(text.length).toBeGreaterThan(500);
  }
});

test('the notices name the version of Bun, the libraries linked into it, and how to relink it', async () => {
  const notices = await thirdPartyNotices();
  expect(notices).toContain(`\n## Bun ${manifest.devDependencies.bun}\n`);
  for (const part of ['JavaScriptCore', 'boringssl', 'tinycc', 'ICU', '--compile-executable-path=']) {
    expect(notices).toContain(part);
  }
  expect(notices).toContain('GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 2.1');
  expect(notices).toContain('END OF TERMS AND CONDITIONS');
  expect(notices).not.toContain('{{');
});
