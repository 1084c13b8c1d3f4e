import { containerRunAt } from '../../config/container-run.ts';
import type { ServerConfig } from '../../config/schema.ts';
import { childEnvironment } from '../../process/child-environment.ts';
import type { ProcessCommand, ProcessEnd } from '../../process/child-process.ts';
import { ProcessFailure } from '../../process/process-failure.ts';
import { startKey, startLimits } from '../../process/start-limits.ts';
import type { Era } from '../../protocol/versions.ts';
import type { Signal } from '../../runtime/abort.ts';
import { UpstreamFailure } from '../failure.ts';
import { LegacySession } from '../legacy/session.ts';
import { ModernSession } from '../modern/session.ts';
import { isRefusal } from '../requests/own-requests.ts';
import type { ProcessStatus, SessionEvents, SessionSource, UpstreamSession } from '../session.ts';
import { StdioTransport } from '../transport/stdio.ts';
import type { TransportEvents } from '../transport/transport.ts';
import { endGraceMs, type MessageBytes, type ProcessLogger, StdioConnection } from './connection.ts';
import { EraProbe } from './era-probe.ts';
import type { EraVerdicts } from './era-verdicts.ts';

/** How long a server may be silent on `server/discover` before it is sent `initialize`, too, and if it was modern before. */
const silenceMs = 2_000;
const patientSilenceMs = 30_000;

/** How long a process may take to start, downloads included, whatever its callers wait for. */
const maxStartMs = 300_000;

/** What the sessions of one server on stdio need of their owner. */
export interface StdioParts {
  readonly logger: ProcessLogger;
  readonly bytes: MessageBytes;
  readonly verdicts: EraVerdicts;
  /** For caches of processes without a home; null: the directory for temporary files. */
  readonly stateDirectory: string | null;
  /** Makes words of the upstream fit to be shown. */
  quote(text: string): string;
  /** A process was started, in place of one that ended if `isRestart`. */
  onStart(isRestart: boolean): void;
}

/** Opens sessions with a server that the gateway starts: a process for each. */
export class StdioSessionSource implements SessionSource {
  readonly #config: ServerConfig;
  readonly #parts: StdioParts;
  readonly #startKey: string;
  readonly #verdictKey: string;
  readonly #connections = new Set<StdioConnection>();
  /** The last process of each owner of sessions. */
  readonly #last = new WeakMap<SessionEvents, StdioConnection>();
  /** The process of the session that has the lists. */
  #pid: number | null = null;
  #restarts = 0;
  #lastEnd: ProcessEnd | null = null;

  /** @param config of a server with a `command` */
  constructor(config: ServerConfig, parts: StdioParts) {
    this.#config = config;
    this.#parts = parts;
    const { command = '', args = [], cwd } = config;
    this.#startKey = startKey(command, args);
    this.#verdictKey = JSON.stringify([absolute(cwd), command, ...args]);
  }

