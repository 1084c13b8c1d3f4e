import { type BearerProblem, bearerProblems } from './guards.ts';

/** Sets the type itself, because Bun adds it to a GET but not to a HEAD. */
export function plain(status: number, text: string): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain;charset=utf-8' } });
}

export function jsonError(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

/** RFC 6750, 3. */
export function unauthorized(problem: BearerProblem): Response {
  const { challenge, error } = bearerProblems[problem];
  return Response.json({ error }, { status: 401, headers: { 'www-authenticate': challenge } });
}
