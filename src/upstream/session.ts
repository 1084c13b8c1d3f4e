import type { MemberEdit, ObjectText } from '../json/object.ts';
import type { Caller } from '../protocol/caller.ts';
import type { Kind } from '../protocol/kinds.ts';
import type { MessageLog } from '../protocol/message-log.ts';
import type { ResponseMessage } from '../protocol/messages.ts';
import type { QuestionMethod } from '../protocol/questions.ts';
import type { Era } from '../protocol/versions.ts';
import type { Signal } from '../runtime/abort.ts';
import type { Completion } from '../runtime/completion.ts';
import type { UpstreamFailure } from './failure.ts';
import type { Item } from './items/item-list.ts';
import type { UpstreamCall } from './pending-request.ts';

/** The client on whose behalf a session is opened. */
export interface SessionClient extends Pick<Caller, 'clientInfo' | 'capabilities'> {
  /** For what belongs to none of its calls; absent or null: it has none. */
  readonly channel?: Caller['channel'];
}

/** What a session needs of its owner. */
export interface SessionEvents {
  /** The only client of the session, which is introduced in its own words; null: many clients share it. */
  readonly client: SessionClient | null;
  /** Whether the owner wants to know of changes. */
  readonly wantsChanges: boolean;
  /** The id of this gateway, which an upstream that leads back to it reports. */
  readonly instance: string;
  /** Logs each message, if that is wanted. */
  readonly messages?: MessageLog | null;
  /** Makes words of the upstream fit to be shown: short, on one line, without secrets. */
  quote(text: string): string;
  /** The upstream says that its items of these kinds have changed. */
  onItemsChanged(session: UpstreamSession, changed: readonly Kind[]): void;
  /** Items were listed. `faults` tells what the list left out and why, in words of the upstream; null: nothing. */
  onItemFaults(kind: Kind, faults: string | null): void;
  /** A resource to which the session subscribes has changed. @param paramsText of the notification */
  onResourceUpdated(session: UpstreamSession, uri: string, paramsText: string): void;
  /** A task has changed. MCP 2025-11-25, Tasks, Task Status Notification. @param params of the notification */
  onTaskStatus(params: ObjectText): void;
  /** A question of the upstream belongs to no single call, or there are too many, and was refused. */
  onQuestionRefused(method: QuestionMethod): void;
  /** A log message belongs to no single call and was dropped. */
  onLogDropped(): void;
  /** The transport has ended. */
  onClosed(session: UpstreamSession, error: Error): void;
  /** The session may be lost, or the upstream dead. */
  onSuspect(session: UpstreamSession): void;
  /** The upstream has sent a message. */
  onSeen(): void;
  /** The upstream does something odd, which is tolerated. `what` is one of a fixed number of texts. */
  onOddity(what: string): void;
}

/** An initialized session with an upstream, whatever its era and transport. */
export interface UpstreamSession {
  /** Whether a client's call succeeded in it since another one was told that the session is unknown: see {@link Denials}. */
  hasServed: boolean;
  readonly era: Era;
  readonly transportName: string;
  readonly protocolVersion: string;
  /** The server's own name and version, fit to be shown; empty if it does not report them. */
  readonly serverInfo: string;
  /** The server's instructions for the use of its items; empty if it has none. */
  readonly instructions: string;
  /** The server's capabilities. */
  readonly capabilities: ObjectText;
  /** The ids of the gateways that the session leads to. */
  readonly gateways: readonly string[];
  /** Whether requests of clients run in it. */
  readonly isBusy: boolean;
  /** Whether the server offers no stream for what belongs to no request, such as updates of resources. */
  readonly isDeaf: boolean;
  /** How long the lists stay fresh by the server's own word, the least of all kinds; null: it has not said. */
  readonly listTtlMs: number | null;
  /** The error that ended the transport, or null. */
  readonly closedBy: Error | null;
  /**
   * Sends a client's request. `done` resolves to the response, a result or an error, or rejects with an
   * {@link UpstreamFailure}. A timeout or an abort of the call notifies the upstream.
   *
   * @param target the member of the params that names the target, as the upstream knows it; null: the params stay
   */
  call(
    call: UpstreamCall,
    target: MemberEdit | null,
    timeoutMs: number,
    done: Completion<ResponseMessage>,
  ): void;
  /** Lists all items of a kind, each page within `pageTimeoutMs` and all within `timeoutMs`. Rejects with an {@link UpstreamFailure}. */
  list(kind: Kind, pageTimeoutMs: number, timeoutMs: number, signal: Signal): Promise<Item[]>;
  /** Subscribes to a resource. Rejects with an {@link UpstreamFailure} if the upstream refuses. */
  subscribe(uri: string, timeoutMs: number, signal: Signal): Promise<void>;
  /** Ends a subscription. Failures do not matter. */
  unsubscribe(uri: string): void;
  /** Sends a client's notification, such as that its roots have changed. Failures do not matter. */
  notify(method: string, paramsText?: string): void;
  /** Asks the upstream for something that no tool is involved in. Rejects with an {@link UpstreamFailure} unless it answers well. */
  check(timeoutMs: number, signal: Signal): Promise<void>;
  /**
   * Waits for the running calls, then closes the session. Resolves when the upstream has been notified, or could not be within
   * `timeoutMs`.
   * @param terminate whether to notify it, by default true
   */
  retire(timeoutMs: number, terminate?: boolean): Promise<void>;
}

/** Opens sessions with one upstream. */
export interface SessionSource {
  /**
   * Rejects with an {@link UpstreamFailure} or the signal's reason, and leaves no session behind then.
   * @param era the era of the session, if the server speaks it; by default the configured or detected one
   */
  open(events: SessionEvents, signal: Signal, era?: Era): Promise<UpstreamSession>;
  /** Whether a server of the legacy era has been upgraded since it was last asked, which is not done often. Does not reject. */
  hasNewEra(events: SessionEvents, signal: Signal): Promise<boolean>;
  /** The failure to open a session for `events` within `timeoutMs`. */
  openTimeout(timeoutMs: number, events: SessionEvents): UpstreamFailure;
  /** How long it may go on opening a session for which nobody waits any more, after `connectMs` of waiting; at least these. */
  maxOpenMs(connectMs: number): number;
  /** Must be called when the settings of the upstream have changed. */
  settingsChanged(): void;
  /** Ends the processes that run now, as at the end of their sessions; others may be started. */
  endProcesses(): void;
  /** No session is needed any more: processes must have ended within `timeoutMs`, whatever runs in them. May be called again. */
  endWithin(timeoutMs: number): void;
  /** Ends what outlives sessions. */
  close(): void;
  /** The process of the upstream, if the gateway starts it. */
  process(): ProcessStatus | null;
}

/** The process of an upstream, for /health. */
export interface ProcessStatus {
  /** Null: none runs. */
  readonly pid: number | null;
  readonly restarts: number;
  /** The exit code of the last process that ended by itself, or the signal that ended it; null: none did. */
  readonly lastExit: number | string | null;
}
