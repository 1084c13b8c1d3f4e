import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { descriptors } from '../runtime/descriptors.ts';
import { scanRoot } from './connect/jsonc-scan.ts';
import { SpliceRefusal } from './connect/splice.ts';
import type { ClientRow } from './row.ts';

/** Claude Code keeps its history in the same file; nobody has a larger one of these. */
const maxFileBytes = 32 * 1024 * 1024;

/** The data of a file, or why it could not be read, as the end of a sentence that begins with its path. */
export type ReadResult = { readonly value: unknown } | { readonly fault: string };

/** Reads a file of a client; null if there is none. It only reads. */
export function readClientFile(path: string, format: ClientRow['format']): ReadResult | null {
  const bytes = bytesOf(path);
  return bytes === null || 'fault' in bytes ? bytes : parseClientText(bytes.text, format);
}

/** The text of a file; null if there is none. */
export function bytesOf(path: string): { readonly text: string } | { readonly fault: string } | null {
  try {
    const bytes = descriptors.use(() => {
      // Checked before opening: opening a pipe without a writer blocks forever.
      const status = statSync(path);
      if (status.isDirectory()) return 'is a directory';
      if (!status.isFile()) return 'is not a regular file';
      return status.size > maxFileBytes ? 'is larger than 32 MiB' : readFileSync(path);
    });
    if (typeof bytes === 'string') return { fault: bytes };
    if (bytes.length > maxFileBytes) return { fault: 'is larger than 32 MiB' };
    if (!isUtf8(bytes)) return { fault: 'is not UTF-8' };
    return { text: new TextDecoder().decode(bytes) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'EACCES' || code === 'EPERM') return { fault: 'cannot be read: permission denied' };
    return { fault: `cannot be read: ${code ?? 'unknown error'}` };
  }
}

const formatNames = { jsonc: 'JSON', toml: 'TOML', yaml: 'YAML', xml: 'XML' } as const;

/** Parses the text of a client's file. An empty one, which clients create, has no servers. */
export function parseClientText(text: string, format: ClientRow['format']): ReadResult {
  const bare = text.replace(/^\uFEFF/, '');
  if (bare.trim() === '') return { value: {} };
  try {
    if (format === 'toml') return { value: Bun.TOML.parse(bare) };
    // Merge keys and many aliases are no part of such files.
    if (format === 'yaml') return { value: parseYaml(bare, { maxAliasCount: 100, logLevel: 'error' }) };
    return { value: Bun.JSONC.parse(bare) };
  } catch (error) {
    return {
      fault: `is no valid ${formatNames[format]}${error instanceof RangeError ? reasonOf(error) : (jsonPlace(bare, format) ?? reasonOf(error))}`,
    };
  }
}

/** Where JSON is wrong, which its parser does not say; null: nowhere, or it is another format. */
function jsonPlace(text: string, format: ClientRow['format']): string | null {
  if (format !== 'jsonc') return null;
  try {
    scanRoot(text);
    return null;
  } catch (error) {
    return error instanceof SpliceRefusal
      ? `: ${error.message.replace(/^it is no JSON with comments: /, '')}`
      : null;
  }
}

/** What a parser complains about, without what it found: that may be a secret. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return ': it is nested too deeply';
  const [line = ''] = (error as Error).message.split('\n');
  const place = /at line \d+, column \d+/.exec(line)?.[0];
  const text = line
    .replace(/^(?:JSONC|TOML|YAML) Parse error: /, '')
    .replace(/ but found.*| at line .*|:.*/s, '')
    .replace(/(?<=\bunexpected )\w.*/is, (word) => (/^(?:end|token|EOF)\b/i.test(word) ? word : 'word'))
    .replace(/["'`].*["'`]/s, (quoted) => (/^["'`][\]}[{,:="]["'`]$/.test(quoted) ? quoted : '…'));
  if (text === '' || text.length > 100) return place === undefined ? '' : ` ${place}`;
  return `${place === undefined ? '' : ` ${place}`}: ${text[0]?.toLowerCase()}${text.slice(1)}`;
}
