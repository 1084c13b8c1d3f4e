import { existsSync } from 'node:fs';
import type { ServerEntry } from '../config/edit.ts';
import type { Place } from '../config/places.ts';
import { isRecord, type Mapping } from '../config/values.ts';
import type { ClientFile, ClientServer } from './client-server.ts';
import { type ServerDraft, textsOfDraft, type WantedVariable } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { gatewayView } from './gateway-view.ts';
import { draftOfEntry, entryOf, identityOf } from './identity.ts';
import { problemOf } from './invalid-draft.ts';
import { withoutSecrets } from './move-secrets.ts';
import { filesIn, variablesIn } from './references.ts';
import { freeName, shownName, validName } from './server-names.ts';
import type { Vault } from './vault.ts';

/** What happens to a server: it is added, the configuration has it already, it is the gateway itself, or it cannot be taken. */
type PlanAction = 'added' | 'present' | 'gateway' | 'skipped';

/** A server of one or more clients, and what happens to it. */
export interface PlannedServer {
  /** Its name in the configuration; that of the client if it is not taken. */
  readonly name: string;
  readonly action: PlanAction;
  readonly sources: readonly ClientServer[];
  /** Without secrets; null if it is not taken. */
  readonly draft: ServerDraft | null;
  /** Why it is not taken, and what people should know. */
  readonly notes: readonly string[];
  /** The variables that have no value yet. */
  readonly missing: readonly WantedVariable[];
}

/** What the plan begins with. */
export interface PlanContext {
  readonly place: Place;
  /** The servers and profiles of the configuration, as the file has it. */
  readonly configured: Mapping;
  /** The port of the gateway. */
  readonly port: number;
  readonly vault: Vault;
  /** The project whose servers are taken. */
  readonly project: string | null;
}

/** Decides about each server in the files. The vault has the secrets then. */
export function planImport(files: readonly ClientFile[], context: PlanContext): PlannedServer[] {
  const groups = new Map<string, Group>();
  const planned: (PlannedServer | Group)[] = [];
  for (const source of files.flatMap((file) => file.servers)) {
    const obstacle = reasonToSkip(source, context);
    const draft = obstacle === null ? draftOf(source, context.place) : null;
    if (obstacle !== null || draft === null || 'unsupported' in draft) {
      planned.push(leftOut(source, obstacle ?? ['skipped', (draft as { unsupported: string }).unsupported]));
      continue;
    }
    const problem = problemOf(draft, context.vault);
    if (problem !== null) {
      planned.push(leftOut(source, ['skipped', problem]));
      continue;
    }
    for (const { name } of referencesOf(draft)) context.vault.reserve(name);
    const identity = identityOf(draft, variables(context.vault));
    const known = groups.get(identity);
    if (known === undefined) {
      const group: Group = { identity, sources: [source], draft };
      groups.set(identity, group);
      planned.push(group);
    } else {
      known.sources.push(source);
      known.draft = joined(known.draft, draft);
    }
  }
  const names = new Names(context);
  return planned.map((item) => ('identity' in item ? decided(item, names, context) : item));
}

/** Servers that are the same. */
interface Group {
  readonly identity: string;
  readonly sources: ClientServer[];
  draft: ServerDraft;
}

/** The values of variables by name, with those of the vault. */
function variables(vault: Vault): Record<string, string | undefined> {
  return new Proxy(
    {},
    { get: (_target, name) => (typeof name === 'string' ? vault.valueOf(name) : undefined) },
  );
}

function leftOut(source: ClientServer, [action, note]: readonly [PlanAction, string]): PlannedServer {
  return { name: shownName(source.key), action, sources: [source], draft: null, notes: [note], missing: [] };
}

function reasonToSkip(source: ClientServer, context: PlanContext): readonly [PlanAction, string] | null {
  if (gatewayView(source.raw, context.port) !== null) return ['gateway', 'is mcpstead itself'];
  if (source.folder === null || samePath(source.folder, context.project)) return null;
  return ['skipped', `project server (--project ${source.folder})`];
}

const samePath = (one: string, other: string | null) =>
  other !== null && one.replace(/[/\\]+$/, '') === other.replace(/[/\\]+$/, '');

