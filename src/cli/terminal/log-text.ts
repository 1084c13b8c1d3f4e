import { prettyLine, serverOutputMessage } from '../../observability/log-lines.ts';
import type { LogRow } from '../contracts/logs.ts';

/** Longer names of servers push their lines out of the column. */
const maxNameChars = 24;
const dayMs = 86_400_000;

/** The lines of a log for people. The messages of all servers stand below each other. */
export class LogText {
  readonly #isColored: boolean;
  #nameChars = 0;

  constructor(isColored: boolean) {
    this.#isColored = isColored;
  }

  /** The text of a row, with its line break. */
  line({ at, level, message, server = 'mcpstead', ...fields }: LogRow): string {
    this.#nameChars = Math.min(maxNameChars, Math.max(this.#nameChars, server.length));
    const name = server.padEnd(this.#nameChars);
    const { line, ...others } = fields;
    const isOutput = message === serverOutputMessage && typeof line === 'string';
    const said = isOutput ? line : message;
    const text = prettyLine(
      {
        message: `${name}  ${said}`,
        level: isOutput ? 'log' : level,
        time: at,
        fields: isOutput ? others : fields,
      },
      this.#isColored,
    );
    return `${dateOf(at)}${text}\n`;
  }
}

/** The local date, if it is not of the last day. */
function dateOf(at: string): string {
  const time = Date.parse(at);
  if (!Number.isFinite(time) || Date.now() - time < dayMs) return '';
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
}
