import { longValues, maxShortChars } from '../json/long-values.ts';
import { ObjectText } from '../json/object.ts';
import { type Ends, TooManyError } from '../json/scan.ts';
import type { ResultAnswer } from '../protocol/exchange.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import { textOf } from '../runtime/owned-bytes.ts';
import { Dispatch } from './dispatch.ts';

/** A request whose result the gateway changes on the way. */
export abstract class EditedDispatch extends Dispatch {
  /** How many levels of objects in a long result are looked at. */
  protected readonly levels: number = 1;
  /** Where long values of the result end. */
  protected ends: Ends | undefined;

  override resolve(response: ResponseMessage): void {
    if (response.error || response.payload.length <= maxShortChars) super.resolve(response);
    else {
      // A long result is scanned in slices, so that other calls continue in between.
      longValues(textOf(response.payload), 0, '', this.levels).then(
        (ends) => {
          this.ends = ends;
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
    const ends = result.isError ? undefined : this.ends;
    const edited = readObject(text, ends, (object) => this.edited(object)) ?? text;
    if (edited === text) return result;
    const replaced = typeof payload === 'string' ? edited : payload.replaced(edited);
    return { ...result, payload: replaced, result: undefined };
  }
}

/**
 * What `read` finds in the text of an object; null if that has too many members.
 * @param ends the known ends of long values
 */
export function readObject<T>(
  text: string,
  ends: Ends | undefined,
  read: (object: ObjectText) => T,
): T | null {
  try {
    return read(new ObjectText(text, undefined, ends));
  } catch (error) {
    if (error instanceof TooManyError) return null;
    throw error;
  }
}
