import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { createLogger } from '../../../src/observability/log.ts';
import { Redactor } from '../../../src/observability/redact.ts';

type LoggerOptions = Parameters<typeof createLogger>[0];
type LogLevel = LoggerOptions['level'];
type LogFormat = LoggerOptions['format'];

interface LogOptions {
  level?: LogLevel;
  format?: LogFormat;
  secrets?: string[];
}

/** A logger and the lines that it writes. */
function newLog({ level = 'info', format = 'json', secrets = [] }: LogOptions = {}) {
  const redactor = new Redactor();
  redactor.setSecrets(secrets);
  const lines: string[] = [];
  const logger = createLogger({ level, format, redactor, write: (line) => lines.push(line) });
  return { logger, lines };
}

/** What a program that reads the log makes of its only line. */
function onlyLine(lines: readonly string[]): Record<string, unknown> {
  expect(lines).toHaveLength(1);
  expect(lines[0]!.indexOf('\n')).toBe(lines[0]!.length - 1);
  return JSON.parse(lines[0]!);
}

describe('a logger', () => {
  test('writes one JSON object per line: time, level, message and the fields', () => {
    const { logger, lines } = newLog();
    const before = new Date().toISOString();

    logger.info('upstream connected', { server: 'files', tools: 13, era: null, names: ['a', 'b'] });

    const { time, ...rest } = onlyLine(lines);
    expect(rest).toEqual({
      level: 'info',
      message: 'upstream connected',
      server: 'files',
      tools: 13,
      era: null,
      names: ['a', 'b'],
    });
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(String(time) >= before).toBe(true);
  });

  test.each([
    ['trace', ['trace', 'debug', 'info', 'warn', 'error']],
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as [LogLevel, LogLevel[]][])('of level %s writes that and what is graver', (level, written) => {
    const { logger, lines } = newLog({ level });
    const all: LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];

    for (const each of all) logger[each]('said');

    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written);
  });

  test('is its own: another of a different level in the same process changes nothing', () => {
    const quiet = newLog({ level: 'error' });
    const talkative = newLog({ level: 'trace' });

    quiet.logger.info('not written');
    talkative.logger.trace('written');

    expect(quiet.lines).toEqual([]);
    expect(onlyLine(talkative.lines).message).toBe('written');
  });

  test('puts the message first, then level and time', () => {
    const { logger, lines } = newLog();
    logger.info('upstream connected', { server: 'files' });

    expect(Object.keys(onlyLine(lines))).toEqual(['message', 'level', 'time', 'server']);
  });

  test.each([
    ['trace', true, true],
    ['debug', true, false],
    ['info', false, false],
    ['error', false, false],
  ] as [LogLevel, boolean, boolean][])(
    'of level %s tells whether it writes debug and trace',
    (level, isDebug, isTrace) => {
      expect(newLog({ level }).logger).toMatchObject({ isDebug, isTrace });
    },
  );

  test('writes a message verbatim, percent signs included', () => {
    const { logger, lines } = newLog();
    logger.info('100% of %s, %d and %j', { server: 'files' });

    expect(onlyLine(lines).message).toBe('100% of %s, %d and %j');
  });

  test('writes JSON in format auto when its lines do not go to a terminal', () => {
    const { logger, lines } = newLog({ format: 'auto' });
    logger.info('hello');

    expect(onlyLine(lines).message).toBe('hello');
  });
});

describe('a pretty line', () => {
  test('is for people: clock, level, message and fields', () => {
    const { logger, lines } = newLog({ format: 'pretty' });
    logger.warn('upstream lost', {
      server: 'files',
      url: 'http://[::1]:3000/mcp',
      reason: 'no answer',
      tries: 3,
    });

    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d WARN {2}upstream lost server=files url=http:\/\/\[::1\]:3000\/mcp reason="no answer" tries=3\n$/,
    );
  });

  test('of more than 120 columns is broken between its fields', () => {
    const { logger, lines } = newLog({ format: 'pretty' });
    const long = 'x'.repeat(80);
    logger.info('said', { a: long, b: 'short', c: long, d: 'with blanks' });

    expect(lines[0]!.slice('00:00:00 '.length)).toBe(
      `INFO  said a=${long} b=short\n               c=${long} d="with blanks"\n`,
    );
  });

  test('continues below if its message or a field has several lines', () => {
    const { logger, lines } = newLog({ format: 'pretty' });
    logger.error('reload failed: 1 problem\r\n\n  3 | url: x\n', {
      cause: 'first\n  at second\n',
      server: 'files',
    });

    expect(lines[0]!.slice('00:00:00 '.length)).toBe(
      [
        'ERROR reload failed: 1 problem',
        '',
        '                 3 | url: x',
        '               cause=',
        '                 first',
        '                   at second',
        '               server=files',
        '',
      ].join('\n'),
    );
  });

  test('has no colors outside of a terminal', () => {
    const { logger, lines } = newLog({ format: 'pretty' });
    logger.error('said', { server: 'files' });

    expect(lines[0]).not.toContain('\x1b');
  });
});

