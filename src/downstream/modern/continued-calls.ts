import { GatewayError } from '../../errors.ts';
import type { Answer } from '../../protocol/exchange.ts';
import { LinkedList } from '../../runtime/linked-list.ts';
import { type ContinuationOwner, ContinuedCall } from './continued-call.ts';
import type { ModernCall } from './modern-call.ts';

/** The calls that go on at once: in all, and those of one principal. */
const maxCalls = 4_000;
const maxPrincipalCalls = 2_000;
/** What they hold: params, open questions and answers that are kept. Counted in characters. */
const maxBytes = 64 * 1024 * 1024;
/** How long an answer is kept for a retry that is repeated, and one that no retry has got so far. */
const keptMs = 60_000;
const unclaimedMs = 600_000;
/** As long as states are good: an answered one must not be good for another execution. */
const rememberedMs = 600_000;
/** The calls with an answer that are remembered. */
const maxEnded = 20_000;
const sweepMs = 5_000;

/** Calls that go on over several requests of their clients, and those that have ended. */
export class ContinuedCalls {
  readonly #owner: ContinuationOwner;
  readonly #byKey = new Map<string, ContinuedCall>();
  readonly #running = new LinkedList<ContinuedCall>();
  readonly #principalCalls = new Map<string, number>();
  /** Ended ones in the order of their ends: with an answer that was claimed, with one that was not, and without. */
  readonly #answered = new LinkedList<ContinuedCall>();
  readonly #unclaimed = new LinkedList<ContinuedCall>();
  readonly #spent = new LinkedList<ContinuedCall>();
  #heldBytes = 0;
  #isSweeping = false;

  constructor(parts: Omit<ContinuationOwner, 'tryHold' | 'onEnded'>) {
    this.#owner = {
      ...parts,
      tryHold: (bytes) => this.#tryHold(bytes),
      onEnded: (...ended) => this.#onEnded(...ended),
    };
  }

  /** The calls that have no answer. */
  get running(): Iterable<ContinuedCall> {
    return this.#running;
  }

  find(key: string): ContinuedCall | undefined {
    return this.#byKey.get(key);
  }

  /**
   * Lets a call go on after its reply. Returns null if there are too many.
   * @param answered as in {@link ContinuedCall}
   */
  add(
    key: string,
    exchange: ModernCall,
    answered: { readonly round: number; readonly digest: string } | null = null,
  ): ContinuedCall | null {
    const { principal } = exchange.caller;
    const count = this.#principalCalls.get(principal) ?? 0;
    // The params are held twice: as received, and as sent upstream.
    const bytes = 2 * (exchange.params === undefined ? 0 : exchange.params.end - exchange.params.start);
    if (this.#running.size >= maxCalls || count >= maxPrincipalCalls || !this.#tryHold(bytes)) return null;
    this.#principalCalls.set(principal, count + 1);
    const call = new ContinuedCall(this.#owner, key, exchange, answered, bytes);
    this.#byKey.set(key, call);
    this.#running.add(call);
    return call;
  }

  /** Calls that go on come before answers that are kept, and these before older ones. */
  #tryHold(bytes: number): boolean {
    while (bytes > 0 && this.#heldBytes + bytes > maxBytes) if (!this.#spendOldest()) return false;
    this.#heldBytes += bytes;
    return true;
  }

  #spendOldest(): boolean {
    const oldest = this.#answered.first ?? this.#unclaimed.first;
    if (oldest) this.#spend(oldest);
    return oldest !== null;
  }

  /** Forgets the answer of an ended call, but not the call. */
  #spend(call: ContinuedCall): void {
    call.forgetAnswer();
    call.unlink();
    this.#spent.add(call);
  }

  #onEnded(call: ContinuedCall, outcome: Answer | GatewayError, isClaimed: boolean): void {
    call.unlink();
    const left = (this.#principalCalls.get(call.principal) ?? 0) - 1;
    if (left > 0) this.#principalCalls.set(call.principal, left);
    else this.#principalCalls.delete(call.principal);
    const isError = outcome instanceof GatewayError || outcome.kind === 'error';
    // A client that was told of a failure may try again, if the upstream's state allows that.
    if (!call.wasAsked || (isError && isClaimed && call.isStateless)) {
      this.#forget(call);
      return;
    }
    call.endedMs = this.#owner.deadlines.clock.nowMs();
    (isClaimed ? this.#answered : this.#unclaimed).add(call);
    while (this.#answered.size + this.#unclaimed.size + this.#spent.size > maxEnded)
      this.#forget((this.#spent.first ?? this.#answered.first ?? this.#unclaimed.first) as ContinuedCall);
    this.#sweepLater();
  }

  #sweepLater(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    this.#owner.deadlines.add(sweepMs, () => this.#sweep());
  }

  /** Drops answers, and then calls, after their times. */
  #sweep(): void {
    this.#isSweeping = false;
    for (const [list, ms] of [
      [this.#answered, keptMs],
      [this.#unclaimed, unclaimedMs],
    ] as const)
      for (const call of this.#endedBefore(list, ms)) this.#spend(call);
    for (const call of this.#endedBefore(this.#spent, rememberedMs)) this.#forget(call);
    if (this.#answered.size + this.#unclaimed.size + this.#spent.size > 0) this.#sweepLater();
  }

  *#endedBefore(list: LinkedList<ContinuedCall>, ms: number): Generator<ContinuedCall> {
    const beforeMs = this.#owner.deadlines.clock.nowMs() - ms;
    for (let call = list.first; call && call.endedMs <= beforeMs; call = list.first) yield call;
  }

  #forget(call: ContinuedCall): void {
    call.unlink();
    call.forgetAnswer();
    this.#byKey.delete(call.key);
  }
}
