import type { ClientFile } from '../../clients/client-server.ts';
import { textsOfDraft } from '../../clients/draft.ts';
import type { PlannedServer } from '../../clients/plan.ts';
import { variablesIn } from '../../clients/references.ts';
import { shownDraft } from '../../clients/shown.ts';
import type { Vault } from '../../clients/vault.ts';
import { place } from '../place.ts';
import { columns } from '../terminal/columns.ts';
import { counted } from '../terminal/figures.ts';
import { safeLine } from '../terminal/safe-text.ts';
import { shownPath } from '../terminal/shown-path.ts';

/** Longer texts are cut in the table. */
const maxTargetChars = 48;
const maxNoteChars = 60;

/** The table that people see before anything is written. */
export function tableOf(planned: readonly PlannedServer[], vault: Vault): string {
  const clients = new Set(planned.flatMap(({ sources }) => sources.map(({ row }) => row.id)));
  const rows = planned.map((server) => [
    oneLine(server.name),
    clientsOf(server),
    server.draft === null ? '' : safeLine(shownDraft(server.draft), maxTargetChars),
    remarksOf(server, vault).join('; '),
  ]);
  const lines = columns(rows).map((line) => `  ${line}`);
  // A file that is named may be that of another gateway, which is no client.
  const holder = clients.has('file') ? 'file' : 'client';
  const count = `${counted(planned.length, 'server')} in ${counted(clients.size, holder)}`;
  return [count, ...lines].join('\n');
}

const oneLine = (text: string) => safeLine(text, maxNoteChars);

function clientsOf({ sources }: PlannedServer): string {
  return [
    ...new Set(sources.map(({ row, file }) => (row.id === 'file' ? shownPath(file, place) : row.id))),
  ].join(', ');
}

/** What people should know of a server. */
function remarksOf(server: PlannedServer, vault: Vault): string[] {
  const { action, notes, missing } = server;
  if (action === 'skipped') return notes.map((note) => `skipped: ${oneLine(shortened(note))}`);
  if (action !== 'added') return [...notes];
  const lacking = missing.filter(({ name }) => vault.valueOf(name) === undefined);
  const names = variableNames(server).filter((name) => !lacking.some((variable) => variable.name === name));
  return [
    ...notes.map(oneLine),
    ...(names.length > 0 ? [`uses ${names.map((name) => `\${${name}}`).join(', ')}`] : []),
    ...lacking.map(
      ({ name, question }) => `lacks ${name}${question === null ? '' : ` (${oneLine(question)})`}`,
    ),
  ];
}

const shortened = (note: string) =>
  note.replace(/(?<=--project )(.*)(?=\)$)/, (path) => shownPath(path, place));

function variableNames({ draft }: PlannedServer): string[] {
  const texts = draft === null ? [] : textsOfDraft(draft);
  return [...new Set(texts.flatMap((text) => variablesIn(text).map(({ name }) => name)))];
}

/** The same for programs. */
export function reportOf(planned: readonly PlannedServer[], files: readonly ClientFile[], vault: Vault) {
  return {
    servers: planned.map((server) => ({
      name: server.name,
      action: server.action,
      enabled: server.draft?.isEnabled === true && lackingNames(server, vault).length === 0,
      target: server.draft === null ? null : shownDraft(server.draft),
      sources: server.sources.map(({ row, file, key, folder }) => ({
        client: row.id,
        file,
        name: key,
        project: folder,
      })),
      variables: variableNames(server),
      missing: lackingNames(server, vault),
      notes: server.notes,
    })),
    files: files.map(({ row, path, servers, fault }) => ({
      client: row.id,
      path,
      servers: servers.length,
      error: fault,
    })),
    variables: [...vault.added.keys()],
  };
}

const lackingNames = ({ missing }: PlannedServer, vault: Vault) =>
  missing.filter(({ name }) => vault.valueOf(name) === undefined).map(({ name }) => name);
