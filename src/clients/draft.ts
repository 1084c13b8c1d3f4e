/** A variable that a server refers to, and that its client asks its user for or takes from elsewhere. */
export interface WantedVariable {
  readonly name: string;
  /** What to ask for: the client's own words, or null. */
  readonly question: string | null;
}

/**
 * A server of a client in the terms of the configuration. Its texts refer to variables as `${NAME}` and `${NAME:-default}`, and to
 * files as `${file:PATH}`; `$${` stands for `${`.
 */
export interface ServerDraft {
  readonly command: string | null;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | null;
  readonly url: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly isSse: boolean;
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[];
  readonly connectSeconds: number | null;
  readonly requestSeconds: number | null;
  readonly isEnabled: boolean;
  /** Whether it needs a login of the user. */
  readonly needsLogin: boolean;
  /** What people should know of the translation. */
  readonly notes: readonly string[];
  readonly wanted: readonly WantedVariable[];
}

export const emptyDraft: ServerDraft = {
  command: null,
  args: [],
  env: {},
  cwd: null,
  url: null,
  headers: {},
  isSse: false,
  allow: null,
  deny: [],
  connectSeconds: null,
  requestSeconds: null,
  isEnabled: true,
  needsLogin: false,
  notes: [],
  wanted: [],
};

/** All texts of a server that may refer to variables. */
export function textsOfDraft({ command, url, cwd, args, env, headers }: ServerDraft): string[] {
  const texts = [command, url, cwd, ...args, ...Object.values(env), ...Object.values(headers)];
  return texts.filter((text) => text !== null);
}