  async open(events: SessionEvents, signal: Signal, era?: Era): Promise<UpstreamSession> {
    const started = await startLimits.enter(this.#startKey, signal);
    let isOpen = false;
    try {
      // Two processes of one session may get in each other's way.
      await this.#last.get(events)?.ending;
      const session = await this.#open(events, signal, era);
      isOpen = true;
      return session;
    } finally {
      started(isOpen);
    }
  }

  /** @param era the wanted era; by default the configured one, the remembered one, or what a probe finds */
  async #open(events: SessionEvents, signal: Signal, era?: Era): Promise<UpstreamSession> {
    const configured = this.#config.era === 'auto' ? undefined : this.#config.era;
    const known = era ?? configured;
    if (known !== undefined) return this.#openKnown(known, events, signal);
    const { verdicts } = this.#parts;
    const remembered = verdicts.get(this.#verdictKey);
    if (remembered === undefined) return this.#probe(events, signal);
    if (remembered === 'modern') return this.#probe(events, signal, patientSilenceMs);
    try {
      return await this.#openKnown('legacy', events, signal);
    } catch (error) {
      // The server may have been upgraded.
      if (isRefusal(error, 'timeout', 'ended')) verdicts.forget(this.#verdictKey);
      if (!isRefusal(error)) throw error;
      await this.#last.get(events)?.ending;
      return this.#probe(events, signal, silenceMs, true);
    }
  }

  /**
   * Opens a session in a process whose era is not known.
   * @param initializeAfterMs how long the server may be silent on `server/discover` before it is sent `initialize`, too
   * @param isReplacement see {@link #openKnown}
   */
  async #probe(
    events: SessionEvents,
    signal: Signal,
    initializeAfterMs = silenceMs,
    isReplacement = false,
  ): Promise<UpstreamSession> {
    const { verdicts } = this.#parts;
    const connection = this.#start(events, signal, isReplacement);
    const lastEnd = this.#lastEnd;
    let session: UpstreamSession | null;
    try {
      session = await new EraProbe(connection, events, initializeAfterMs).open(signal);
    } catch (error) {
      void connection.end();
      if (signal.aborted || connection.closedBy === null) throw error;
      // Some servers exit on any request ahead of `initialize`.
      await connection.ending;
      const legacy = await this.#openKnown('legacy', events, signal, true);
      verdicts.set(this.#verdictKey, 'legacy');
      this.#lastEnd = lastEnd;
      return legacy;
    }
    if (session === null) await connection.end();
    // One that has answered that it is a legacy server will answer the next time, too.
    if (session?.era === 'legacy') verdicts.forget(this.#verdictKey);
    else if (initializeAfterMs !== patientSilenceMs) verdicts.set(this.#verdictKey, 'modern');
    return session ?? this.#openKnown('modern', events, signal, true);
  }

  async hasNewEra(): Promise<boolean> {
    // A process stays what it is.
    return false;
  }

  openTimeout(timeoutMs: number, events: SessionEvents): UpstreamFailure {
    const words = this.#last.get(events)?.explanation() ?? '';
    return new UpstreamFailure('timeout', `did not initialize within ${timeoutMs / 1000} s${words}`);
  }

  maxOpenMs(connectMs: number): number {
    return Math.max(connectMs, maxStartMs);
  }

  settingsChanged(): void {
    // None of them concerns the process.
  }

  endProcesses(): void {
    this.#endAll(endGraceMs);
  }

  endWithin(timeoutMs: number): void {
    const graceMs = Math.min(timeoutMs, endGraceMs);
    setTimeout(() => this.#endAll(graceMs), timeoutMs - graceMs);
  }

  close(): void {
    this.#endAll(endGraceMs);
  }

  process(): ProcessStatus {
    return {
      pid: this.#pid,
      restarts: this.#restarts,
      lastExit:
        this.#lastEnd && (this.#lastEnd.closed ? null : (this.#lastEnd.signal ?? this.#lastEnd.exitCode)),
    };
  }

  /** @param isReplacement whether the process takes the place of one that was only probed */
  async #openKnown(
    era: Era,
    events: SessionEvents,
    signal: Signal,
    isReplacement = false,
  ): Promise<UpstreamSession> {
    const connection = this.#start(events, signal, isReplacement);
    const source = (receiver: TransportEvents) => {
      connection.attach(receiver);
      return new StdioTransport(connection);
    };
    const session = era === 'modern' ? new ModernSession(source, events) : new LegacySession(source, events);
    try {
      await session.open(signal);
      return session;
    } catch (error) {
      void connection.end();
      throw connection.closedBy ?? error;
    }
  }

  #start(events: SessionEvents, signal: Signal, isReplacement = false): StdioConnection {
    // The end of an earlier process may have taken a while.
    if (signal.aborted) throw signal.reason;
    const { logger, bytes, quote, onStart } = this.#parts;
    try {
      const connection = new StdioConnection(this.#command(), {
        server: this.#config.name,
        logger,
        bytes,
        quote,
        onEnd: (ended, end, isAsked) => this.#ended(ended, isAsked ? null : end),
      });
      this.#connections.add(connection);
      if (events.wantsChanges) this.#pid = connection.pid;
      const isRestart = this.#last.has(events) && !isReplacement;
      this.#last.set(events, connection);
      this.#restarts += Number(isRestart);
      onStart(isRestart);
      return connection;
    } catch (error) {
      throw error instanceof ProcessFailure ? startFailure(error, quote) : error;
    }
  }

  /** @param end null: the gateway ended it */
  #ended(connection: StdioConnection, end: ProcessEnd | null): void {
    this.#connections.delete(connection);
    if (end !== null) this.#lastEnd = end;
    if (this.#pid === connection.pid) this.#pid = null;
  }

  #endAll(graceMs: number): void {
    for (const connection of this.#connections) void connection.end(graceMs);
  }

  #command(): ProcessCommand {
    const { command = '', args = [], env = {}, cwd } = this.#config;
    const temporary = process.env.TMPDIR || process.env.TEMP || '/tmp';
    const caches = `${this.#parts.stateDirectory ?? `${temporary}/mcpstead`}/caches`;
    const runAt = containerRunAt(command, args);
    return {
      command,
      args,
      cwd: absolute(cwd),
      env: childEnvironment(process.env, env, caches),
      container:
        runAt === null ? null : { runAt, idFile: `${temporary}/mcpstead-${crypto.randomUUID()}.cid` },
    };
  }
}

/** Longer lists of directories are cut. */
const maxShownDirectories = 30;

function startFailure(
  { kind, message, searched }: ProcessFailure,
  quote: (text: string) => string,
): UpstreamFailure {
  const shown = searched.slice(0, maxShownDirectories).map(quote).join(':');
  const cut = searched.length > maxShownDirectories ? ':…' : '';
  return new UpstreamFailure(kind, `${quote(message)}${shown && `: ${shown}${cut}`}`);
}

/** A path from the directory of the gateway. */
function absolute(path = ''): string {
  if (path === '') return process.cwd();
  return /^(?:[/\\]|[A-Za-z]:)/.test(path) ? path : `${process.cwd()}/${path}`;
}
