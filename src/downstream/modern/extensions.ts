import type { Caller } from '../../protocol/caller.ts';
import { declaredObject } from '../../protocol/capabilities.ts';
import { tasksExtension } from '../../protocol/extensions.ts';

/** The extension that defines a type of results. MCP 2026-07-28, Extensions. */
const extensionOfType: ReadonlyMap<string, string> = new Map([['task', tasksExtension]]);

/**
 * Whether a client has declared the extension that defines a type of results. A type of an unknown extension may be of any that
 * it has declared.
 */
export function hasNegotiated({ capabilities }: Caller, resultType: string): boolean {
  const extension = extensionOfType.get(resultType);
  const names = extension === undefined ? ['extensions'] : ['extensions', extension];
  return declaredObject(capabilities, ...names) !== undefined;
}
