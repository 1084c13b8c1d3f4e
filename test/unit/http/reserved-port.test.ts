import { expect, test } from 'bun:test';
import { reservePort } from '../../../src/http/reserved-port.ts';
import { freePort } from '../../support/wait.ts';

test('a reserved port can be had by nobody else until it is given back', () => {
  const port = freePort();
  const release = reservePort('127.0.0.1', port);
  expect(() => reservePort('127.0.0.1', port)).toThrow(
    `cannot listen on 127.0.0.1 port ${port}: the port is in use`,
  );
  release();
  reservePort('127.0.0.1', port)();
});

test('who connects to a reserved port is disconnected at once', async () => {
  const port = freePort();
  const release = reservePort('127.0.0.1', port);
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  release();
});

test('an address of another machine is refused with what to check', () => {
  expect(() => reservePort('203.0.113.7', freePort())).toThrow(
    'this machine has no such address; check "host"',
  );
});
