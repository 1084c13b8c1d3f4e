import { type Html, html } from './html.ts';
import { pageFrame } from './page-frame.ts';

/** The form that asks for the token. @param error what was wrong with the last one; null: there was none */
export function signInPage(error: string | null, toRoot: '' | '../'): Html {
  const body = html`<main class="narrow">
<h1>Sign in</h1>
<p>This gateway asks for its bearer token: the value of <code>MCPSTEAD_BEARER_TOKEN</code>.</p>
<form method="post" action="${toRoot}-/login">
<label for="token">Bearer token</label>
<input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false" required autofocus${
    error === null ? null : html` aria-invalid="true" aria-describedby="problem"`
  }>
${error === null ? null : html`<p id="problem" class="problem" role="alert">${error}</p>\n`}<button type="submit">Open the status page</button>
</form>
<p class="muted">The page only shows; it changes nothing. This browser stays signed in for 12 hours, or until the token changes or the gateway restarts.</p>
</main>`;
  return pageFrame({ title: 'Sign in · mcpstead', toRoot, isLive: false, hasForm: true, aside: null, body });
}
