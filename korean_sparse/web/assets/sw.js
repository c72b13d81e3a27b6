// Keeps what the search has fetched, so that it works without a network after the first visit.
//
// The names of data files hold a checksum, so they are answered from what was kept. The manifest and the page
// come from the network first; what they were stands in when there is none. A version is the hash of the
// manifest: when another one is seen, the cache of the earlier goes, and what the new one does not list goes
// with it. Other searches of the same origin (GitHub Pages puts many projects on one) have caches of their
// own, told apart by the folder in the name.

const FOLDER = new URL('./', self.location).href;
const OURS = `korean-search ${new URL(FOLDER).pathname} `;
const MANIFEST = FOLDER + 'manifest.json';
const NAMES = ['', 'index.html', 'page.js', 'page.css', 'engine.js', 'icon.svg', 'manifest.json'];
const PAGE = NAMES.map(name => FOLDER + name);
const PATIENCE = 4000; // ms before what was kept stands in for a network that does not answer

/** The address of a request without query and hash: `engine.js?again=1` is engine.js. */
function plain(url) {
  const found = new URL(url);
  return found.origin + found.pathname;
}

/** Whether an address is that of a data file. */
function isData(url) {
  return url.startsWith(`${FOLDER}data/`);
}

/** The cache of the version that was seen last; undefined before the first. */
async function current() {
  const name = (await caches.keys()).filter(key => key.startsWith(OURS)).at(-1);
  return name && caches.open(name);
}

/** Begin a version if the manifest is another one: most files are the same as before, and are taken along. */
async function versioned(manifest) {
  const hash = await crypto.subtle.digest('SHA-256', await manifest.clone().arrayBuffer());
  const digits = [...new Uint8Array(hash, 0, 8)].map(byte => byte.toString(16).padStart(2, '0'));
  const name = OURS + digits.join('');
  const earlier = (await caches.keys()).filter(key => key.startsWith(OURS) && key !== name);
  const cache = await caches.open(name);
  await cache.put(MANIFEST, manifest.clone());
  for (const key of earlier) {
    await takeAlong(await caches.open(key), cache);
    await caches.delete(key);
  }
}

async function takeAlong(from, to) {
  for (const request of await from.keys()) {
    if (!(await to.match(request))) await to.put(request, await from.match(request));
  }
}

/** Keep an answer, if it is one; a manifest decides of which version. */
async function keep(url, answer) {
  if (!answer.ok || answer.type !== 'basic') return;
  if (plain(url) === MANIFEST) return versioned(answer);
  const cache = await current();
  await cache?.put(plain(url), answer.clone());
}

async function kept(url) {
  return (await current())?.match(plain(url));
}

/** From the network; what was kept stands in when that fails or takes too long. */
async function freshFirst(event) {
  const url = event.request.url;
  const late = new Promise(resolve => setTimeout(resolve, PATIENCE));
  const fresh = fetch(event.request, {cache: 'no-cache'}).then(async answer => {
    await keep(url, answer);
    return answer;
  });
  const stored = kept(url);
  const first = await Promise.race([fresh.catch(() => null), late.then(() => stored)]);
  return first || (await stored) || fresh;
}

/** What was kept, else from the network, and kept. `reload`: what was kept has turned out damaged. */
async function keptFirst(event) {
  const {url, cache} = event.request;
  const stored = cache === 'reload' ? null : await kept(url);
  if (stored) return stored;
  const answer = await fetch(event.request);
  await keep(url, answer);
  return answer;
}

/** Keep what a page needs, the manifest first, which begins the version; `files` are all data there is. */
async function keepAll(urls, files) {
  const ours = url => PAGE.includes(url) || isData(url);
  const wanted = new Set([MANIFEST, ...urls.map(plain).filter(ours)]);
  for (const url of wanted) {
    if (url !== MANIFEST && (await kept(url))) continue;
    await fetch(url, {cache: isData(url) ? 'default' : 'no-cache'})
      .then(answer => keep(url, answer))
      .catch(() => {}); // it is fetched when it is asked for
  }
  const cache = await current();
  for (const {url} of (await cache?.keys()) ?? []) {
    if (isData(url) && !files.includes(url)) await cache.delete(url);
  }
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('message', event => {
  const {keep: wanted, files} = event.data || {};
  if (Array.isArray(wanted) && Array.isArray(files)) event.waitUntil(keepAll(wanted, files));
});
self.addEventListener('fetch', event => {
  const {method, url, headers} = event.request;
  if (method !== 'GET' || headers.has('range')) return; // and whatever else the folder holds is not ours
  if (PAGE.includes(plain(url))) event.respondWith(freshFirst(event));
  else if (isData(plain(url))) event.respondWith(keptFirst(event));
});
