import { type LoadedConfig, parseConfig } from '../../../src/config/load.ts';
import { GatewayError } from '../../../src/errors.ts';

export type Env = Record<string, string | undefined>;

/** Reads a configuration called `f.yaml`. */
export const read = (text: string, env: Env = {}): LoadedConfig => parseConfig(text, 'f.yaml', env);

/** The whole message about a configuration that must be refused. */
export function refusal(text: string, env: Env = {}): string {
  try {
    read(text, env);
  } catch (error) {
    if (error instanceof GatewayError && error.kind === 'config_invalid') return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** One `f.yaml:line:column: message` for each problem, without excerpts. */
export function problems(text: string, env: Env = {}): string[] {
  return refusal(text, env)
    .split('\n')
    .filter((line) => line.startsWith('f.yaml'));
}

/** A configuration with one server `a`, to which `lines` add keys. The first of them is line 4. */
export const serverWith = (...lines: string[]): string =>
  ['servers:', '  - name: a', '    url: http://localhost/mcp', ...lines.map((line) => `    ${line}`)].join(
    '\n',
  );
