import type { CallFailureReason } from '../errors.ts';

/** `tool_error`: the tool itself reports an error as its result; `error`: there is no result. */
export type CallOutcome = 'ok' | 'tool_error' | 'error';

/** Who called. */
interface CallingClient {
  readonly era: string;
  /** The JSON object in which the client describes itself. */
  readonly clientInfo: string;
}

/** A call of a tool that ends. */
export interface EndingCall {
  /** The time of arrival, by `performance.now()`. */
  readonly startMs: number;
  readonly caller: CallingClient;
}

/** The tool that was called. */
interface CalledTool {
  readonly server: string;
  readonly name: string;
}

/** A call of a tool that has ended, without what it was about. */
export interface CallRecord {
  readonly server: string;
  readonly tool: string;
  readonly era: string;
  readonly clientInfo: string;
  /** By `performance.now()`. */
  readonly endMs: number;
  readonly durationMs: number;
  readonly outcome: CallOutcome;
  /** Null unless it failed. */
  readonly reason: CallFailureReason | null;
}

/** Longer descriptions may be slices of whole request bodies, which they would keep in memory. */
const maxClientInfoChars = 16 * 1024;
const nobody = '{}';

/** The last calls. Their records are reused, so that a call costs no memory. */
export class RecentCalls {
  readonly #slots: Slot[];
  #added = 0;

  constructor(max = 50) {
    this.#slots = Array.from({ length: max }, () => new Slot());
  }

  add(
    tool: CalledTool,
    { era, clientInfo }: CallingClient,
    endMs: number,
    durationMs: number,
    outcome: CallOutcome,
    reason: CallFailureReason | null,
  ): void {
    const slot = this.#slots[this.#added % this.#slots.length]!;
    this.#added++;
    slot.tool = tool;
    slot.era = era;
    slot.clientInfo = clientInfo.length > maxClientInfoChars ? nobody : clientInfo;
    slot.endMs = endMs;
    slot.durationMs = durationMs;
    slot.outcome = outcome;
    slot.reason = reason;
  }

  /** Copies of the records, the newest first. */
  list(): CallRecord[] {
    const max = this.#slots.length;
    return Array.from({ length: Math.min(this.#added, max) }, (_, index) =>
      this.#slots[(this.#added - 1 - index) % max]!.copy(),
    );
  }
}

class Slot {
  tool: CalledTool = { server: '', name: '' };
  era = '';
  clientInfo = nobody;
  endMs = 0;
  durationMs = 0;
  outcome: CallOutcome = 'ok';
  reason: CallFailureReason | null = null;

  copy(): CallRecord {
    const { tool, era, clientInfo, endMs, durationMs, outcome, reason } = this;
    const { server, name } = tool;
    return { server, tool: name, era, clientInfo, endMs, durationMs, outcome, reason };
  }
}
