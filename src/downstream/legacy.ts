import { GatewayError } from '../errors.ts';
import { memberText } from '../protocol/json-text.ts';
import { isObject, type JsonObject, type NotificationMessage } from '../protocol/jsonrpc.ts';
import { negotiateVersion } from '../protocol/versions.ts';
import { build } from '../version.ts';
import type { Session } from './sessions.ts';

/** As much of a client's name as is logged. */
const maxNameChars = 100;

/** What the gateway offers its clients. MCP 2025-11-25, Lifecycle, Capability Negotiation. */
const capabilities = { tools: { listChanged: true } };

/** The result of `initialize`. Throws `invalid_params` where the client's own params are wrong. */
export function initializeResult(params: JsonObject | undefined): string {
  const { protocolVersion, capabilities: offered, clientInfo } = params ?? {};
  const wrong = (what: string) => new GatewayError('invalid_params', `initialize: ${what}`);
  if (typeof protocolVersion !== 'string') throw wrong('"protocolVersion" must be a string');
  if (offered !== undefined && !isObject(offered)) throw wrong('"capabilities" must be an object');
  if (clientInfo !== undefined && !isObject(clientInfo)) throw wrong('"clientInfo" must be an object');
  return JSON.stringify({
    protocolVersion: negotiateVersion(protocolVersion),
    capabilities,
    serverInfo: { name: 'mcpstead', version: build.version },
  });
}

/** What the client of an `initialize` calls itself, for the log. */
export function clientName(params: JsonObject | undefined): string {
  const { name } = (params?.clientInfo ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name.slice(0, maxNameChars) : 'unnamed';
}

/** Takes a client's notification. Those that nothing here waits for are accepted all the same. */
export function takeNotification(message: NotificationMessage, session: Session | undefined): void {
  if (session === undefined) return;
  if (message.method === 'notifications/cancelled' && message.paramsText !== undefined) {
    // The text, not the value: an id may be a number that no double holds.
    const idText = memberText(message.paramsText, 'requestId');
    if (idText !== undefined) session.cancel(idText);
  }
}
