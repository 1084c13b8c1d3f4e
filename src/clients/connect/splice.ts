import type { Splice } from '../../config/edits/lines.ts';

/** An edit that the text as it is does not allow. The message says why, for people, without values of the text. */
export class SpliceRefusal extends Error {}

/** Puts `insert` in the place of what is between two offsets. */
export const swap = (start: number, end: number, insert: string): Splice => ({
  at: start,
  remove: end - start,
  insert,
});

/** Inserts a text. */
export const put = (at: number, insert: string): Splice => ({ at, remove: 0, insert });

/** Cuts out what is between two offsets. */
export const cut = (start: number, end: number): Splice => swap(start, end, '');
