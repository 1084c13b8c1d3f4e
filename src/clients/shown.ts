import { shownTarget } from '../config/targets.ts';
import { displayUrl } from '../observability/redact.ts';
import type { ServerDraft } from './draft.ts';

/** Programs whose first words say what they run. */
const runners = /^(?:npx|bunx|pnpx|uvx|pipx|npm|pnpm|yarn|bun|uv|docker|podman|node|deno|python3?|dnx)$/;
/** Words of a runner before the name of what it runs. */
const runnerWords = /^(?:run|dlx|exec|x|tool)$/;

/** The target of a server for people: a URL without user info and query, or a program and what it runs, without arguments. */
export function shownDraft({ url, command, args }: ServerDraft): string {
  if (url !== null) return displayUrl(url);
  const program = shownTarget({ command: command ?? '' }).replace(/\.(?:exe|cmd)$/i, '');
  const words = args.filter((arg) => !/^-|=/.test(arg) && !runnerWords.test(arg));
  const [name] = words;
  // A word with a space, an assignment or an address is an argument, which may be secret.
  if (!runners.test(program) || name === undefined || !/^[@\w][\w./@~+-]*(?::[\w.-]+)?$/.test(name))
    return program;
  return `${program} ${name.replace(/^.*[/\\](?=[^/\\]+\.(?:[cm]?[jt]s|py)$)/, '')}`;
}
