import type { ServerConfig } from '../config/schema.ts';
import { HttpSessionSource, type UpstreamConfig } from './detect.ts';
import type { SessionSource } from './session.ts';
import { type StdioParts, StdioSessionSource } from './stdio/session-source.ts';

/** What the sessions with an upstream need of their owner. */
interface SourceParts extends StdioParts {
  /** The settings that may change. */
  current(): ServerConfig;
}

/** The source of the sessions with an upstream, which the gateway connects to or starts. */
export function sessionSource(config: UpstreamConfig, parts: SourceParts): SessionSource {
  if (config.server.command !== undefined) return new StdioSessionSource(config.server, parts);
  const { current, bytes, quote } = parts;
  return new HttpSessionSource(config, current, bytes, quote);
}
