import { fileOfText, readAnyFile } from '../../clients/any-file.ts';
import type { ClientFile } from '../../clients/client-server.ts';
import { readClients } from '../../clients/collect.ts';
import { clientRows } from '../../clients/table.ts';
import { didYouMean } from '../../config/suggest.ts';
import { GatewayError } from '../../errors.ts';
import { absolutePath } from '../absolute-path.ts';
import { place } from '../place.ts';
import { standardInput } from '../terminal/standard-input.ts';

/**
 * The files that `import` reads: those of all clients, of one, a file, or stdin. Throws `usage` for a word that is neither.
 * @param word the argument; undefined: all clients
 */
export async function sourcesOf(word: string | undefined, project: string | null): Promise<ClientFile[]> {
  if (word === undefined) return readClients(place, project);
  if (word === '-') return [fileOfText(await standardInput(), 'stdin', project)];
  const row = clientRows.find(({ id }) => id === word.toLowerCase());
  if (row !== undefined) return readClients(place, project, [row]);
  const file = readAnyFile(absolutePath(word), place, project);
  if (file !== null) return [file];
  const ids = clientRows.map(({ id }) => id);
  throw new GatewayError(
    'usage',
    `"${word}" is no client and no file${didYouMean(word, ids)}\nThe clients: ${ids.join(', ')}`,
  );
}
