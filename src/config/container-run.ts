const runtimes = /^(?:docker|podman|nerdctl)(?:\.exe)?$/i;
/** The options of `run` that take no value and have one letter, which may stand together: `-it`. */
const letters = /^-[dPtiq]+$/;

/** The place of `run` among the arguments of a container runtime, or null if the command starts no container. */
export function containerRunAt(command: string, args: readonly string[]): number | null {
  if (!runtimes.test(command.replace(/^.*[/\\]/, ''))) return null;
  const at = args.indexOf('run');
  // Before it come `container` and options of the runtime, some with a value.
  const isCommand = at >= 0 && args.slice(0, at).every((arg, index) => isOptionPart(args, arg, index));
  const hasIdFile = args.some((arg) => arg === '--cidfile' || arg.startsWith('--cidfile='));
  return isCommand && !hasIdFile ? at : null;
}

function isOptionPart(args: readonly string[], arg: string, index: number): boolean {
  return arg.startsWith('-') || arg === 'container' || (args[index - 1] ?? '').startsWith('-');
}

/** What the options of `run` lack for a server on stdio. */
export function containerRunFaults(command: string, args: readonly string[]): string[] {
  const at = containerRunAt(command, args);
  if (at === null) return [];
  const options = args.slice(at + 1);
  const has = (letter: string | null, ...names: string[]) =>
    options.some(
      (option) =>
        names.some((name) => option === name || option === `${name}=true`) ||
        (letter !== null && letters.test(option) && option.includes(letter)),
    );
  const faults: string[] = [];
  if (!has('i', '--interactive'))
    faults.push('the container gets no stdin, so that the server cannot be reached: add -i to its args');
  if (has('t', '--tty'))
    faults.push('a terminal changes the messages of the server: remove -t from its args');
  if (!has(null, '--rm')) faults.push('each start leaves a stopped container behind: add --rm to its args');
  return faults;
}
