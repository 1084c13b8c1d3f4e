import { ObjectText } from '../json/object.ts';
import { TooManyError } from '../json/scan.ts';

/**
 * The object that a peer declares among its capabilities under these names, each within the one before; undefined if there is none.
 * Objects with more members than are read count as absent, so that nobody has to expect an error here.
 */
export function declaredObject(
  capabilities: string | ObjectText,
  ...names: readonly string[]
): ObjectText | undefined {
  try {
    let object = typeof capabilities === 'string' ? ObjectText.of(capabilities) : capabilities;
    for (const name of names) object = object?.object(name);
    return object;
  } catch (error) {
    if (error instanceof TooManyError) return undefined;
    throw error;
  }
}
