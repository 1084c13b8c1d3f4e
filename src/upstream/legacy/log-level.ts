import { isSevere, type Severity } from '../../protocol/severity.ts';
import type { Signal } from '../../runtime/abort.ts';
import { freePayload } from '../../runtime/owned-bytes.ts';
import type { OwnRequests } from '../requests/own-requests.ts';

/** How long the upstream may take to change the level of its log messages. A call waits for that. */
const timeoutMs = 5_000;

/** The least severe log messages that the upstream sends in a session. MCP 2025-11-25, Logging, Setting Log Level. */
export class UpstreamLogLevel {
  readonly #requests: OwnRequests;
  readonly #hasOneClient: boolean;
  /** What the upstream was asked for; null: nothing. */
  #level: Severity | null = null;

  constructor(requests: OwnRequests, hasOneClient: boolean) {
    this.#requests = requests;
    this.#hasOneClient = hasOneClient;
  }

  /**
   * Whether a client's level is to be set before its call. A session of one client follows its level. In a shared one, each
   * client's edge leaves out what is not severe enough for it.
   */
  isNews(level: Severity): boolean {
    if (level === this.#level) return false;
    return this.#level === null || this.#hasOneClient || isSevere(this.#level, level);
  }

  /**
   * Does not reject: the call that wants the level is made in any case.
   * @param isDeclared whether the upstream has levels
   */
  async set(level: Severity, isDeclared: boolean, signal: Signal): Promise<void> {
    this.#level = level;
    if (!isDeclared) return;
    try {
      const params = JSON.stringify({ level });
      const { payload } = await this.#requests.ask('logging/setLevel', params, timeoutMs, signal);
      freePayload(payload);
    } catch {
      // The call shows whether the session lives. If it does, the next client that wants the level asks again.
      this.#level = null;
    }
  }
}
