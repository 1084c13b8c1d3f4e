import { isLoopback } from '../../config/hosts.ts';

/** How whoever reads the page reaches the gateway: perhaps from another machine, through a proxy or a tunnel. */
export interface Reader {
  /** The `/mcp` endpoint. */
  readonly url: string;
  /** Whether this is the machine of the gateway, as far as one can tell. */
  readonly isLocal: boolean;
  /** The system of the browser, where the files of clients are. */
  readonly platform: NodeJS.Platform;
}

const hostAndPort = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/i;

/** Reads who asks from the headers of a request. @param localUrl the endpoint on the gateway's machine */
export function readerOf({ headers }: Request, localUrl: string): Reader {
  const platform = platformOf(headers.get('user-agent') ?? '');
  const [host, name = '', port = '80'] = hostAndPort.exec(headers.get('host') ?? '') ?? [];
  const isLocal = host === undefined || (isLoopback(name) && new URL(localUrl).port === port);
  if (isLocal) return { url: localUrl, isLocal, platform };
  return { url: `${isOverTls(headers) ? 'https' : 'http'}://${host}/mcp`, isLocal, platform };
}

/** Whether a proxy in front of the gateway says that the browser uses https, or the browser itself does. */
export function isOverTls(headers: Headers): boolean {
  if (headers.get('origin')?.toLowerCase().startsWith('https://')) return true;
  const [scheme = ''] = (headers.get('x-forwarded-proto') ?? '').split(',', 1);
  return scheme.trim().toLowerCase() === 'https';
}

function platformOf(userAgent: string): NodeJS.Platform {
  if (userAgent.includes('Windows')) return 'win32';
  return userAgent.includes('Mac OS X') ? 'darwin' : 'linux';
}