/** Two clients' words for one server: it is enabled if it is in one of them, and gets the longer times. */
function joined(one: ServerDraft, other: ServerDraft): ServerDraft {
  const longer = (a: number | null, b: number | null) => (a === null || b === null ? null : Math.max(a, b));
  const wanted = new Map([...one.wanted, ...other.wanted].map((variable) => [variable.name, variable]));
  return {
    ...one,
    isEnabled: one.isEnabled || other.isEnabled,
    needsLogin: one.needsLogin && other.needsLogin,
    isSse: one.isSse && other.isSse,
    connectSeconds: longer(one.connectSeconds, other.connectSeconds),
    requestSeconds: longer(one.requestSeconds, other.requestSeconds),
    notes: [...new Set([...one.notes, ...other.notes])],
    wanted: [...wanted.values()],
  };
}

/** A server of the configuration. */
interface Configured {
  readonly name: string;
  readonly draft: ServerDraft;
}

/** The names that are taken, and the servers of the configuration by identity. */
class Names {
  readonly #taken = new Set<string>();
  readonly #existing = new Map<string, Configured>();

  constructor({ configured, vault }: PlanContext) {
    for (const entry of entriesIn(configured.servers)) {
      this.#taken.add(entry.name);
      const draft = draftOfEntry(entry);
      const identity = identityOf(draft, variables(vault));
      if (!this.#existing.has(identity)) this.#existing.set(identity, { name: entry.name, draft });
    }
    for (const { name } of entriesIn(configured.profiles)) this.#taken.add(name);
  }

  /** The configured server that is the same, or null. */
  existing(identity: string): Configured | null {
    return this.#existing.get(identity) ?? null;
  }

  take(source: ClientServer): string {
    const name = freeName(validName(source.key), source.row.id, (each) => this.#taken.has(each));
    this.#taken.add(name);
    return name;
  }
}

function entriesIn(list: unknown): ServerEntry[] {
  return (Array.isArray(list) ? list : []).filter(
    (entry) => isRecord(entry) && typeof entry.name === 'string',
  );
}

function decided({ identity, sources, draft }: Group, names: Names, { vault }: PlanContext): PlannedServer {
  const existing = names.existing(identity);
  const common = { sources, missing: [] };
  if (existing !== null) return { ...common, ...existing, action: 'present', notes: ['already there'] };
  const [first] = sources as [ClientServer];
  const name = names.take(first);
  const safe = withoutSecrets(draft, name, vault);
  const missing = missingOf(safe, vault);
  const lost = textsOfDraft(safe)
    .flatMap(filesIn)
    .filter((path) => !existsSync(path));
  const notes = [
    ...(name === first.key ? [] : [`was named ${shownName(first.key)}`]),
    ...safe.notes,
    ...(safe.needsLogin ? ['needs login: stays off until then'] : []),
    ...lost.map((path) => `stays off: the file ${path} does not exist`),
    ...(safe.isEnabled ? [] : ['disabled']),
  ];
  const isEnabled = safe.isEnabled && !safe.needsLogin && lost.length === 0;
  return { ...common, name, action: 'added', draft: { ...safe, isEnabled }, notes, missing };
}

const referencesOf = (draft: ServerDraft) => textsOfDraft(draft).flatMap(variablesIn);

/** The variables of the server that have no value. Those that the environment has are copied. */
function missingOf(draft: ServerDraft, vault: Vault): WantedVariable[] {
  const missing = new Map<string, WantedVariable>();
  for (const { name, hasDefault } of referencesOf(draft)) {
    if (vault.keep(name) || hasDefault) continue;
    missing.set(name, draft.wanted.find((variable) => variable.name === name) ?? { name, question: null });
  }
  return [...missing.values()];
}

/** The entries to add to the configuration. A server lacks a variable: it stays off, since the file would be invalid. */
export function entriesToAdd(planned: readonly PlannedServer[], vault: Vault): ServerEntry[] {
  return planned.flatMap(({ action, name, draft, missing }) => {
    if (action !== 'added' || draft === null) return [];
    const isComplete = missing.every((variable) => vault.valueOf(variable.name) !== undefined);
    return [entryOf(name, { ...draft, isEnabled: draft.isEnabled && isComplete })];
  });
}

/** The name of the configured server that a client's entry stands for, or null: `connect --replace` changes such entries only. */
export function matchServer(source: ClientServer, context: PlanContext): string | null {
  if (gatewayView(source.raw, context.port) !== null) return null;
  const draft = draftOf(source, context.place);
  if ('unsupported' in draft) return null;
  return new Names(context).existing(identityOf(draft, variables(context.vault)))?.name ?? null;
}
