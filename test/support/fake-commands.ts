import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A home directory with programs of the system that are played, and record how they are called. */
export class FakeSystem implements Disposable {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'mcpstead-home-')));
  readonly bin = join(this.home, 'fake-bin');
  readonly #calls = join(this.home, 'calls');

  constructor() {
    mkdirSync(this.bin);
  }

  /** Plays the program `name` by `body`, a shell script. */
  play(name: string, body = ''): void {
    this.script(join('fake-bin', name), `echo "${name} $*" >>'${this.#calls}'\n${body}`);
  }

  /** Writes a shell script, and returns its path. */
  script(path: string, body: string): string {
    const place = this.write(path, `#!/bin/sh\n${body}\n`);
    chmodSync(place, 0o755);
    return place;
  }

  /** The command lines so far, since the last time. */
  calls(): string[] {
    if (!existsSync(this.#calls)) return [];
    const lines = readFileSync(this.#calls, 'utf8').trimEnd().split('\n');
    rmSync(this.#calls);
    return lines;
  }

  write(path: string, text: string): string {
    const place = join(this.home, path);
    mkdirSync(join(place, '..'), { recursive: true });
    writeFileSync(place, text);
    return place;
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}
