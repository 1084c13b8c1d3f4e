/**
 * Why a process could not be started:
 *
 * - `unstartable`: the command or its directory is missing or unusable, which will hardly change by itself.
 * - `exhausted`: the gateway is out of file descriptors.
 * - `refused`: the system refused to start it, perhaps for a moment.
 */
type ProcessFailureKind = 'unstartable' | 'exhausted' | 'refused';

/** A process that could not be started. The message names the command, never its arguments. */
export class ProcessFailure extends Error {
  readonly kind: ProcessFailureKind;
  /** The directories that were searched for the command; empty: none was. */
  readonly searched: readonly string[];

  constructor(kind: ProcessFailureKind, message: string, searched: readonly string[] = []) {
    super(message);
    this.name = 'ProcessFailure';
    this.kind = kind;
    this.searched = searched;
  }
}
