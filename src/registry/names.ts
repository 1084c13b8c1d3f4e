/** Stands between a server's name and a tool's. Server names neither hold it nor end in `_`, so the first one splits. */
const separator = '__';

/** The name under which a tool of `server` is listed to clients. */
export function qualify(server: string, name: string): string {
  return server + separator + name;
}

/** The parts of a qualified name, or null where it is none. */
export function splitQualified(qualified: string): { server: string; name: string } | null {
  const at = qualified.indexOf(separator);
  if (at <= 0) return null;
  return { server: qualified.slice(0, at), name: qualified.slice(at + separator.length) };
}

/** The longest name that common clients pass on to their models. */
const maxNameChars = 64;
/** Claude Code puts its own prefix, which holds the name under which it knows the gateway, in front. */
const maxClaudeCodeChars = maxNameChars - 'mcp__mcpstead__'.length;

const refusals: readonly { why: string; applies: (name: string) => boolean }[] = [
  {
    why: 'has characters other than letters, digits, _ and -, which some clients refuse',
    applies: (name) => /[^A-Za-z0-9_-]/.test(name),
  },
  {
    why: `has over ${maxNameChars} characters, which many clients refuse`,
    applies: (name) => name.length > maxNameChars,
  },
  {
    why: `has over ${maxClaudeCodeChars} characters, which Claude Code refuses, for it puts "mcp__mcpstead__" in front`,
    applies: (name) => name.length > maxClaudeCodeChars && name.length <= maxNameChars,
  },
];

/** Why clients refuse some names of tools, how many these are, and one of them. */
interface RefusedNames {
  readonly why: string;
  readonly tools: number;
  readonly example: string;
}

/** What of these names, qualified as clients see them, common clients refuse. */
export function refusedNames(names: readonly string[]): RefusedNames[] {
  return refusals.flatMap(({ why, applies }) => {
    const refused = names.filter(applies);
    const [example] = refused;
    return example === undefined ? [] : [{ why, tools: refused.length, example }];
  });
}
