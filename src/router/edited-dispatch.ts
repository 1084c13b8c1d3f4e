import { longValues, maxShortChars } from '../json/long-values.ts';
import { ObjectText } from '../json/object.ts';
import { type Ends, TooManyError } from '../json/scan.ts';
import type { ResultAnswer } from '../protocol/exchange.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import { textOf } from '../runtime/owned-bytes.ts';
import { Dispatch } from './dispatch.ts';

/** A request whose result the gateway changes on the way. */
export abstract class EditedDispatch extends Dispatch {
  /** Where long values of the result end. */
  #ends: Ends | undefined;

  override resolve(response: ResponseMessage): void {
    if (response.error || response.payload.length <= maxShortChars) super.resolve(response);
    else {
      // A long result is scanned in slices, so that other calls continue in between.
      longValues(textOf(response.payload), 0, '', 1).then(
        (ends) => {
          this.#ends = ends;
          super.resolve(response);
        },
        (error) => this.reject(error),
      );
    }
  }

  /** The JSON text of the result for the client. */
  protected abstract edited(result: ObjectText): string;

  protected override refined(result: ResultAnswer): ResultAnswer {
    const { payload } = result;
    const text = textOf(payload);
    // The text of a result that is an error may have changed, because secrets were removed.
    const ends = result.isError ? undefined : this.#ends;
    let edited: string;
    try {
      edited = this.edited(new ObjectText(text, undefined, ends));
    } catch (error) {
      if (error instanceof TooManyError) return result;
      throw error;
    }
    if (edited === text) return result;
    return { ...result, payload: typeof payload === 'string' ? edited : payload.replaced(edited) };
  }
}
