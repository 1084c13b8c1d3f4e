import { main } from './program.ts';
import { waitUntil } from './wait.ts';

/** A program on a pseudo-terminal, as a person has it before them. Disposing of it kills it. */
export interface OnTerminal extends AsyncDisposable {
  /** All that the terminal got so far. */
  text(): string;
  /** Waits until the terminal shows `question`, then types an answer. @param key ends it, by default Enter */
  answer(question: string, typed: string, key?: string): Promise<void>;
  ended(): Promise<number>;
}

/** Starts `mcpstead` with `args` from the sources on a terminal. */
export function startOnTerminal(
  args: readonly string[],
  { env, cwd }: { env: Record<string, string | undefined>; cwd: string },
): OnTerminal {
  let text = '';
  let seen = 0;
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    terminal: {
      cols: 120,
      rows: 50,
      data: (_terminal, bytes) => {
        text += decoder.decode(bytes, { stream: true });
      },
    },
  });
  return {
    text: () => text,
    async answer(question, typed, key = '\r') {
      await waitUntil(`"${question}" on the terminal`, () => text.indexOf(question, seen) >= 0, 20_000);
      seen = text.indexOf(question, seen) + question.length;
      child.terminal?.write(`${typed}${key}`);
    },
    ended: () => child.exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
