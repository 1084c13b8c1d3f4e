import { expect, setDefaultTimeout, test } from 'bun:test';
import { root } from '../../scripts/checkout.ts';
import { startCommand } from '../support/program.ts';

// npm, node and the gateway have to start.
setDefaultTimeout(30_000);

test.skipIf(Bun.which('npm') === null)('`npm start` leaves no gateway behind when npm is ended', async () => {
  await using npm = startCommand(['npm', 'start', '--', '--port', '0'], { cwd: root });
  await npm.printed('Ctrl-C ends the demo.');
  npm.signal('SIGTERM');
  await npm.printed('shutdown finished');
  expect(npm.stderr()).toContain('SIGTERM: shutting down');
});
