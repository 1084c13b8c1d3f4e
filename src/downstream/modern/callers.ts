import type { Caller, Principal } from '../../protocol/caller.ts';
import type { Envelope } from './envelope.ts';

/** The most callers in each of the two generations. */
const maxCallers = 1_000;
/** Longer descriptions are not kept. */
const maxKeptChars = 16 * 1024;

/** The callers of modern requests. Requests that say the same of their client share one, for as long as it is in use. */
export class ModernCallers {
  #last: Caller | null = null;
  #young = new Map<string, Caller>();
  /** Callers that become young again when they are used, and else go. */
  #old: ReadonlyMap<string, Caller> = new Map();

  of(principal: Principal, view: string, { clientInfo, capabilities, logLevel }: Envelope): Caller {
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
    const isLong = clientInfo.length + capabilities.length > maxKeptChars;
    const make = (): Caller => ({
      principal,
      era: 'modern',
      sessionId: null,
      clientInfo: isLong ? clientInfo : copyOf(clientInfo),
      capabilities: isLong ? capabilities : copyOf(capabilities),
      view,
      logLevel,
      channel: null,
    });
    if (isLong) return make();
    const key = `${principal} ${view} ${logLevel} ${clientInfo} ${capabilities}`;
    const caller = this.#young.get(key) ?? this.#old.get(key) ?? make();
    this.#last = caller;
    this.#keep(key, caller);
    return caller;
  }

  #keep(key: string, caller: Caller): void {
    if (this.#young.has(key)) return;
    if (this.#young.size === maxCallers) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(copyOf(key), caller);
  }
}

/** A slice would keep the whole request body in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}
