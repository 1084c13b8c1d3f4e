import { expect } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';

const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true });

/** The report in what a command printed with `--json`: exactly one object, which keeps the contract in docs/schemas. */
export function report(command: string, stdout: string): Record<string, unknown> {
  expect(stdout.endsWith('\n')).toBe(true);
  const value = JSON.parse(stdout) as Record<string, unknown>;
  const path = join(import.meta.dir, '../../docs/schemas', `${command}.json`);
  const schema = JSON.parse(readFileSync(path, 'utf8'));
  const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  expect({ valid: validate(value), errors: validate.errors ?? null }).toEqual({ valid: true, errors: null });
  return value;
}
