// What a contestant is, and how programs are found: by an environment variable or on PATH.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** An upstream that a contestant is put in front of. */
export interface UpstreamAddress {
  readonly name: string;
  readonly port: number;
}

/** What a contestant is started with. */
export interface Setup {
  readonly upstreams: readonly UpstreamAddress[];
  /** Where it has to listen. */
  readonly port: number;
  /** A folder of its own, for its configuration. */
  readonly folder: string;
  /** The bearer token that clients send, or null where they send none. */
  readonly token: string | null;
}

/** How to start a contestant. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
  /** The folder to start it in, where it writes into that. */
  readonly cwd?: string;
  /** What a client sends to get in, where it is not the token of the setup. */
  readonly headers?: readonly string[];
  /** Tells it its upstreams, where no configuration does; throws as long as it cannot be told. */
  register?(): Promise<void>;
}

/** A gateway that takes part. */
export interface Contestant {
  readonly name: string;
  /** The program's path, or null where it is not installed. */
  find(): string | null;
  version(program: string): string;
  /** How to install it, in a few words. */
  readonly howToGet: string;
  launch(program: string, setup: Setup): Launch;
  /** Writes another configuration for one that runs, which takes it over when it is asked to: POST /-/reload. */
  configure?(setup: Setup): void;
  /** The path of its MCP endpoint. */
  readonly path: string;
  /** What it calls an upstream's tool. */
  toolName(server: string, tool: string): string;
  /** Whether it makes a list of tools itself and merges many upstreams, rather than passing requests to one. */
  readonly merges: boolean;
  /** Whether it passes on what comes before an answer. */
  readonly passesEvents: boolean;
  /** Whether GET /health answers without a token. */
  readonly hasHealth: boolean;
  /** Whether GET opens a session's stream of server messages. */
  readonly hasStreams: boolean;
  /** Whether it is compiled while it runs, and needs seconds of load to come to its speed. */
  readonly isJustInTime: boolean;
}

/** The program that a variable names, or the one on PATH. */
export const programOf = (variable: string, name: string) => process.env[variable] ?? Bun.which(name);

/** The version of a program that cargo installed, as cargo noted it beside, or null. */
export function cargoVersion(program: string, crate: string): string | null {
  const notes = join(dirname(program), '../.crates.toml');
  const found = existsSync(notes) && new RegExp(`"${crate} ([^ ]+)`).exec(readFileSync(notes, 'utf8'));
  return found ? `crate ${crate} ${found[1]}` : null;
}

/** A program that a variable names, or the one on PATH where cargo installed it: others have the same name. */
export function cargoProgram(variable: string, crate: string): string | null {
  const named = process.env[variable];
  if (named !== undefined) return named;
  const found = Bun.which(crate);
  return found !== null && cargoVersion(found, crate) !== null ? found : null;
}