describe('an error in a field', () => {
  const error = new Error('connection refused');

  test('is shown as its message', () => {
    const { logger, lines } = newLog({ level: 'info' });
    logger.error('upstream lost', { error, all: [error] });

    expect(onlyLine(lines)).toMatchObject({ error: 'connection refused', all: ['connection refused'] });
  });

  test('is shown with its stack from level debug on', () => {
    const { logger, lines } = newLog({ level: 'debug' });
    logger.error('upstream lost', { error });

    expect(onlyLine(lines).error).toContain('Error: connection refused\n');
  });
});

describe('a secret', () => {
  test.each(['json', 'pretty'] as LogFormat[])('is hidden in all parts of a %s line', (format) => {
    const secret = 'tok"en/with\\odd ch@racters';
    const { logger, lines } = newLog({ format, level: 'debug', secrets: [secret] });

    logger.info(`message ${secret}`, {
      text: `text ${secret}`,
      [secret]: 'as a name',
      nested: { list: [{ deep: secret }] },
      error: new Error(`failed with ${secret}`),
      url: `http://host/?key=${encodeURIComponent(secret)}`,
      header: `Basic ${btoa(`user:${secret}`)}`,
      json: JSON.stringify({ secret }),
    });

    expect(lines).toHaveLength(1);
    for (const part of ['tok', 'odd ch', btoa(secret).slice(4, -4)]) expect(lines[0]).not.toContain(part);
    expect(lines[0]!.match(/\[redacted\]/g)!.length).toBeGreaterThanOrEqual(8);
    if (format === 'json') expect(onlyLine(lines).text).toBe('text [redacted]');
  });

  test('that is a number, or a word that fields have, leaves a line of valid JSON with the same fields', () => {
    const { logger, lines } = newLog({ secrets: ['12345678', 'server'] });
    logger.info('numbers', {
      server: 'the server',
      pin: 12345678,
      nested: [{ pin: 12345678, port: 1234567 }],
    });

    expect(onlyLine(lines)).toMatchObject({
      server: 'the [redacted]',
      pin: '[redacted]',
      nested: [{ pin: '[redacted]', port: 1234567 }],
    });
  });

  test.each(['json', 'pretty'] as LogFormat[])(
    'escaped in what an upstream said is hidden in all parts of a %s line',
    (format) => {
      const { logger, lines } = newLog({ format, secrets: ['s3cr+t<value>'] });
      const said = '{"error":"no access for s3cr\\u002Bt\\u003Cvalue\\u003E"}';
      logger.info(said, { said, list: [JSON.stringify(said)] });

      expect(lines[0]).not.toContain('s3cr');
      expect(lines[0]!.match(/no access for \[redacted\]/g)).toHaveLength(3);
    },
  );

  test('that is a word of every line does not eat its level or time', () => {
    const { logger, lines } = newLog({ secrets: ['info', String(new Date().getUTCFullYear())] });
    logger.info('said info');

    const { level, time, message } = onlyLine(lines);
    expect(level).toBe('info');
    expect(Number.isNaN(Date.parse(String(time)))).toBe(false);
    expect(message).toBe('said [redacted]');
  });

  test('is hidden from the moment on at which the redactor learns it', () => {
    const redactor = new Redactor();
    const lines: string[] = [];
    const logger = createLogger({
      level: 'info',
      format: 'json',
      redactor,
      write: (line) => lines.push(line),
    });
    redactor.setSecrets(['new-secret']);

    logger.info('new-secret');

    expect(onlyLine(lines).message).toBe('[redacted]');
  });
});

