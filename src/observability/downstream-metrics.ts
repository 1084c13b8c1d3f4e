import { type Families, Histogram, type Sample, samplesBy } from './series.ts';

/** Values of the label `method`. Any other method is `unknown`, so that clients cannot create series. */
const methodLabels = [
  // Requests of the legacy era (MCP 2024-11-05 to 2025-11-25), most of them also of the modern era (2026-07-28).
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'roots/list',
  'sampling/createMessage',
  'elicitation/create',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  // Requests of the modern era only, and of its extensions.
  'server/discover',
  'tasks/update',
  'skills/list',
  'skills/get',
  'resources/directory/read',
  'subscriptions/listen',
  // Notifications of both eras.
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/prompts/list_changed',
  'notifications/roots/list_changed',
  'notifications/elicitation/complete',
  'notifications/tasks/status',
  'notifications/subscriptions/acknowledged',
];

const sessionDurationBuckets: readonly number[] = [1, 5, 10, 30, 60, 300, 900, 1800, 3600, 21600];

const knownMethods: ReadonlySet<string> = new Set(methodLabels);

/** Whether the protocol, or an extension that the gateway knows, has a method of this name. */
export function isKnownMethod(method: string): boolean {
  return knownMethods.has(method);
}

/** Why a client session ended: the `reason` of `mcpstead_downstream_session_terminations_total`. */
export type SessionEndReason = 'client_delete' | 'idle_timeout' | 'gateway_shutdown' | 'init_failed';
/** How a server's request to a client ended: the `result` of `mcpstead_client_requests_total`. */
export type QuestionResult = 'answered' | 'declined' | 'refused' | 'expired';
/** What it asked for: the `kind` of `mcpstead_client_requests_total`. */
type QuestionKind = 'elicitation' | 'sampling' | 'roots';
/** Why a bearer token was refused: the `reason` of `mcpstead_mcp_auth_failures_total`. */
type AuthFailureReason = 'missing_header' | 'bad_format' | 'wrong_token' | 'internal';

class MethodCounts {
  readonly results = { success: 0, error: 0 };
  readonly durations = new Histogram();

  count(ok: boolean, durationSeconds: number): void {
    if (ok) this.results.success += 1;
    else this.results.error += 1;
    this.durations.observe(durationSeconds);
  }
}

