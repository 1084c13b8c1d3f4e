const runtimes = /^(?:docker|podman|nerdctl)(?:\.exe)?$/i;
/** The one-letter options of `run` without a value, which may stand together at the beginning of an argument: `-it`. */
const letters = /^-[dPtiq]*/;
/** Long options without a value. Any other long option takes the next argument as its value, unless it contains a `=`. */
const flags = new Set([
  ...['--detach', '--disable-content-trust', '--help', '--init', '--interactive', '--no-healthcheck'],
  ...['--oom-kill-disable', '--privileged', '--publish-all', '--quiet', '--read-only', '--rm', '--sig-proxy'],
  ...['--tty', '--no-hosts', '--replace', '--rmi'],
]);

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
  const options = optionsOf(args.slice(at + 1));
  const has = (letter: string | null, ...names: string[]) =>
    options.some(
      (option) =>
        names.some((name) => option === name || option === `${name}=true`) ||
        (letter !== null && letters.exec(option)?.[0].includes(letter) === true),
    );
  const faults: string[] = [];
  if (!has('i', '--interactive'))
    faults.push('the container gets no stdin, so that the server cannot be reached: add -i to its args');
  if (has('t', '--tty'))
    faults.push('a terminal changes the messages of the server: remove -t from its args');
  if (!has(null, '--rm')) faults.push('each start leaves a stopped container behind: add --rm to its args');
  return faults;
}

/** The options, which end at the image: what follows is for the server, such as `-t stdio`. */
function optionsOf(args: readonly string[]): string[] {
  const options: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const option = args[at] as string;
    if (!option.startsWith('-') || option === '--') break;
    options.push(option);
    if (takesNext(option)) at++;
  }
  return options;
}

function takesNext(option: string): boolean {
  if (option.startsWith('--')) return !option.includes('=') && !flags.has(option);
  return option.replace(letters, '').length === 1;
}
