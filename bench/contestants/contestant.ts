// The interface of a contestant, and the lookup of programs by environment variable or PATH.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An upstream behind a contestant. */
export interface UpstreamAddress {
  readonly name: string;
  readonly port: number;
  /** The command of a server over stdio, which has no port. */
  readonly command?: readonly string[];
  /** How many clients may have a session of their own with it; undefined: all share one. */
  readonly isolation?: number;
}

/** The settings that a contestant is started with. */
export interface Setup {
  readonly upstreams: readonly UpstreamAddress[];
  /** The port to listen on. */
  readonly port: number;
  /** An empty folder for its configuration and state. */
  readonly folder: string;
  /** The bearer token of clients, or null if they send none. */
  readonly token: string | null;
}

/** How to start a contestant. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
  /** The working directory, if it writes there. */
  readonly cwd?: string;
  /** The headers that authenticate a client, if not the token of the setup. */
  readonly headers?: readonly string[];
  /** Registers the upstreams, if no configuration names them; rejects until it is ready for that. */
  register?(): Promise<void>;
}

/** A gateway under test. */
export interface Contestant {
  readonly name: string;
  /** The path of the program, or null if it is not installed. */
  find(): string | null;
  version(program: string): string;
  /** How to install it. */
  readonly howToGet: string;
  launch(program: string, setup: Setup): Launch;
  /** Writes another configuration for a running gateway, which applies it on POST /-/reload. */
  configure?(setup: Setup): void;
  /** The path of its MCP endpoint. */
  readonly path: string;
  /** The name under which it lists an upstream's tool. */
  toolName(server: string, tool: string): string;
  /** Whether it merges the tools of many upstreams; otherwise it passes all requests to one. */
  readonly merges: boolean;
  /** Whether it passes on events before the response. */
  readonly passesEvents: boolean;
  /** Whether GET /health works without a token. */
  readonly hasHealth: boolean;
  /** Whether GET opens a session's stream. */
  readonly hasStreams: boolean;
  /** Whether it has a JIT compiler, which needs seconds of load to finish. */
  readonly isJustInTime: boolean;
}

/** The program that an environment variable names, else the one on PATH. */
export const programOf = (variable: string, name: string) => process.env[variable] ?? Bun.which(name);

/** The version of a program that cargo installed, from cargo's own record, or null. */
export function cargoVersion(program: string, crate: string): string | null {
  const notes = join(dirname(program), '../.crates.toml');
  const found = existsSync(notes) && new RegExp(`"${crate} ([^ ]+)`).exec(readFileSync(notes, 'utf8'));
  return found ? `crate ${crate} ${found[1]}` : null;
}

/** The program that an environment variable names, else the one on PATH if cargo installed it: other programs share the name. */
export function cargoProgram(variable: string, crate: string): string | null {
  const named = process.env[variable];
  if (named !== undefined) return named;
  const found = Bun.which(crate);
  return found !== null && cargoVersion(found, crate) !== null ? found : null;
}
