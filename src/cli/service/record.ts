import type { ServiceSettings } from './manager.ts';

// The file that describes the service says in a comment what it was made from: that tells our files from a person's, and is
// read back by `service status` and `doctor`, whatever the format of the file.

/** The first comment of each file. */
export const notice = 'Written by "mcpstead service install", which replaces it.';

const key = 'mcpstead-service';

/** What the file of an installed service says of it. */
export type ServiceRecord = Pick<ServiceSettings, 'program' | 'config' | 'path'>;

/** The record as one line of ASCII without characters that end or expand in a comment of any of the formats. */
export function encodeRecord({ program, config, path }: ServiceRecord): string {
  const text = JSON.stringify({ [key]: 1, program, config, path });
  return text.replace(
    /[^ -~]|[-%&<>^|!]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The record in the text of a file, or null if the file is not ours. */
export function decodeRecord(text: string): ServiceRecord | null {
  const line = new RegExp(`\\{"${key.replace('-', '\\\\u002d')}":1,.*\\}`).exec(text)?.[0];
  if (line === undefined) return null;
  try {
    const { program, config, path } = JSON.parse(line) as ServiceRecord;
    const isRecord =
      Array.isArray(program) &&
      program.every((word) => typeof word === 'string') &&
      typeof config === 'string' &&
      (path === null || typeof path === 'string');
    return isRecord ? { program, config, path } : null;
  } catch {
    return null;
  }
}
