import type { Handler, Route } from '../route.ts';
import type { Page } from './page.ts';
import type { PageParts } from './page-parts.ts';

/** The status page and its files. Their code is loaded when somebody first looks. */
export function pageRoutes(parts: PageParts): Record<string, Route> {
  let loading: Promise<Page> | null = null;
  const load = () => {
    loading ??= import('./page.ts').then((module) => new module.Page(parts));
    return loading;
  };
  const show: Handler = async (request) => (await load()).show(request);
  const asset = (name: 'css' | 'js' | 'svg'): Route => {
    const answer = async () => (await load()).asset(name);
    return { methods: { GET: answer, HEAD: answer }, access: 'everyone' };
  };
  const toRoot: Handler = async () => (await load()).toRoot();
  return {
    '/': {
      methods: { GET: show, HEAD: show },
      access: 'readers',
      unauthorized: (_, request) => (acceptsHtml(request) ? load().then((page) => page.askForToken()) : null),
    },
    '/-/login': {
      methods: { POST: async (request) => (await load()).signIn(request), GET: toRoot },
      access: 'entrants',
    },
    '/-/logout': {
      methods: { POST: async (request) => (await load()).signOut(request), GET: toRoot },
      access: 'entrants',
    },
    '/-/page.css': asset('css'),
    '/-/page.js': asset('js'),
    '/-/page.svg': asset('svg'),
  };
}

function acceptsHtml({ headers }: Request): boolean {
  return /\btext\/html\b/i.test(headers.get('accept') ?? '');
}
