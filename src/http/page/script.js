// Keeps the status page up to date. The gateway says by an event that something has changed; then the page is fetched as anyone
// gets it, and what differs is put in its place. So there is one way to render, and open rows, focus and selection stay.

const fetchTimeoutMs = 10_000;
/** Times go on without an event. */
const staleAfterMs = 30_000;
const maxPauseMs = 30_000;

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Makes `old` like `fresh`, keeping the nodes that are in both. */
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whoever reads the page has opened it.
    if (!fresh.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== 'open' && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

const keyOf = (node) => node.dataset?.key;

function morphChildren(old, fresh) {
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const known = keyed.get(keyOf(child));
    if (known && known !== next) old.insertBefore(known, next);
    const present = known ?? next;
    if (!present || (!known && keyed.get(keyOf(present)) === present)) {
      old.insertBefore(document.importNode(child, true), present);
      continue;
    }
    next = present.nextSibling;
    morph(present, child);
    keyed.delete(keyOf(child));
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

const states = () => new Map(all('[data-state]').map(({ dataset }) => [dataset.key, dataset.state]));

/** Says aloud which servers have changed their state. */
function announce(before) {
  const words = (state) => state?.replaceAll('_', ' ') ?? 'removed';
  const now = states();
  const news = [...new Set([...before.keys(), ...now.keys()])]
    .filter((name) => before.get(name) !== now.get(name))
    .map((name) => `${name}: ${words(now.get(name))}`);
  if (news.length > 0) find('#news').textContent = news.join('. ');
}

/** Prepares a page that was rendered for all readers: times of this place, and what needs a script. */
function prepare(root) {
  for (const time of all('.calls time', root))
    time.textContent = new Date(time.dateTime).toLocaleTimeString();
  for (const unit of all('.utc', root)) unit.remove();
  for (const button of all('.copy', root)) button.hidden = false;
}

let isRefreshing = false;
let isStale = false;
let refreshedMs = performance.now();

/** Fetches the page and shows it. Calls during a fetch lead to one more. */
async function refresh() {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  while (isStale) {
    isStale = false;
    await update().catch(() => {});
  }
  isRefreshing = false;
}

async function update() {
  const open = new URLSearchParams(
    all('details[data-tools][open]').map((row) => ['tools', row.dataset.tools]),
  );
  const response = await fetch(`?${open}`, { signal: AbortSignal.timeout(fetchTimeoutMs) });
  if (response.status === 401) return location.reload();
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
  // The gateway was replaced by another version, whose page comes with a script of its own.
  if (fresh.documentElement.dataset.build !== document.documentElement.dataset.build)
    return location.reload();
  prepare(fresh);
  const before = states();
  for (const part of ['#news', '#freshness']) find(part, fresh).replaceWith(find(part).cloneNode(true));
  morph(find('main'), find('main', fresh));
  document.title = fresh.title;
  announce(before);
  refreshedMs = performance.now();
}

function show(isConnected, text) {
  find('#freshness').dataset.live = isConnected;
  find('#live').textContent = text;
}

let pauseMs = 1_000;
let source = null;
let nextTry;

/** Listens to the gateway, for as long as somebody looks at the page. */
function listen() {
  clearTimeout(nextTry);
  source?.close();
  source = new EventSource('-/events');
  source.onmessage = () => {
    if (find('#freshness').dataset.live === 'false') find('#news').textContent = 'Connected again.';
    pauseMs = 1_000;
    show(true, 'Live');
    refresh();
  };
  source.onerror = () => {
    source.close();
    if (find('#freshness').dataset.live !== 'false')
      find('#news').textContent = 'The connection to the gateway is lost.';
    show(false, `Connection lost; next try in ${Math.round(pauseMs / 1000)} s`);
    nextTry = setTimeout(() => document.hidden || listen(), pauseMs);
    pauseMs = Math.min(maxPauseMs, pauseMs * 2);
    refresh();
  };
}

prepare(document);
listen();

document.addEventListener('visibilitychange', () => (document.hidden ? source.close() : listen()));
document.addEventListener('toggle', ({ target }) => target.open && target.dataset.tools && refresh(), true);
document.addEventListener('click', async ({ target }) => {
  if (!target.classList.contains('copy')) return;
  await copy(find('code', target.parentElement));
  target.textContent = 'Copied';
  setTimeout(() => (target.textContent = 'Copy'), 2_000);
});

/** Only pages of secure origins may use the clipboard's own interface. */
async function copy(element) {
  if (navigator.clipboard) return navigator.clipboard.writeText(element.textContent);
  getSelection().selectAllChildren(element);
  document.execCommand('copy');
}

setInterval(() => {
  for (const element of all('[data-countdown]')) {
    const left = element.dataset.countdown - (performance.now() - refreshedMs) / 1000;
    element.textContent = `${Math.max(0, Math.ceil(left))} s`;
  }
  if (!document.hidden && performance.now() - refreshedMs > staleAfterMs) refresh();
}, 1_000);

export {};
