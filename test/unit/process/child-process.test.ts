import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { ChildProcess, type ProcessEnd } from '../../../src/process/child-process.ts';
import { isGroupAlive } from '../../../src/process/process-group.ts';
import { Abort } from '../../../src/runtime/abort.ts';
import { waitUntil } from '../../support/wait.ts';

/** Starts a shell script; `seen` lists what it does. @param takeMs how long it takes to take the end of its output */
function start(script: string, takeMs = 0) {
  const seen: string[] = [];
  const ended = Promise.withResolvers<ProcessEnd>();
  const child = new ChildProcess(
    { command: '/bin/sh', args: ['-c', script], cwd: '/', env: { PATH: process.env.PATH }, container: null },
    {
      onOutput: (chunk) => void seen.push(Buffer.from(chunk).toString().trim()),
      async onOutputEnd() {
        if (takeMs > 0) await Bun.sleep(takeMs);
        seen.push('output ended');
      },
      onErrorLine: (line) => void seen.push(`error: ${line}`),
      onErrorLinesDropped: () => {},
      onEnd(end) {
        seen.push('ended');
        ended.resolve(end);
      },
    },
  );
  const write = (text: string) => {
    const result = Promise.withResolvers<string>();
    child.input.write(
      text,
      { onWritten: () => result.resolve('written'), onUnwritten: result.resolve },
      new Abort(),
    );
    return result.promise;
  };
  return { child, seen, ended: ended.promise, write };
}

describe('a process', () => {
  test('reads what is written, and ends with the end of its stdin', async () => {
    const { child, seen, ended, write } = start(
      'read line; echo "got $line"; cat >/dev/null; echo bye >&2; exit 4',
    );
    expect(await write('hello\n')).toBe('written');
    await waitUntil('its answer', () => seen.includes('got hello'));
    const end = child.end(4_000);
    expect(await ended).toEqual({ exitCode: 4, signal: null, closed: null });
    await end;
    expect(seen).toEqual(['got hello', 'error: bye', 'output ended', 'ended']);
    expect(child.explanation()).toBe('bye');
    expect(await write('more\n')).toBe('closed');
  });

  test.each([1, 2])(
    'that writes lines to its file %d without end keeps no other work waiting',
    async (file) => {
      const { child } = start(`yes '' >&${file}`);
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      await waitUntil('others to have their turn', () => turns > 50);
      clearInterval(timer);
      await child.end(0);
    },
  );

  test('leads a session of its own', async () => {
    const { child, seen } = start('ps -o sid= -p $$; cat >/dev/null');
    await waitUntil('its session', () => seen.length > 0);
    expect(Number(seen[0])).toBe(child.pid);
    await child.end(1_000);
  });

  test('that a signal ends is reported with the signal', async () => {
    const { ended } = start('kill -9 $$');
    expect(await ended).toEqual({ exitCode: null, signal: 'SIGKILL', closed: null });
  });

  test('whose descendant keeps stdout open has ended nevertheless, after the rest of its output', async () => {
    const { child, seen, ended } = start('sleep 60 & echo last; exit 2');
    expect(await ended).toEqual({ exitCode: 2, signal: null, closed: null });
    expect(seen).toEqual(['last', 'ended']);
    expect(isGroupAlive(child.pid)).toBe(true);
    await child.end(200);
    expect(isGroupAlive(child.pid)).toBe(false);
  });

  test('has not ended before all of its output has been taken', async () => {
    const { seen, ended } = start('echo last', 1_500);
    expect(await ended).toEqual({ exitCode: 0, signal: null, closed: null });
    expect(seen).toEqual(['last', 'output ended', 'ended']);
  });

  test('has not ended while the rest of its output comes', async () => {
    const { child, seen, ended } = start(
      '{ for i in 1 2 3 4 5; do sleep 0.15; echo $i; done; exec sleep 60; } & exit 2',
    );
    expect(await ended).toEqual({ exitCode: 2, signal: null, closed: null });
    expect(seen).toEqual(['1', '2', '3', '4', '5', 'ended']);
    await child.end(200);
  });

  test('is read no longer than it lives, though a descendant outside of its group keeps its pipes', async () => {
    const pipes = () => readdirSync('/proc/self/fd').length;
    const { child: first } = start('cat >/dev/null');
    await first.end(1_000);
    await Bun.sleep(50);
    const before = pipes();
    const { child, ended } = start('setsid sleep 60 & echo $! >&2; wait');
    await waitUntil('the descendant', () => child.explanation() !== '');
    await child.end(200);
    await ended;
    await waitUntil('its pipes are closed', () => pipes() <= before);
    process.kill(Number(child.explanation()), 'SIGKILL');
  });

  test.each([
    ['stdout', 'exec >&-; exec sleep 60'],
    ['stdin', 'exec <&-; echo closed; exec sleep 60'],
  ])('that closes its %s is of no more use', async (closed, script) => {
    const { child, seen, ended, write } = start(script);
    if (closed === 'stdin') {
      await waitUntil('it is closed', () => seen.includes('closed'));
      await write('a\n');
      await write('b\n');
    }
    expect(await ended).toEqual({ exitCode: null, signal: null, closed: closed as 'stdin' });
    await child.end(200);
    expect(isGroupAlive(child.pid)).toBe(false);
  });

  test('that ignores the end of its stdin gets SIGTERM', async () => {
    const { child, seen, ended } = start(
      'trap "echo term; exit 5" TERM; echo ready; while :; do sleep 0.05; done',
    );
    await waitUntil('ready', () => seen.includes('ready'));
    await child.end(2_000);
    expect(await ended).toEqual({ exitCode: 5, signal: null, closed: null });
    expect(seen).toContain('term');
  });

  test('that ignores everything gets SIGKILL, sooner if a later end says so', async () => {
    const { child, seen, ended } = start('trap "" TERM; echo ready; while :; do sleep 0.05; done');
    await waitUntil('ready', () => seen.includes('ready'));
    const end = child.end(60_000);
    void child.end(300);
    await end;
    expect(await ended).toEqual({ exitCode: null, signal: 'SIGKILL', closed: null });
    expect(isGroupAlive(child.pid)).toBe(false);
  });
});

test('a script whose interpreter is missing is named', async () => {
  const path = `${process.env.TMPDIR ?? '/tmp'}/mcpstead-no-interpreter-${process.pid}`;
  await Bun.write(path, '#!/nonexistent/python\n');
  const { chmodSync, rmSync } = await import('node:fs');
  chmodSync(path, 0o755);
  const events = {
    onOutput: () => undefined,
    onOutputEnd: () => undefined,
    onErrorLine() {},
    onErrorLinesDropped() {},
    onEnd() {},
  };
  try {
    const command = { command: path, args: [], cwd: '/', env: {}, container: null };
    expect(() => new ChildProcess(command, events)).toThrow(
      `${path} needs /nonexistent/python, which is missing`,
    );
  } finally {
    rmSync(path);
  }
});
