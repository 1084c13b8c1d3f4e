import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, type ProgramOptions, runProgram, startProgram } from './program.ts';
import { freePort, waitUntil } from './wait.ts';

/** The home of a user with a configuration, whose commands run as processes. */
export interface ServedHome extends AsyncDisposable {
  readonly folder: string;
  /** The path of the configuration. */
  readonly config: string;
  readonly port: number;
  /** The state directory. */
  readonly state: string;
  readonly env: Record<string, string | undefined>;
  /** Runs `mcpstead` with these arguments to its end. */
  run(args: readonly string[], options?: ProgramOptions): ReturnType<typeof runProgram>;
  /** Starts the gateway, and waits until these servers, by default none, are connected. */
  serve(...connected: string[]): Promise<Program>;
}

/**
 * Makes a home whose configuration has these servers and other keys.
 * @param env variables besides those of the home; undefined removes one
 */
export function servedHome(
  servers: readonly object[],
  more: object = {},
  env: Record<string, string | undefined> = {},
): ServedHome {
  const folder = mkdtempSync(join(tmpdir(), 'mcpstead-home-'));
  const port = freePort();
  const state = join(folder, '.local/state/mcpstead');
  const config = join(folder, '.config/mcpstead/mcpstead.yaml');
  mkdirSync(join(folder, '.config/mcpstead'), { recursive: true });
  // JSON is valid YAML.
  writeFileSync(config, JSON.stringify({ port, ...more, servers }));
  const all = {
    HOME: folder,
    XDG_STATE_HOME: undefined,
    XDG_CONFIG_HOME: undefined,
    XDG_DATA_HOME: undefined,
    XDG_CACHE_HOME: undefined,
    NO_COLOR: undefined,
    LC_ALL: 'C.UTF-8',
    ...env,
  };
  const programs: Program[] = [];
  return {
    folder,
    config,
    port,
    state,
    env: all,
    run: (args, options = {}) => runProgram(args, { ...options, env: { ...all, ...options.env } }),
    async serve(...connected) {
      const program = startProgram(['serve'], { env: all });
      programs.push(program);
      await program.printed('serving http://');
      await waitUntil(
        `connected: ${connected.join(', ')}`,
        async () => {
          const health = await (await fetch(`http://127.0.0.1:${port}/health`)).json();
          const { servers: rows } = health as { servers: { name: string; connected: boolean }[] };
          return connected.every((name) => rows.find((row) => row.name === name)?.connected);
        },
        30_000,
      );
      return program;
    },
    async [Symbol.asyncDispose]() {
      for (const program of programs) await program[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