/** The metrics of clients: sessions, requests and authentication. */
export class DownstreamMetrics {
  #sessionsOpened = 0;
  readonly #sessionsEnded = { client_delete: 0, idle_timeout: 0, gateway_shutdown: 0, init_failed: 0 };
  readonly #sessionDurations = new Histogram(sessionDurationBuckets);
  readonly #unknownMethod = new MethodCounts();
  readonly #methods = new Map<string, MethodCounts>(methodLabels.map((label) => [label, new MethodCounts()]));
  /** Messages without a method, GET and DELETE. Separate, because a client may send a method called `listen`. */
  readonly #others = {
    invalid: new MethodCounts(),
    listen: new MethodCounts(),
    terminate: new MethodCounts(),
  };
  readonly #questions: Readonly<Record<QuestionKind, Record<QuestionResult, number>>> = {
    elicitation: { answered: 0, declined: 0, refused: 0, expired: 0 },
    sampling: { answered: 0, declined: 0, refused: 0, expired: 0 },
    roots: { answered: 0, declined: 0, refused: 0, expired: 0 },
  };
  #parkedCalls = 0;
  #authSuccesses = 0;
  readonly #authFailures = { missing_header: 0, bad_format: 0, wrong_token: 0, internal: 0 };

  /** @param sessionsActive is read for each page */
  constructor(families: Families, sessionsActive: () => number) {
    this.#addSessionFamilies(families, sessionsActive);
    this.#addRequestFamilies(families);
    this.#addQuestionFamily(families);
    this.#addAuthFamilies(families);
  }

  sessionOpened(): void {
    this.#sessionsOpened += 1;
  }

  sessionEnded(reason: SessionEndReason, durationSeconds: number): void {
    this.#sessionsEnded[reason] += 1;
    this.#sessionDurations.observe(durationSeconds);
  }

  /**
   * Counts one message of a client.
   * @param method the JSON-RPC method as received
   * @param ok false if the answer was a JSON-RPC or HTTP error
   */
  request(method: string, ok: boolean, durationSeconds: number): void {
    (this.#methods.get(method) ?? this.#unknownMethod).count(ok, durationSeconds);
  }

  /** Counts a message without a method, a GET or a DELETE, all of which are answered at once. */
  requestWithoutMethod(label: 'invalid' | 'listen' | 'terminate', ok: boolean): void {
    this.#others[label].count(ok, 0);
  }

  /** A call begins or ends to wait for its client's answers. */
  parkedChanged(by: 1 | -1): void {
    this.#parkedCalls += by;
  }

  /** Counts a server's request to a client. */
  questionEnded(kind: QuestionKind, result: QuestionResult): void {
    this.#questions[kind][result] += 1;
  }

  authSucceeded(): void {
    this.#authSuccesses += 1;
  }

  authFailed(reason: AuthFailureReason): void {
    this.#authFailures[reason] += 1;
  }

  #addSessionFamilies(families: Families, sessionsActive: () => number): void {
    families.add('gauge', 'mcpstead_downstream_sessions_active', 'Client sessions that are open now.', () => [
      { value: sessionsActive() },
    ]);
    families.add(
      'counter',
      'mcpstead_downstream_sessions_total',
      'Client sessions opened, or resumed after a restart.',
      () => [{ value: this.#sessionsOpened }],
    );
    const duration = 'mcpstead_downstream_session_duration_seconds';
    families.add('histogram', duration, 'How long ended client sessions had lasted.', () =>
      this.#sessionDurations.samples(duration),
    );
    families.add(
      'counter',
      'mcpstead_downstream_session_terminations_total',
      'Client sessions ended, by reason.',
      () => samplesBy('reason', this.#sessionsEnded),
    );
  }

  #addRequestFamilies(families: Families): void {
    const unknown = ['unknown', this.#unknownMethod] as const;
    const methods = [...this.#methods, unknown, ...Object.entries(this.#others)];
    families.add(
      'counter',
      'mcpstead_mcp_requests_total',
      'Messages received from clients, by method and result.',
      function* (): Generator<Sample> {
        for (const [method, { results }] of methods) yield* samplesBy('result', results, { method });
      },
    );
    const duration = 'mcpstead_mcp_request_duration_seconds';
    families.add(
      'histogram',
      duration,
      'Time from a message of a client to its answer.',
      function* (): Generator<Sample> {
        for (const [method, { durations }] of methods) {
          // Methods without requests would add fifteen lines each.
          if (durations.count > 0) yield* durations.samples(duration, { method });
        }
      },
    );
  }

  #addQuestionFamily(families: Families): void {
    const questions = Object.entries(this.#questions);
    families.add(
      'counter',
      'mcpstead_client_requests_total',
      'Requests of servers to clients, by kind and result.',
      () => questions.flatMap(([kind, results]) => samplesBy('result', results, { kind })),
    );
    families.add(
      'gauge',
      'mcpstead_parked_calls',
      "Calls that wait for their clients' answers to requests of servers.",
      () => [{ value: this.#parkedCalls }],
    );
  }

  #addAuthFamilies(families: Families): void {
    const failures = this.#authFailures;
    families.add(
      'counter',
      'mcpstead_mcp_auth_attempts_total',
      'Checks of a bearer token, by result.',
      () => {
        const failure = Object.values(failures).reduce((total, count) => total + count, 0);
        return samplesBy('result', { success: this.#authSuccesses, failure });
      },
    );
    families.add(
      'counter',
      'mcpstead_mcp_auth_failures_total',
      'Failed checks of a bearer token, by reason.',
      () => samplesBy('reason', failures),
    );
  }
}
