/**
 * Reads the groups and containers of the gateway's processes, and ends them when its stdin ends, which it does when the gateway
 * dies, however that happens. The processes see the end of their own stdin at the same time, and get the same time to react.
 */
const script = `
trap '' HUP INT TERM
groups=
containers=
newline='
'
without() {
  kept=
  for group in $groups; do [ "$group" = "$1" ] || kept="$kept $group"; done
  groups=$kept
}
alive() {
  for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && return 0; done
  return 1
}
await() {
  seconds=$1
  while [ "$seconds" -gt 0 ] && alive; do sleep 1; seconds=$((seconds - 1)); done
}
signal() {
  for group in $groups; do kill -s "$1" -- "-$group" 2>/dev/null; done
}
while IFS= read -r line; do
  case $line in
    +*) groups="$groups \${line#+}" ;;
    -*) without "\${line#-}" ;;
    c*) containers="$containers\${line#c}$newline" ;;
    d*) containers="$(printf '%s' "$containers" | grep -v -F "\${line#d}|")$newline" ;;
  esac
done
await 3
signal TERM
await 1
signal KILL
[ -n "$containers" ] && printf '%s' "$containers" | while IFS='|' read -r file runtime; do
  [ -s "$file" ] && "$runtime" rm -f "$(cat "$file")" >/dev/null 2>&1
  rm -f "$file"
done
exit 0
`;

/** A container that the process of a container runtime started. */
export interface GuardedContainer {
  /** The file with the id of the container. */
  readonly idFile: string;
  /** The program that removes it. */
  readonly runtime: string;
}

/**
 * Sees to it that no process outlives the gateway, even if that is killed: a small shell process, in a session of its own, holds a
 * pipe from the gateway, and ends the groups of the others when it breaks. It runs while there are processes. Windows, and systems
 * without `/bin/sh`, have none.
 */
class ProcessGuard {
  readonly #groups = new Map<number, GuardedContainer | null>();
  #shell: Bun.Subprocess<'pipe', 'ignore', 'ignore'> | null = null;

  /** Guards the group of a process that was just started. */
  add(leader: number, container: GuardedContainer | null): void {
    if (process.platform === 'win32') return;
    this.#groups.set(leader, container);
    if (this.#shell !== null) this.#tell(lineFor(leader, container));
    else this.#start();
  }

  /** The group has ended. */
  remove(leader: number): void {
    const container = this.#groups.get(leader);
    if (!this.#groups.delete(leader)) return;
    this.#tell(container ? `-${leader}\nd${container.idFile}\n` : `-${leader}\n`);
    if (this.#groups.size > 0) return;
    const shell = this.#shell;
    this.#shell = null;
    shell?.stdin.end();
  }

  #start(): void {
    try {
      const shell = Bun.spawn({
        cmd: ['/bin/sh', '-c', script],
        stdin: 'pipe',
        stdout: 'ignore',
        stderr: 'ignore',
        cwd: '/',
        // A session of its own: it must outlive what ends the gateway.
        detached: true,
        onExit: () => {
          if (this.#shell === shell) this.#shell = null;
        },
      });
      shell.unref();
      this.#shell = shell;
      for (const [leader, container] of this.#groups) this.#tell(lineFor(leader, container));
    } catch {
      // The ends of their stdins must do.
    }
  }

  #tell(line: string): void {
    try {
      const written = this.#shell?.stdin.write(line);
      if (written instanceof Promise) written.catch(() => {});
      const flushed = this.#shell?.stdin.flush();
      if (flushed instanceof Promise) flushed.catch(() => {});
    } catch {
      this.#shell = null;
    }
  }
}

function lineFor(leader: number, container: GuardedContainer | null): string {
  const guarded = container === null ? '' : `c${container.idFile}|${container.runtime}\n`;
  return `${guarded}+${leader}\n`;
}

/** The guard of all processes of the gateway. */
export const processGuard = new ProcessGuard();
