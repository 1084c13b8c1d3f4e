import type { Exchange } from '../../protocol/exchange.ts';
import { copyOf, RecentValues } from '../../runtime/recent-values.ts';

/** Questions that an upstream asks within this time of one another reach the client together. */
const quietMs = 10;
/** So many lone questions in a row tell that no others will follow. */
const loneEnough = 3;
/** Questions that came together outweigh as many lone ones. */
const togetherWeight = 20;
/** Half of the most items that are remembered. */
const maxItems = 500;
/** Longer names are truncated. */
const maxNameChars = 200;

/**
 * Learns which tools, prompts and resources ask one question at a time. Their clients are asked at once: the wait for further
 * questions would cost more than all else that a parked call adds. A question that comes late costs one more round.
 */
export class AskingPace {
  /** The lone questions since others came together, by item; fewer than none: as many are missing. */
  readonly #lone = new RecentValues<number>(maxItems);

  /** How long to wait for another question of the item. */
  quietMs(item: string): number {
    return (this.#lone.get(item) ?? 0) < loneEnough ? quietMs : 0;
  }

  /** A client is asked one question of the item. */
  askedAlone(item: string): void {
    this.#lone.set(item, Math.min(loneEnough, (this.#lone.get(item) ?? 0) + 1));
  }

  /** The item has asked while another question of the same call was open. */
  askedTogether(item: string): void {
    this.#lone.set(item, -togetherWeight);
  }
}

/** What a request is for, as a key. It is a copy: a slice would keep the whole request in memory. */
export function itemOf({ method, params }: Exchange, server: string): string {
  const name = params?.string('name') ?? params?.string('uri') ?? '';
  return copyOf(`${server} ${method} ${name.slice(0, maxNameChars)}`);
}
