// The search of a whole site: a button in its header, the keys / and Ctrl+K, and a dialog.
//
// This is all that a page of the site loads; the search itself is fetched when it is first opened. The index
// stands in the folder of this file, one below the site's root. Settings are in this file's address:
// `dialog.js?k=5&lang=ko`.

const HOME = new URL('./', import.meta.url).href;
const ROOT = new URL('../', import.meta.url).href;
const ASKED = new URL(import.meta.url).searchParams;
const KOREAN = /^ko\b/i.test(ASKED.get('lang') || document.documentElement.lang || navigator.language || '');
const SEARCH = KOREAN ? '검색' : 'Search';
const CLOSE = KOREAN ? '닫기' : 'Close';
const MAC = /mac|iphone|ipad/i.test(navigator.platform);

// where the button goes, in the themes that are known: the parent, the child that it goes before, and the
// width below which the parent is folded away; there the button stands in the corner instead
const PLACES = [
  ['.md-header__inner', '.md-header__source', 0],
  ['#navbar-collapse .navbar-nav:last-of-type', '', 992],
  ['.wy-side-nav-search', '', 769],
];

let search = null; // what `mount` gave, once it was opened

/** Whether the site is shown in the dark, by the switches of the known themes. */
function isDark() {
  const material = document.querySelector('[data-md-color-scheme]');
  if (material) return material.dataset.mdColorScheme === 'slate';
  return document.documentElement.dataset.bsTheme === 'dark';
}

/** An element whose inside has our style, and meets no other. */
function host(...children) {
  const element = document.createElement('korean-search');
  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL('page.css', HOME).href;
  element.attachShadow({mode: 'open'}).append(style, ...children);
  return element;
}

/** The button: a magnifying glass, a word, the key. */
function opener() {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  const path = document.createElementNS(space, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Zm5.2 12.2 4.3 4.3');
  svg.append(path);
  const button = document.createElement('button');
  const word = document.createElement('span');
  const key = document.createElement('kbd');
  word.textContent = SEARCH;
  key.textContent = MAC ? '⌘K' : 'Ctrl K';
  key.setAttribute('aria-hidden', 'true');
  button.type = 'button';
  button.className = 'opener';
  button.setAttribute('aria-label', SEARCH);
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-keyshortcuts', '/ Control+K Meta+K');
  button.append(svg, word, key);
  button.addEventListener('click', open);
  return button;
}

const dialog = document.createElement('dialog');
const inside = document.createElement('div');
const bar = document.createElement('div');
const heading = document.createElement('h2');
const closing = document.createElement('button');
heading.id = 'heading';
heading.textContent = SEARCH;
closing.type = 'button';
closing.className = 'close';
closing.textContent = CLOSE;
closing.addEventListener('click', () => dialog.close());
bar.className = 'bar';
bar.append(heading, closing);
dialog.setAttribute('aria-labelledby', 'heading');
dialog.append(bar, inside);
const around = host(dialog);

/** Open the dialog, with the cursor in the field. */
async function open() {
  if (dialog.open) return;
  around.style.colorScheme = isDark() ? 'dark' : 'light';
  dialog.showModal();
  if (!search) {
    const {mount} = await import(new URL('page.js', HOME).href);
    const close = () => dialog.close();
    const settings = {base: HOME, root: ROOT, lang: KOREAN ? 'ko' : 'en', k: Number(ASKED.get('k')) || 10};
    search ||= mount(inside, {...settings, onClose: close, onOpen: close});
  }
  search.focus();
}

/** Put the button into the header of the theme; where none is known, or it is folded away, into a corner. */
function place() {
  const floating = opener();
  floating.classList.add('floating');
  const corner = host(floating);
  document.body.append(corner);
  for (const [parent, before, width] of PLACES) {
    const element = document.querySelector(parent);
    if (!element) continue;
    const button = host(opener());
    button.style.color = getComputedStyle(element.querySelector('a') || element).color;
    element.insertBefore(button, before ? element.querySelector(before) : null);
    const folded = matchMedia(`(max-width: ${width - 1}px)`);
    const show = () => (corner.hidden = !width || !folded.matches);
    folded.addEventListener('change', show);
    show();
    return;
  }
}

/** Whether a key goes into a text. */
function isTyped(event) {
  const target = event.composedPath()[0];
  return target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName || '');
}

addEventListener(
  'keydown',
  event => {
    if (event.isComposing || event.altKey) return;
    // by its place on the keyboard: the layout may be Korean
    const chord = (event.ctrlKey || event.metaKey) && event.code === 'KeyK';
    const slash = event.key === '/' && !event.ctrlKey && !event.metaKey && !isTyped(event);
    if (!chord && !slash) return;
    event.preventDefault();
    event.stopPropagation();
    open();
  },
  true,
);
dialog.addEventListener('click', event => {
  if (event.target === dialog) dialog.close(); // beside it
});
document.body.append(around);
place();