describe('what comes from outside', () => {
  const hostile = 'x\n{"level":"error"}\r\u0000\u001b[2J\u0085\u009b31m\u2028\u202e';

  test.each(['json', 'pretty'] as LogFormat[])('cannot forge a %s line or drive a terminal', (format) => {
    const { logger, lines } = newLog({ format });
    logger.info(hostile, { value: hostile, [hostile]: 1 });

    expect(lines).toHaveLength(1);
    expect(lines[0]!.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    // What goes on below is indented, so that it cannot be taken for a line of its own.
    for (const line of lines[0]!.trimEnd().split('\n').slice(1)) expect(line).toStartWith(' '.repeat(15));
  });

  test('comes out of a JSON line as it went in', () => {
    const { logger, lines } = newLog();
    logger.info(hostile, { value: hostile });

    expect(onlyLine(lines)).toMatchObject({ message: hostile, value: hostile });
  });

  test('cannot replace the level, time or message of a line', () => {
    const { logger, lines } = newLog();
    logger.info('true', { level: 'error', time: 'never', message: 'forged' });

    expect(onlyLine(lines)).toMatchObject({
      level: 'info',
      message: 'true',
      _level: 'error',
      _message: 'forged',
    });
  });

  test('is truncated after 65,536 characters, but not within a secret', () => {
    const { logger, lines } = newLog({ secrets: ['tok_abcdefghij'] });
    logger.info(`${'x'.repeat(65_530)}tok_abcdefghij`, { text: 'y'.repeat(1_000_000) });

    expect(onlyLine(lines)).toMatchObject({
      message: `${'x'.repeat(65_530)}[redacted]…`,
      text: `${'y'.repeat(65_536)}…`,
    });
  });

  test('is replaced by the reason if JSON cannot represent it, and never throws', () => {
    const { logger, lines } = newLog();
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const trap = {
      get value() {
        throw new Error('boom');
      },
    };

    logger.info('said', {
      big: 10n,
      nested: [1n],
      cycle,
      trap,
      absent: undefined,
      code: () => 1,
      last: true,
    });

    const line = onlyLine(lines);
    expect(line).toMatchObject({ big: '10', nested: ['1'], trap: '(cannot be shown: boom)', last: true });
    expect(line.cycle).toStartWith('(cannot be shown: ');
    expect(Object.keys(line)).not.toContain('absent');
    expect(Object.keys(line)).not.toContain('code');
  });
});

describe('stderr', () => {
  const log = join(import.meta.dir, '../../../src/observability/log.ts');
  const output = join(import.meta.dir, '../../../src/observability/output.ts');
  const redact = join(import.meta.dir, '../../../src/observability/redact.ts');

  /** A program that logs `lines` lines and exits as soon as they are out. */
  const program = (lines: number) => `
    import { createLogger } from ${JSON.stringify(log)};
    import { output } from ${JSON.stringify(output)};
    import { Redactor } from ${JSON.stringify(redact)};
    const logger = createLogger({ level: 'info', format: 'auto', redactor: new Redactor() });
    for (let n = 1; n <= ${lines}; n++) logger.info('line', { n, filler: '${'x'.repeat(1000)}' });
    await output.flushed();
    process.exit(0);
  `;

  test('has every line, the last before the exit too, as JSON in a pipe', async () => {
    const child = Bun.spawn([process.execPath, '-e', program(500)], { stderr: 'pipe', stdout: 'ignore' });

    const lines = (await child.stderr.text()).trimEnd().split('\n');

    expect(lines).toHaveLength(500);
    expect(JSON.parse(lines[499]!)).toMatchObject({ message: 'line', n: 500 });
    expect(await child.exited).toBe(0);
  });

  test.if(process.platform !== 'win32')('may lose its reader: the program goes on', async () => {
    // `true` reads nothing and ends, and the lines are more than a pipe holds.
    const script = 'exec 3>&1; { "$0" -e "$1" 2>&1 >&3; echo "exit code $?" >&3; } | true';
    const child = Bun.spawn(['sh', '-c', script, process.execPath, program(500)], { stderr: 'ignore' });

    expect(await child.stdout.text()).toBe('exit code 0\n');
  });

  test.if(process.platform !== 'win32').each([
    ['with colors', {}, '\x1b[32mINFO \x1b[0m line \x1b[2mn=\x1b[0m1'],
    ['without them where NO_COLOR is set', { NO_COLOR: '1' }, 'INFO  line n=1'],
  ])('has pretty lines when it is a terminal, %s', async (_, env, expected) => {
    const chunks: Uint8Array[] = [];
    const closed = Promise.withResolvers<void>();
    const { NO_COLOR: _unset, ...inherited } = process.env;
    Bun.spawn([process.execPath, '-e', program(1)], {
      env: { ...inherited, ...env },
      terminal: {
        cols: 2000,
        data: (_terminal, chunk) => void chunks.push(chunk),
        exit: () => closed.resolve(),
      },
    });
    await closed.promise;

    expect(Buffer.concat(chunks).toString()).toContain(expected);
  });
});
