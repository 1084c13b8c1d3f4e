import type { Place } from '../../config/places.ts';
import { SpliceRefusal } from './splice.ts';

// Claude Code rewrites its file while it runs, so its own command makes changes where it exists.

const deadlineMs = 30_000;
const wordsMs = 1_000;
const maxWordsChars = 300;

/** The `claude` command of a place. */
export class ClaudeCommand {
  readonly #program: string;
  readonly #env: Place['env'];

  private constructor(program: string, env: Place['env']) {
    this.#program = program;
    this.#env = env;
  }

  /** The one on PATH; null if there is none. */
  static find({ env }: Place): ClaudeCommand | null {
    const program = Bun.which('claude', { PATH: env.PATH ?? env.Path ?? '' });
    return program === null ? null : new ClaudeCommand(program, env);
  }

  /** Adds a server for the user. The entry holds no secrets: other users of the machine can see arguments. Throws a SpliceRefusal. */
  async add(name: string, entry: unknown): Promise<void> {
    // The command knows servers on stdio by this word.
    const typed = { type: 'stdio', ...(entry as object) };
    await this.#run('add-json', '--scope', 'user', name, JSON.stringify(typed));
  }

  /** Removes a server of the user. Throws a SpliceRefusal. */
  async remove(name: string): Promise<void> {
    await this.#run('remove', '--scope', 'user', name);
  }

  async #run(...args: readonly string[]): Promise<void> {
    const child = Bun.spawn([this.#program, 'mcp', ...args], {
      env: { ...this.#env },
      stdin: 'ignore',
      // It tells of failures on stderr.
      stdout: 'ignore',
      stderr: 'pipe',
      timeout: deadlineMs,
      killSignal: 'SIGKILL',
    });
    const words = new Response(child.stderr).text();
    const code = await child.exited;
    if (code === 0) return;
    // What it has started may hold its stderr open.
    const said = Bun.stripANSI(await Promise.race([words, Bun.sleep(wordsMs).then(() => '')]))
      .trim()
      .slice(0, maxWordsChars);
    const why =
      child.signalCode === 'SIGKILL'
        ? `did not end within ${deadlineMs / 1000} s`
        : `failed: ${said || `exit code ${code}`}`;
    throw new SpliceRefusal(`"claude mcp ${args[0]}" ${why}`);
  }
}
