import { build } from '../../version.ts';
import { type Html, html, type Part } from './html.ts';

/** What all pages have in common. */
interface Frame {
  readonly title: string;
  /** The path from the page to the root of the gateway: a proxy may serve it below a path of its own. */
  readonly toRoot: '' | '../';
  /** Whether the page keeps itself up to date. */
  readonly isLive: boolean;
  readonly hasForm: boolean;
  /** What stands beside the name. */
  readonly aside: Part;
  readonly body: Part;
}

/** A whole document. */
export function pageFrame({ title, toRoot, isLive, hasForm, aside, body }: Frame): Html {
  const script = isLive ? html`<script type="module" src="${toRoot}-/page.js"></script>` : null;
  return html`<!doctype html>
<html lang="en" data-build="${build.version} ${build.gitSha}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${
  // With no-referrer, as the header says, browsers would post a form with "Origin: null".
  hasForm ? html`<meta name="referrer" content="same-origin">\n` : null
}<title>${title}</title>
<link rel="icon" href="${toRoot}-/page.svg" type="image/svg+xml">
<link rel="stylesheet" href="${toRoot}-/page.css">
${script}
</head>
<body>
<header>
<p class="brand"><img src="${toRoot}-/page.svg" alt="" width="24" height="24"> mcpstead <span class="muted">${build.version}</span></p>
${aside}
</header>
${body}
</body>
</html>
`;
}
