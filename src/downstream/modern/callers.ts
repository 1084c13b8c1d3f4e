import type { Caller, Principal } from '../../protocol/caller.ts';
import { copyOf, RecentValues } from '../../runtime/recent-values.ts';
import type { Envelope } from './envelope.ts';

/** Longer descriptions are not kept. */
const maxKeptChars = 16 * 1024;

/** The callers of modern requests. Requests that say the same of their client share one, for as long as it is in use. */
export class ModernCallers {
  readonly #recent = new RecentValues<Caller>(1_000);
  #last: Caller | null = null;

  of(principal: Principal, view: string, envelope: Envelope): Caller {
    const { clientInfo, capabilities, logLevel } = envelope;
    const last = this.#last;
    if (
      last !== null &&
      last.clientInfo === clientInfo &&
      last.capabilities === capabilities &&
      last.view === view &&
      last.logLevel === logLevel &&
      last.principal === principal
    )
      return last;
    if (clientInfo.length + capabilities.length > maxKeptChars) return callerOf(principal, view, envelope);
    const key = `${principal} ${view} ${logLevel} ${clientInfo} ${capabilities}`;
    let caller = this.#recent.get(key);
    if (caller === undefined) {
      const kept = { ...envelope, clientInfo: copyOf(clientInfo), capabilities: copyOf(capabilities) };
      caller = callerOf(principal, view, kept);
      this.#recent.set(key, caller);
    }
    this.#last = caller;
    return caller;
  }
}

function callerOf(principal: Principal, view: string, envelope: Envelope): Caller {
  const { clientInfo, capabilities, logLevel } = envelope;
  return {
    principal,
    era: 'modern',
    sessionId: null,
    clientInfo,
    capabilities,
    view,
    logLevel,
    channel: null,
  };
}
