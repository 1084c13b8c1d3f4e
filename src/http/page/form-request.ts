import type { GatewayError } from '../../errors.ts';
import type { Holding } from '../../runtime/byte-budget.ts';
import { BodyRequest } from '../request-body.ts';

/** More than any token. */
const maxBytes = 8 * 1024;

/** A form that a browser posts. */
export class FormRequest extends BodyRequest {
  readonly #read = Promise.withResolvers<URLSearchParams>();

  constructor(request: Request) {
    super(request, maxBytes);
  }

  /** Its fields. Rejects with a {@link GatewayError} if they do not arrive; then the connection must not serve another request. */
  fields(): Promise<URLSearchParams> {
    this.readBody();
    return this.#read.promise;
  }

  bodyRead(text: string, holding: Holding | null): void {
    holding?.release();
    this.#read.resolve(new URLSearchParams(text));
  }

  bodyFailed(error: GatewayError): void {
    this.#read.reject(error);
  }
}
