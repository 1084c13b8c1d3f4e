import type { HttpClient } from '../../http-client/client.ts';
import { HttpSession } from '../../http-client/http-session.ts';
import type { Era } from '../../protocol/versions.ts';
import { SseTransport } from './sse.ts';
import { StreamableTransport } from './streamable.ts';
import type { TransportSource } from './transport.ts';

/** @param isAnyEventName whether events of any name carry messages */
export function streamableSource(http: HttpClient, era: Era, isAnyEventName: () => boolean): TransportSource {
  return (events) => new StreamableTransport(new HttpSession(http), era, events, isAnyEventName);
}

/**
 * @param url the URL of the event stream, without user info, which URLs that the server gives relative to it would inherit
 * @param isAnyEventName whether events of any name carry messages
 */
export function sseSource(http: HttpClient, url: string, isAnyEventName: () => boolean): TransportSource {
  return (events) => new SseTransport(new HttpSession(http), url, events, isAnyEventName);
}
