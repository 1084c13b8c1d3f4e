import { homeDirectory, type Place } from '../config/places.ts';
import type { ClientServer } from './client-server.ts';
import type { WantedVariable } from './draft.ts';
import { literal } from './references.ts';
import type { VariableSyntax } from './row.ts';

/** Names that say nothing about the server that needs the value. */
const vagueNames = /^(?:API_?KEY|KEY|TOKEN|ACCESS_TOKEN|API_TOKEN|SECRET|PASSWORD|INPUT|URL)$/;
const anyReference = /\$\{([^}]*)\}|\{(env|file):([^}]+)\}|\$([A-Za-z_]\w*)/g;
const name = '[A-Za-z_][A-Za-z0-9_]*';
const shellForm = new RegExp(`^${name}(?::-[^}]*)?$`);
const envForm = new RegExp(`^env:(${name})$`);

/** `api-key` becomes `API_KEY`. */
export function variableName(text: string): string {
  const words = text.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/[^A-Za-z0-9]+/g, '_');
  const trimmed = words.replace(/^_+|_+$/g, '').toUpperCase();
  return /^[A-Z]/.test(trimmed) ? trimmed : `X_${trimmed}`.replace(/_$/, '');
}

/** Writes the texts of a client's server with references as the configuration has them, and remembers what became of them. */
export class Translator {
  /** Why the server cannot be taken, as the end of a sentence that begins with its name. */
  obstacle: string | null = null;
  readonly wanted = new Map<string, WantedVariable>();
  readonly #server: ClientServer;
  readonly #place: Place;
  readonly #syntaxes: ReadonlySet<VariableSyntax>;

  constructor(server: ClientServer, place: Place) {
    this.#server = server;
    this.#place = place;
    this.#syntaxes = new Set(server.row.variables);
  }

  /** Translates a text. @param key the variable whose whole value it is, if any */
  text(text: string, key: string | null = null): string {
    let result = '';
    let end = 0;
    for (const match of text.matchAll(anyReference)) {
      const isWhole = match[0] === text;
      result +=
        literal(text.slice(end, match.index)) +
        (this.#reference(match, isWhole ? key : null) ?? literal(match[0]));
      end = match.index + match[0].length;
    }
    return result + literal(text.slice(end));
  }

  /** A reference to a variable that the client takes from elsewhere. @param question what people are asked for */
  want(variable: string, question: string): string {
    this.wanted.set(variable, { name: variable, question });
    return `\${${variable}}`;
  }

  /** Null: it is text. */
  #reference(match: RegExpExecArray, key: string | null): string | null {
    const [, inBraces, kind, value = '', dollar] = match;
    const has = (syntax: VariableSyntax) => this.#syntaxes.has(syntax);
    if (dollar !== undefined) {
      // Gemini CLI leaves a `$` alone that begins no variable: it may be part of a password.
      const isWord = /^[A-Z][A-Z0-9_]{2,}$/.test(dollar) && !/\S$/.test(match.input.slice(0, match.index));
      return has('dollar') && (isWord || this.#place.env[dollar] !== undefined) ? `\${${dollar}}` : null;
    }
    if (kind !== undefined) {
      if (!has('braces')) return null;
      return kind === 'env' ? (shellForm.test(value) ? `\${${value}}` : null) : this.#file(value);
    }
    const text = inBraces ?? '';
    if (has('shell') && shellForm.test(text)) return `\${${text}}`;
    const [, variable] = envForm.exec(text) ?? [];
    if (has('env') && variable !== undefined) return `\${${variable}}`;
    if (has('input') && text.startsWith('input:')) return this.#input(text.slice('input:'.length), key);
    if (has('file') && text.startsWith('file:')) return this.#file(text.slice('file:'.length));
    return has('folders') ? this.#folder(text) : null;
  }

  #file(path: string): string {
    const home = homeDirectory(this.#place);
    const whole = path.startsWith('~/') && home !== null ? `${home}${path.slice(1)}` : path;
    if (/^(?:[/\\]|[A-Za-z]:[/\\])/.test(whole)) return `\${file:${whole}}`;
    const folder = this.#server.file.replace(/[/\\][^/\\]*$/, '');
    return `\${file:${folder}/${whole.replace(/^\.[/\\]/, '')}}`;
  }

  #input(id: string, key: string | null): string {
    const { description, byDefault } = this.#server.inputs.get(id) ?? { description: null, byDefault: null };
    const own = variableName(id);
    const variable = key ?? (vagueNames.test(own) ? variableName(`${this.#server.key}_${own}`) : own);
    // A brace would end the reference.
    if (byDefault !== null && !byDefault.includes('}')) return `\${${variable}:-${byDefault}}`;
    return this.want(variable, description ?? `the input "${id}"`);
  }

  #folder(text: string): string | null {
    const { folder } = this.#server;
    const separator = this.#place.platform === 'win32' ? '\\' : '/';
    if (text === 'userHome') {
      const home = homeDirectory(this.#place);
      return home === null ? null : literal(home);
    }
    if (text === 'pathSeparator' || text === '/') return literal(separator);
    if (!/^(?:workspaceFolder|workspaceRoot|cwd|workspaceFolderBasename)$/.test(text)) return null;
    if (folder === null) {
      this.obstacle = `\${${text}} depends on the project of its client`;
      return null;
    }
    return literal(text.endsWith('Basename') ? folder.replace(/^.*[/\\](?=.)/, '') : folder);
  }
}
