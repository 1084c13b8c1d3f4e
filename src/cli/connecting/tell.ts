import { output } from '../../observability/output.ts';
import { safeText } from '../terminal/safe-text.ts';

// Reports about files of clients, which may name their servers as they like.

export function tell(text: string): void {
  output.print(1, `${safeText(text)}\n`);
}

export function warn(text: string): void {
  output.print(2, `mcpstead: ${safeText(text)}\n`);
}
