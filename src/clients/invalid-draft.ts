import { existsSync } from 'node:fs';
import { addServers } from '../config/edit.ts';
import { parseConfig } from '../config/load.ts';
import { GatewayError } from '../errors.ts';
import { type ServerDraft, textsOfDraft } from './draft.ts';
import { entryOf } from './identity.ts';
import { withoutSecrets } from './move-secrets.ts';
import { filesIn, variablesIn } from './references.ts';
import type { Vault } from './vault.ts';

const path = 'f';

/**
 * Why a server would make the configuration invalid, such as a URL that is still a placeholder; null: it would not. One such server
 * must not keep the others from being imported. The vault stays as it is.
 */
export function problemOf(draft: ServerDraft, vault: Vault): string | null {
  const trial = vault.copy();
  const safe = withoutSecrets(draft, 'server', trial);
  const texts = textsOfDraft(safe);
  // What lacks a value or a file is imported, but stays off.
  const isComplete =
    texts.flatMap(variablesIn).every(({ name, hasDefault }) => trial.keep(name) || hasDefault) &&
    texts.flatMap(filesIn).every((each) => existsSync(each));
  const isEnabled = safe.isEnabled && isComplete;
  const edit = addServers('', [entryOf('server', { ...safe, isEnabled })]);
  if ('refusal' in edit) return edit.refusal;
  try {
    parseConfig(edit.text, path, trial.environment);
    return null;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== 'config_invalid') throw error;
    const [, problem = 'is not valid'] = /^f:\d+:\d+: (?:servers\[0\]\.?)?(.+)$/m.exec(error.message) ?? [];
    return problem;
  }
}
