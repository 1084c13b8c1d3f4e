import { ObjectText } from '../json/object.ts';
import { isSevere, type Severity } from '../protocol/severity.ts';

/** MCP 2025-11-25 and 2026-07-28, Logging, Log Message Notifications. */
export const logNotification = 'notifications/message';

/** Whether a client wants a log message. @param paramsText of its notification; @param least the client's level */
export function isWantedLog(paramsText: string | undefined, least: Severity): boolean {
  return paramsText === undefined || isSevere(new ObjectText(paramsText).string('level'), least);
}
