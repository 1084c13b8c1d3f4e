import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogFields } from '../../../src/observability/log.ts';
import { stateKeyFrom } from '../../../src/state/key.ts';
import { openState, volatileState } from '../../../src/state/state.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpstead-state-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

/** A state in `directory`, and what was warned of. */
function opened(directory: string, key: Uint8Array | null = null, port = 8766) {
  const warnings: [string, LogFields | undefined][] = [];
  const silent = () => {};
  const warn = (message: string, fields?: LogFields) => void warnings.push([message, fields]);
  const logger = {
    isDebug: false,
    isTrace: false,
    trace: silent,
    debug: silent,
    info: silent,
    warn,
    error: silent,
  };
  return { ...openState({ directory, key, port }, logger), warnings };
}

const goesOn = (before: { seal: import('../../../src/state/seal.ts').Seal }, after: typeof before) =>
  after.seal.open('p', before.seal.seal('p', 'text')) === 'text';
const posix = process.platform !== 'win32';
const mode = (path: string) => statSync(path).mode & 0o777;

describe('the key', () => {
  test('is made once, for its owner alone, and found again', () => {
    const directory = join(folder, 'deep', 'state');
    const before = opened(directory);
    expect(goesOn(before, opened(directory))).toBe(true);
    expect(before.warnings).toEqual([]);
    expect(readdirSync(directory)).toEqual(['state.key']);
    const path = join(directory, 'state.key');
    expect(readFileSync(path, 'utf8')).toMatch(/^[\w-]{43}\n$/);
    if (posix) expect([mode(directory), mode(path)]).toEqual([0o700, 0o600]);
  });

  test('differs between directories', () => {
    expect(goesOn(opened(join(folder, 'a')), opened(join(folder, 'b')))).toBe(false);
    expect(goesOn(volatileState(), volatileState())).toBe(false);
  });

  test('is the same for gateways that start at the same time', async () => {
    const module = join(import.meta.dir, '../../../src/state/key.ts');
    const script = `
      const { readOrMakeKey } = await import(${JSON.stringify(module)});
      process.stdout.write('ready\\n');
      await Bun.stdin.text();
      process.stdout.write(Buffer.from(readOrMakeKey(${JSON.stringify(folder)}, { warn() {} })).toString('hex'));`;
    const children = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, '-e', script], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' }),
    );
    const readers = children.map(({ stdout }) => stdout.getReader());
    for (const reader of readers) await reader.read();
    for (const { stdin } of children) void stdin.end();
    const keys = await Promise.all(
      readers.map(async (reader) => {
        let text = '';
        for (let part = await reader.read(); !part.done; part = await reader.read())
          text += Buffer.from(part.value);
        return text;
      }),
    );
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(keys).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['state.key']);
  });

  test.if(posix)('that others can read is hidden from them, with a warning', () => {
    const before = opened(folder);
    const path = join(folder, 'state.key');
    chmodSync(path, 0o644);
    const after = opened(folder);
    expect([goesOn(before, after), mode(path)]).toEqual([true, 0o600]);
    const message =
      'the state key was readable by others and is not any more: whoever read it can forge session ids; remove it to get a new one';
    expect(after.warnings).toEqual([[message, { path }]]);
    expect(opened(folder).warnings).toEqual([]);
  });

  test.each(['', 'short', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(43)}!`, '\0'.repeat(32)])(
    'that is none, %p, is told of and not replaced, and sessions end with the process',
    (text) => {
      const path = join(folder, 'state.key');
      writeFileSync(path, text, { mode: 0o600 });
      const one = opened(folder);
      expect(goesOn(one, opened(folder))).toBe(false);
      expect(one.warnings).toEqual([
        [
          'the state directory cannot be used: client sessions do not survive a restart; set state_dir or MCPSTEAD_STATE_KEY',
          { cause: `${path} does not hold a key of 32 bytes in base64url; remove it to get a new one` },
        ],
      ]);
      expect(readFileSync(path, 'utf8')).toBe(text);
    },
  );

  test('of the environment takes the place of the file', () => {
    const key = stateKeyFrom('0123456789abcdef0123456789abcdef');
    expect(goesOn(opened(join(folder, 'a'), key), opened(join(folder, 'b'), key))).toBe(true);
    expect(readdirSync(join(folder, 'a'))).toEqual([]);
  });
});

describe('a state directory that', () => {
  test('is a file: one warning, and sessions end with the process', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const { warnings, seal } = opened(path);
    expect(seal.open('p', seal.seal('p', 'text'))).toBe('text');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.[1]).toEqual({ cause: `${path}: it is not a directory` });
  });

  test.if(posix && process.getuid?.() !== 0)('is not writable: a warning', () => {
    chmodSync(folder, 0o500);
    const { warnings } = opened(join(folder, 'state'));
    expect(warnings[0]?.[1]).toEqual({ cause: `${join(folder, 'state')}: permission denied` });
  });

  test('cannot be used does not affect a key of the environment', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const key = stateKeyFrom('x'.repeat(32));
    const before = opened(path, key);
    expect(goesOn(before, opened(path, key))).toBe(true);
    expect(before.warnings.map(([message]) => message)).toEqual([
      'the state directory cannot be used: ended sessions are forgotten at a restart',
    ]);
  });
});

describe('MCPSTEAD_STATE_KEY', () => {
  test('may be any secret of at least 32 characters; the key is made of it', () => {
    const key = stateKeyFrom('correct horse battery staple, or so');
    // Computed with another implementation: HKDF-SHA256, salt "mcpstead", info "state key", 32 bytes.
    expect(Buffer.from(key ?? []).toString('hex')).toBe(
      '6c4deefaabcca73ee45ff36f8615c76a91e221f6e8af376f771f2d3841882a6e',
    );
    expect(stateKeyFrom(' correct horse battery staple, or so\n')).toEqual(key);
    expect(stateKeyFrom(undefined)).toBeNull();
  });

  test.each([
    ['', 'MCPSTEAD_STATE_KEY is empty; expected a secret of at least 32 characters'],
    [' ', 'MCPSTEAD_STATE_KEY is empty; expected a secret of at least 32 characters'],
    ['x'.repeat(31), 'MCPSTEAD_STATE_KEY has 31 characters; expected a secret of at least 32 characters'],
  ])('must not be %p', (secret, message) => {
    expect(() => stateKeyFrom(secret)).toThrow(message);
  });
});

describe('sessions that have ended', () => {
  const later = Math.floor(Date.now() / 1000) + 1_000;

  test('are remembered by the next process on the same port, until they may be forgotten', async () => {
    const before = opened(folder);
    before.endedSessions.add('one', later);
    before.endedSessions.add('old', later - 2_000);
    expect([before.endedSessions.has('one'), before.endedSessions.has('two')]).toEqual([true, false]);
    await before.endedSessions.flush();
    const path = join(folder, 'ended-sessions-8766');
    expect(readdirSync(folder).toSorted()).toEqual(['ended-sessions-8766', 'state.key']);
    if (posix) expect(mode(path)).toBe(0o600);
    expect(readFileSync(path, 'utf8')).not.toContain('one');

    const after = opened(folder);
    expect(['one', 'old', 'two'].map((id) => after.endedSessions.has(id))).toEqual([true, false, false]);
    expect(opened(folder, null, 8767).endedSessions.has('one')).toBe(false);
    expect(after.warnings).toEqual([]);
  });

  test('are limited in number, and so is the file', async () => {
    const { endedSessions } = opened(folder);
    for (let i = 0; i < 11_001; i++) endedSessions.add(String(i), later);
    const has = (ids: number[]) => ids.map((id) => endedSessions.has(String(id)));
    expect(has([0, 999, 1_000, 11_000])).toEqual([false, false, true, true]);
    await endedSessions.flush();
    expect(statSync(join(folder, 'ended-sessions-8766')).size).toBeLessThan(400_000);
    expect(opened(folder).endedSessions.has('1000')).toBe(true);
  });

  test.each([
    ['has other lines', 'what is this\n', 'some lines are malformed'],
    ['is too large', 'x'.repeat(2_000_000), 'it is larger than 1 MiB'],
  ])('are not read from a file that %s, with a warning', async (_, text, cause) => {
    const path = join(folder, 'ended-sessions-8766');
    writeFileSync(path, text);
    const { warnings, endedSessions } = opened(folder);
    expect(warnings).toEqual([
      ['the file of ended sessions cannot be read: some of them may be resumed', { path, cause }],
    ]);
    // It is of use again with the next one that ends.
    endedSessions.add('one', later);
    await endedSessions.flush();
    expect(opened(folder).warnings).toEqual([]);
  });

  test('cannot be written if the file is a directory: one warning', async () => {
    const { endedSessions, warnings } = opened(folder);
    mkdirSync(join(folder, 'ended-sessions-8766'));
    for (const id of ['one', 'two']) {
      endedSessions.add(id, later);
      await endedSessions.flush();
    }
    expect(warnings.map(([message]) => message)).toEqual([
      'ended sessions cannot be stored for the next start',
    ]);
    expect(endedSessions.has('two')).toBe(true);
  });

  test('leave no file on port 0, because no successor could find it', async () => {
    const { endedSessions } = opened(folder, null, 0);
    endedSessions.add('one', later);
    await endedSessions.flush();
    expect(readdirSync(folder)).toEqual(['state.key']);
    expect(endedSessions.has('one')).toBe(true);
  });
});
