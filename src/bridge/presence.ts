import { HttpFailure } from '../http-client/http-failure.ts';
import { Abort } from '../runtime/abort.ts';
import type { GatewayEndpoint } from './gateway-endpoint.ts';

/** Tells a gateway of this machine that a bridge uses it, by a stream that is open for as long. It also shows when the gateway ends. */
export class Presence {
  readonly #endpoint: GatewayEndpoint;
  readonly #url: string;
  readonly #onLost: (error: unknown) => void;
  readonly #abort = new Abort();

  /** @param onLost called once when the stream breaks */
  constructor(endpoint: GatewayEndpoint, url: string, onLost: (error: unknown) => void) {
    this.#endpoint = endpoint;
    this.#url = url;
    this.#onLost = onLost;
  }

  open(): void {
    void this.#follow();
  }

  close(): void {
    this.#abort.abort();
    this.#endpoint.done(this.#abort);
  }

  async #follow(): Promise<void> {
    try {
      const url = this.#url;
      const response = await this.#endpoint.fetch({ method: 'GET', url, abort: this.#abort });
      if (response.status === 503) throw new HttpFailure('broken', 'it stops');
      if (!response.ok) {
        // An older gateway, which counts nobody.
        await response.discard();
        this.#endpoint.done(this.#abort);
        return;
      }
      while ((await response.read()) !== null) this.#endpoint.heard();
      throw new HttpFailure('broken', 'it has ended');
    } catch (error) {
      this.#endpoint.done(this.#abort);
      if (!this.#abort.aborted) this.#onLost(error);
    }
  }
}
