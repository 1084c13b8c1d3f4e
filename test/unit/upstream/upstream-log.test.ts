import { describe, expect, test } from 'bun:test';
import type { Logger } from '../../../src/observability/log.ts';
import { UpstreamLog } from '../../../src/upstream/upstream-log.ts';

const minuteMs = 60_000;

/** A log of an outage whose time a test plays, and what it says at `info` and above. */
function playedLog() {
  const lines: string[] = [];
  const quiet: string[] = [];
  let nowMs = 0;
  const to = (list: string[], level: string) => (message: string, fields: object) =>
    void list.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger = {
    debug: to(quiet, 'debug'),
    info: to(lines, 'info'),
    warn: to(lines, 'warn'),
    error: to(lines, 'error'),
  } as unknown as Logger;
  const log = new UpstreamLog(logger, 'up', { nowMs: () => nowMs });
  return {
    log,
    lines,
    quiet,
    pass(ms: number) {
      nowMs += ms;
    },
  };
}

describe('a server that is dead from the start', () => {
  test('is one line at the first failure, one every ten minutes, and one when it is there', () => {
    const { log, lines, quiet, pass } = playedLog();
    for (let minute = 0; minute < 25; minute++) {
      log.failed('connection refused', 30_000);
      pass(minuteMs);
    }
    log.connected({ tools: 2 });
    expect(lines).toEqual([
      'warn upstream not connected {"server":"up","cause":"connection refused","retry_seconds":30}',
      'warn upstream not connected {"server":"up","cause":"connection refused","attempts":11,"down_seconds":600,"retry_seconds":30}',
      'warn upstream not connected {"server":"up","cause":"connection refused","attempts":21,"down_seconds":1200,"retry_seconds":30}',
      'info upstream connected {"server":"up","tools":2,"attempts":25,"down_seconds":1500}',
    ]);
    expect(quiet).toHaveLength(22);
  });
});

describe('a connection that is lost', () => {
  test('is one line when that is noticed, and one when it is back: the attempts are told at debug', () => {
    const { log, lines, quiet, pass } = playedLog();
    log.connected({ tools: 2 });
    log.lost('connection closed unexpectedly');
    log.failed('connection refused', 1_000);
    pass(1_500);
    log.failed('connection refused', 2_000);
    pass(2_000);
    log.connected({ tools: 2 });
    expect(lines).toEqual([
      'info upstream connected {"server":"up","tools":2}',
      'warn upstream lost {"server":"up","cause":"connection closed unexpectedly"}',
      'info upstream connected {"server":"up","tools":2,"attempts":2,"down_seconds":3.5}',
    ]);
    expect(quiet).toHaveLength(2);
  });

  test('again and again is told ten times in ten minutes, and no more until it lasts that long', () => {
    const { log, lines, pass } = playedLog();
    for (let second = 0; second < 100; second++) {
      log.lost('its event stream ended');
      log.connected({});
      pass(1_000);
    }
    expect(lines).toHaveLength(20);
    log.lost('its event stream ended');
    pass(10 * minuteMs);
    log.failed('connection refused', 1_000);
    log.connected({});
    expect(lines).toHaveLength(22);
  });
});

describe('a session that the upstream forgot', () => {
  test('is no outage when another one is to be had', () => {
    const { log, lines } = playedLog();
    log.renewing('answered HTTP 404');
    log.connected({});
    expect(lines).toEqual([
      'info upstream session lost; initializing anew {"server":"up","cause":"answered HTTP 404"}',
      'info upstream connected {"server":"up"}',
    ]);
  });

  test('is one when not: the first failure is told', () => {
    const { log, lines } = playedLog();
    log.renewing('answered HTTP 404');
    log.failed('answered HTTP 500', 1_000);
    log.failed('answered HTTP 500', 2_000);
    expect(lines.slice(1)).toEqual([
      'warn upstream not connected {"server":"up","cause":"answered HTTP 500","retry_seconds":1}',
    ]);
  });

  test('again and again is told ten times in ten minutes', () => {
    const { log, lines, pass } = playedLog();
    for (let second = 0; second < 100; second++) {
      log.renewing('answered HTTP 404');
      log.connected({});
      pass(1_000);
    }
    expect(lines).toHaveLength(20);
    // An outage is told all the same.
    log.lost('connection closed unexpectedly');
    expect(lines).toHaveLength(21);
  });
});

test('an upstream that is given up is an error that says what to do', () => {
  const { log, lines } = playedLog();
  log.failed('connection refused', 1_000);
  log.givenUp('connection refused');
  log.failed('connection refused', 1_000);
  expect(lines).toEqual([
    'warn upstream not connected {"server":"up","cause":"connection refused","retry_seconds":1}',
    'error upstream given up; a reload or restart tries again {"server":"up","attempts":2,"cause":"connection refused"}',
    'warn upstream not connected {"server":"up","cause":"connection refused","retry_seconds":1}',
  ]);
});
