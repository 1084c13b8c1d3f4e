import { nameOf, proxyRefusal } from '../../http-client/connect-failure.ts';
import type { HttpSession } from '../../http-client/http-session.ts';
import type { HttpResponse } from '../../http-client/response.ts';
import { explanationIn } from '../explanation.ts';
import { statusFailure, UpstreamFailure } from '../failure.ts';

/** Replaces the secrets of a session in the server's words; shorter ones would garble the words. */
const redacted = '[redacted]';
const minSecretChars = 4;

/**
 * The failure that an error status means, with the server's own short explanation.
 * @param body the beginning of the response's body
 * @param sessionId the id of the MCP session, which is a secret
 */
export function refusalOf(
  http: HttpSession,
  response: HttpResponse,
  body: string,
  sessionId = '',
): UpstreamFailure {
  const { status } = response;
  const { options, route } = http.client;
  let words = explanationIn(status, body, response.header('www-authenticate'));
  for (const secret of [sessionId, ...http.cookieValues])
    if (secret.length >= minSecretChars) words = words.replaceAll(secret, redacted);
  const failure = statusFailure(status, options.quote(words));
  if (route.forwarding === null) return failure;
  const because = (message: string) =>
    new UpstreamFailure(failure.kind, message, undefined, undefined, status);
  if (status === 407) return because(proxyRefusal(status, route.target, 'it'));
  // The proxy and the server cannot be told apart.
  if (status < 502 || status > 504) return failure;
  return because(`${failure.message}, through ${nameOf(route.target)}`);
}
