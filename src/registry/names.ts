/** Separates prefix and name. Prefixes neither contain it nor end in `_`, so the first one is the separator. */
const separator = '__';

/** The name `name` of an item behind a prefix, which usually is the name of its server. */
export function qualify(prefix: string, name: string): string {
  return prefix + separator + name;
}

/** The longest name that common clients accept. */
const maxNameChars = 64;
/** Claude Code prepends a prefix with the name that its user gave the gateway. */
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
    why: `has over ${maxClaudeCodeChars} characters, which Claude Code refuses, because it prepends "mcp__mcpstead__"`,
    applies: (name) => name.length > maxClaudeCodeChars && name.length <= maxNameChars,
  },
];

/** The qualified names that common clients refuse: for each reason ("has over 64 characters") their number and an example. */
export function refusedNames(names: readonly string[]) {
  return refusals.flatMap(({ why, applies }) => {
    const refused = names.filter(applies);
    const [example] = refused;
    return example === undefined ? [] : [{ why, count: refused.length, example }];
  });
}
