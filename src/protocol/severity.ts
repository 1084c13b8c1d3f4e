/** The severities of log messages, the least severe first. MCP 2025-11-25, Logging, Log Levels. */
export const severities = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;
export type Severity = (typeof severities)[number];

export function isSeverity(level: unknown): level is Severity {
  return (severities as readonly unknown[]).includes(level);
}

/** Whether a message of `level` is at least as severe as `least`. An unknown level is. */
export function isSevere(level: string | undefined, least: Severity): boolean {
  return !isSeverity(level) || severities.indexOf(level) >= severities.indexOf(least);
}
