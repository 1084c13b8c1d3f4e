import type { Redactor } from './redact.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof logFormats)[number];

type LogMethod = (message: string, fields?: Readonly<Record<string, unknown>>) => void;
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  isEnabled(level: LogLevel): boolean;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly redactor: Redactor;
  /** Where lines go, each ending in a newline; the default is stderr. */
  readonly write?: (line: string) => void;
}

/** A logger of its own for each gateway. */
export function createLogger(options: LoggerOptions): Logger {
  const threshold = logLevels.indexOf(options.level);
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  const method = (level: LogLevel): LogMethod => {
    if (logLevels.indexOf(level) < threshold) return () => {};
    return (message, fields) =>
      write(
        `${options.redactor.redact(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }))}\n`,
      );
  };
  return {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    isEnabled: (level) => logLevels.indexOf(level) >= threshold,
  };
}
