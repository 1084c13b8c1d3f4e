import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../protocol/caller.ts';
import { declaredObject } from '../../protocol/capabilities.ts';
import { tasksExtension } from '../../protocol/extensions.ts';

/**
 * Throws `missing_client_capability` if a client of the modern era has not declared the extension for tasks. SEP-2663, Protocol
 * Errors.
 * @param what needs it, for the error
 */
export function requireTasks({ capabilities }: Caller, what: string): void {
  if (declaredObject(capabilities, 'extensions', tasksExtension) !== undefined) return;
  throw new GatewayError(
    'missing_client_capability',
    `${what} needs the extension "${tasksExtension}", which the request does not declare`,
    { requiredCapabilities: { extensions: { [tasksExtension]: {} } } },
  );
}
