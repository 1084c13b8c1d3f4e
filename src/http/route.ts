import type { Access } from './access.ts';
import type { BearerProblem } from './guards.ts';

/** A request with the parts of its path that the route names. */
type RoutedRequest = Request & { readonly params?: Readonly<Record<string, string>> };

export type Handler = (request: RoutedRequest, server: Bun.Server<undefined>) => Response | Promise<Response>;

/** What the server does at a path. */
export interface Route {
  readonly methods: Readonly<Record<string, Handler>>;
  /** Who may use it. */
  readonly access: Access;
  /** It reports the state of the process, so it is answered even before the gateway serves. */
  readonly isProbe?: true;
  /** The response to whoever may not; null, or absent: the usual one. */
  readonly unauthorized?: (problem: BearerProblem, request: Request) => Promise<Response> | null;
}
