import { ObjectText } from '../../json/object.ts';
import type { Caller } from '../../protocol/caller.ts';

/** The extension that defines a type of results. MCP 2026-07-28, Extensions. */
const extensionOfType: ReadonlyMap<string, string> = new Map([['task', 'io.modelcontextprotocol/tasks']]);

/**
 * Whether a client has declared the extension that defines a type of results. A type of an unknown extension may be of any that
 * it has declared.
 */
export function hasNegotiated({ capabilities }: Caller, resultType: string): boolean {
  const extensions = new ObjectText(capabilities).object('extensions');
  if (extensions === undefined) return false;
  const extension = extensionOfType.get(resultType);
  return extension === undefined || extensions.object(extension) !== undefined;
}
