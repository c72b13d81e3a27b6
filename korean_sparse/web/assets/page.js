// What a person sees of the search: a field, the results, and what to do when there are none.
//
//     import {mount} from './korean-search/page.js';
//     mount(document.querySelector('#search'), {lang: 'ko'});
//
// An element with the attribute `data-korean-search` is filled by itself: that is how page.html does it.
// Everything stands in a shadow root, so the styles of the page around it and of the search do not meet.

/** What is said, by language. Numbers are put in by functions. */
const WORDS = {
  en: {
    label: 'Search',
    placeholder: 'Ask in English or Korean',
    clear: 'Clear the search',
    results: 'Results',
    count: n => (n === 1 ? '1 result' : `${n} results`),
    also: 'Also found by: ',
    by: 'Found by: ',
    hint: 'Answers need not hold the words of the question, nor its language.',
    nothing: query => `Nothing found for “${query}”.`,
    nothingHint: 'Other words, or fewer, may help.',
    loading: 'Searching…',
    failed: 'The search did not work.',
    failedHint: 'A part of it could not be read.',
    offline: 'You are offline.',
    offlineHint: 'What this question needs has not been fetched yet.',
    again: 'Try again',
    more: 'More results',
    untitled: 'Untitled',
    private: 'Your questions stay on this device.',
  },
  ko: {
    label: '검색',
    placeholder: '한국어나 영어로 물어보세요',
    clear: '검색어 지우기',
    results: '검색 결과',
    count: n => `결과 ${n}개`,
    also: '이 말로도 찾음: ',
    by: '이 말로 찾음: ',
    hint: '질문과 낱말이 달라도, 언어가 달라도 찾습니다.',
    nothing: query => `‘${query}’에 맞는 결과가 없습니다.`,
    nothingHint: '다른 말로 바꾸거나 짧게 줄여 보세요.',
    loading: '찾고 있습니다…',
    failed: '검색하지 못했습니다.',
    failedHint: '검색에 필요한 자료를 읽지 못했습니다.',
    offline: '인터넷에 연결되어 있지 않습니다.',
    offlineHint: '이 질문에 필요한 자료를 아직 받지 못했습니다.',
    again: '다시 시도',
    more: '결과 더 보기',
    untitled: '제목 없음',
    private: '질문은 이 기기를 떠나지 않습니다.',
  },
};

const PAUSE = 120; // ms without a key before a search
const COMPOSING_PAUSE = 200; // ms while a syllable is being composed: most of its states are no word yet
const PATIENCE = 250; // ms before it is said that a search is still running: most are done by then
const ALSO = 4; // added terms that are named
const LONGEST = 2000; // letters of a question that are read
const WHOLE = 8e6; // bytes of an index that is fetched to its end in quiet, to answer everything offline

/**
 * An element with attributes and children. Strings become text nodes: nothing is ever parsed as HTML.
 *
 * @param {string} name the element's
 * @param {Object<string, string|boolean>} attributes `true` for one without a value; `false` is left out
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/**
 * A drawing of 24 × 24, by the paths of its strokes; screen readers pass over it.
 *
 * @param {...string} paths as in the attribute `d` of an SVG path
 * @returns {SVGElement}
 */
export function icon(...paths) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths) {
    const path = document.createElementNS(space, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/** A magnifying glass, for `icon`. */
export const GLASS = ['M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Z', 'm16.2 16.2 4.3 4.3'];

/**
 * The language of the interface: as asked, else the document's, else the browser's.
 *
 * @param {string} [asked] a language tag
 * @returns {'ko'|'en'}
 */
export function language(asked) {
  const tag = asked || document.documentElement.lang || navigator.language || 'en';
  return /^ko\b/i.test(tag) ? 'ko' : 'en';
}

/**
 * An address that may be followed: one of the web. Addresses come from the pages that were indexed.
 *
 * @param {string} url relative to `root`
 * @param {string} root an absolute URL
 * @returns {string|null} absolute; null for none and for `javascript:` and its like
 */
export function address(url, root) {
  if (!url) return null;
  try {
    const found = new URL(url, root);
    return ['http:', 'https:'].includes(found.protocol) ? found.href : null;
  } catch {
    return null;
  }
}

/** Spans with nothing but one sign between them, as one: Wi-Fi is one word to whoever reads it. */
function joined(text, spans) {
  const made = [];
  for (const [begin, end] of spans) {
    const before = made.at(-1);
    if (before && /^[^\s\p{L}\p{N}]$/u.test(text.slice(before[1], begin))) before[1] = end;
    else made.push([begin, end]);
  }
  return made;
}

/**
 * A text as nodes, with the spans marked.
 *
 * @param {string} text
 * @param {Array<[number, number]>} spans begin and end in the text, in order
 * @returns {Array<Node|string>}
 */
export function marked(text, spans = []) {
  const nodes = [];
  let from = 0;
  for (const [begin, end] of joined(text, spans)) {
    if (begin < from || end <= begin) continue;
    nodes.push(text.slice(from, begin), made('mark', {}, text.slice(begin, end)));
    from = end;
  }
  nodes.push(text.slice(from));
  return nodes.filter(node => node !== '');
}

/** The search in one element: its parts, what is asked, what is shown. */
class View {
  #engine = null; // a promise of the engine, once it was asked for
  #tries = 0; // of loading it, that failed
  #asking = null; // the AbortController of the search that runs; what another one answers is stale
  #asked = ''; // the question that was last sent off
  #answered = ''; // the question whose answer is shown
  #timer = 0;
  #patience = 0;
  #state = 'idle';
  #again = false; // whether the last search was already a second try
  #saved = true; // whether the next question is a new entry in the browser's history

  constructor(element, options) {
    this.base = new URL(options.base || './', options.base ? document.baseURI : import.meta.url).href;
    this.root = new URL(options.root || this.base, document.baseURI).href;
    this.options = options;
    /** Resolves when the first answer is shown. */
    this.answered = new Promise(resolve => (this.said = resolve));
    this.k = this.first = options.k || 10;
    this.words = WORDS[language(options.lang)];
    this.shadow = element.shadowRoot || element.attachShadow({mode: 'open'});
    this.#build(language(options.lang));
    this.#listen();
    if (options.hash) this.#fromHash();
    this.engine().catch(() => {}); // said when somebody searches
  }

  #build(lang) {
    const words = this.words;
    this.input = made('input', {
      id: 'question',
      type: 'search',
      placeholder: words.placeholder,
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      enterkeyhint: 'search',
      'aria-controls': 'results',
      'aria-describedby': 'status',
    });
    this.clear = made('button', {type: 'button', class: 'clear', 'aria-label': words.clear, hidden: true});
    this.clear.append(icon('M6 6l12 12', 'M18 6 6 18'));
    this.status = made('p', {id: 'status', class: 'status', role: 'status'});
    this.list = made('ol', {id: 'results', 'aria-label': words.results});
    this.more = made('button', {type: 'button', class: 'more', hidden: true}, words.more);
    this.note = made('div', {class: 'note'});
    const label = made('label', {for: 'question', class: 'unseen'}, words.label);
    const field = made('div', {class: 'field'}, icon(...GLASS), label, this.input, this.clear);
    this.box = made('div', {class: 'search', lang}, made('div', {role: 'search'}, field), this.status);
    this.box.append(this.note, this.list, this.more);
    const style = made('link', {rel: 'stylesheet', href: new URL('page.css', import.meta.url).href});
    this.shadow.replaceChildren(style, this.box);
    this.#rest();
  }

  #listen() {
    const input = this.input;
    input.addEventListener('input', event => this.#typed(event.isComposing));
    input.addEventListener('compositionend', () => this.#typed(false));
    this.box.addEventListener('keydown', event => this.#key(event));
    this.clear.addEventListener('click', () => this.#wipe());
    this.more.addEventListener('click', () => this.#further());
    this.list.addEventListener('click', event => this.#followed(event));
    addEventListener('online', () => this.#state === 'offline' && this.again());
    if (!this.options.hash) return;
    addEventListener('popstate', () => this.#fromHash());
    addEventListener('hashchange', () => this.#fromHash());
  }

  /** The question as it stands in the field. The field is read, never written to while somebody types. */
  get query() {
    return this.input.value.trim().slice(0, LONGEST);
  }

  /** Put the cursor into the field. */
  focus() {
    this.input.focus();
    this.input.select();
  }

  /** Search for a question, as if somebody had typed it. */
  search(query) {
    this.input.value = query;
    this.#typed(false, 0);
  }

  /** Search again, from the beginning: the files may be others by now. */
  again() {
    this.#engine = null;
    this.#asked = '';
    return this.#ask();
  }

  #typed(composing, pause = composing ? COMPOSING_PAUSE : PAUSE) {
    this.clear.hidden = this.input.value === '';
    clearTimeout(this.#timer);
    if (this.query === this.#asked) return;
    this.k = this.first;
    this.#timer = setTimeout(() => this.#ask(), this.query ? pause : 0);
  }

  /** The engine, fetched when it is first asked for. */
  async engine() {
    if (!this.#engine) {
      const again = this.#tries ? `?again=${this.#tries}` : ''; // browsers remember that a module failed
      const module = import(new URL(`engine.js${again}`, import.meta.url).href);
      this.#engine = module.then(({Engine}) => Engine.open(this.base));
      this.#engine.catch(() => (this.#tries += 1));
    }
    return this.#engine;
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    const query = (this.#asked = this.query);
    const asking = (this.#asking = new AbortController());
    this.#toHash(query);
    if (!query) return this.#rest();
    this.#wait();
    try {
      const engine = await this.engine();
      if (asking.signal.aborted) return undefined;
      const answer = await engine.search(query, {k: this.k, signal: asking.signal});
      if (this.#asking === asking) this.#show(query, answer);
    } catch (error) {
      if (this.#asking === asking) return this.#failed(error);
    }
    return undefined;
  }

  /** A site that was built anew has other files: the first time that one is missing, it is read again. */
  #failed(error) {
    if (this.#again || !['missing', 'version'].includes(error?.code)) return this.#fail(error);
    this.#again = true;
    return this.again();
  }

  #enter(state) {
    clearTimeout(this.#patience);
    this.#state = state;
    this.box.dataset.state = state;
    this.list.removeAttribute('aria-busy');
  }

  #rest() {
    this.#enter('idle');
    this.#answered = '';
    this.list.replaceChildren();
    this.more.hidden = true;
    this.status.textContent = '';
    this.note.replaceChildren(made('p', {}, this.words.hint));
    if (this.options.private !== false) this.note.append(made('p', {}, this.words.private));
  }

  #wait() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      this.#enter('loading');
      this.list.setAttribute('aria-busy', 'true');
      this.status.textContent = this.words.loading;
      this.note.replaceChildren();
    }, PATIENCE);
  }

  #show(query, answer) {
    const hits = answer.hits;
    this.#again = false;
    this.#enter(hits.length ? 'results' : 'empty');
    this.#answered = query;
    this.list.replaceChildren(...hits.map((hit, n) => this.#item(hit, n)));
    this.more.hidden = hits.length < this.k;
    this.status.textContent = hits.length ? this.words.count(hits.length) : this.words.nothing(query);
    this.note.replaceChildren(...(hits.length ? [] : [made('p', {}, this.words.nothingHint)]));
    this.#back();
    this.said();
    this.options.onAnswer?.(query, answer);
  }

  #fail(error) {
    const offline = navigator.onLine === false;
    this.#again = false;
    this.#enter(offline ? 'offline' : 'failed');
    this.#asked = this.#answered = '';
    console.warn(error);
    const again = made('button', {type: 'button', class: 'again'}, this.words.again);
    again.addEventListener('click', () => {
      this.input.focus();
      this.again();
    });
    this.list.replaceChildren();
    this.more.hidden = true;
    this.status.textContent = offline ? this.words.offline : this.words.failed;
    this.note.replaceChildren(made('p', {}, offline ? this.words.offlineHint : this.words.failedHint), again);
  }

  #item(hit, n) {
    const title = made('span', {}, hit.section || hit.title || hit.id || this.words.untitled);
    const href = address(hit.url, this.root);
    const parts = marked(hit.snippet.text, hit.snippet.spans);
    const text = made('p', {class: 'snippet', id: `snippet${n}`}, ...parts);
    const item = made('li', {class: 'hit'});
    if (href) {
      item.append(made('a', {class: 'to', href, 'aria-describedby': `snippet${n}`}, title));
    } else {
      // nowhere to go to: the text is all there is, so it opens here
      const button = made('button', {class: 'to', type: 'button', 'aria-expanded': 'false'}, title);
      button.addEventListener('click', () => this.#unfold(button, text, hit));
      item.append(button);
    }
    if (hit.title && hit.section && hit.title !== hit.section) {
      item.prepend(made('p', {class: 'page'}, hit.title));
    }
    item.append(text);
    const also = hit.terms.filter(term => !term.inText).slice(0, ALSO);
    if (also.length) {
      const names = also.flatMap((term, i) => [i ? ', ' : '', made('span', {}, term.term)]);
      // of a text in the other language, none may stand in it
      const said = hit.terms.some(term => term.inText) ? this.words.also : this.words.by;
      item.append(made('p', {class: 'also'}, said, ...names));
    }
    return item;
  }

  #unfold(button, paragraph, hit) {
    const open = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(open));
    const short = marked(hit.snippet.text, hit.snippet.spans);
    paragraph.replaceChildren(...(open && hit.text ? [hit.text] : short));
  }

  /** What keys go through: the titles, then the button for more. */
  #stops() {
    return [...this.list.querySelectorAll('.to'), this.more, ...this.note.querySelectorAll('button')].filter(
      stop => !stop.hidden,
    );
  }

  #key(event) {
    // a key that belongs to the composition of a syllable: Enter ends it, and does nothing else
    if (event.isComposing || event.keyCode === 229) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const inField = event.target === this.input;
    if (event.key === 'Escape') this.#escape(event, inField);
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') this.#step(event, inField);
    else if (event.key === 'Enter' && inField) this.#enterKey(event);
    else if (!inField && event.key.length === 1 && event.key !== ' ') this.input.focus(); // it is typed there
  }

  #enterKey(event) {
    event.preventDefault();
    this.#saved = true;
    if (this.query !== this.#asked) this.#ask();
    else if (this.query === this.#answered) this.#stops()[0]?.focus();
  }

  #step(event, inField) {
    const stops = this.#stops();
    const at = inField ? -1 : stops.indexOf(this.shadow.activeElement);
    const next = event.key === 'ArrowDown' ? at + 1 : at - 1;
    if ((inField && event.key === 'ArrowUp') || next >= stops.length) return;
    event.preventDefault();
    if (next >= 0) this.#saved = true;
    (next < 0 ? this.input : stops[next]).focus();
  }

  #escape(event, inField) {
    if (this.options.onClose) {
      event.preventDefault();
      this.options.onClose();
    } else if (!inField) {
      event.preventDefault();
      this.focus();
    } else if (this.input.value) {
      event.preventDefault();
      this.#wipe();
    }
  }

  #wipe() {
    this.input.value = '';
    this.#typed(false);
    this.input.focus();
  }

  async #further() {
    const before = this.list.children.length;
    this.k += this.first;
    await this.#ask();
    const links = [...this.list.querySelectorAll('.to')];
    (links[before] || links.at(-1))?.focus(); // the button may be gone
  }

  #followed(event) {
    const link = event.target.closest('a.to');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (this.options.hash) {
      const at = [...this.list.children].indexOf(link.closest('li'));
      history.replaceState({at, k: this.k}, '');
    }
    this.options.onOpen?.(link.href);
  }

  /** The result that was opened before somebody came back is where the keyboard goes on. */
  #back() {
    const at = this.options.hash ? history.state?.at : undefined;
    if (at === undefined) return;
    history.replaceState(null, '');
    if (this.shadow.activeElement) return; // somebody is typing already
    this.list.querySelectorAll('.to')[at]?.focus();
  }

  #fromHash() {
    const query = new URLSearchParams(location.hash.slice(1)).get('q') || '';
    if (query.trim() === this.query) return;
    this.input.value = query;
    this.clear.hidden = query === '';
    this.k = history.state?.k || this.first;
    this.#saved = true;
    this.#ask();
  }

  #toHash(query) {
    if (!this.options.hash) return;
    const now = new URLSearchParams(location.hash.slice(1)).get('q') || '';
    if (now === query) return;
    const url = query ? `#${new URLSearchParams({q: query})}` : location.pathname + location.search;
    // one entry for a question, not for each of its letters; emptying the field leaves what was found behind
    const apart = query ? this.#saved : this.#answered !== '';
    history[apart ? 'pushState' : 'replaceState'](null, '', url);
    this.#saved = false;
  }
}

/**
 * Put the search into an element.
 *
 * @param {HTMLElement} element an empty one
 * @param {Object} [options]
 * @param {string} [options.base] the folder of the index; without it, the one that this file stands in
 * @param {string} [options.root] what the addresses of the results are relative to; without it, `base`
 * @param {string} [options.lang] 'ko' or 'en'; without it, the document's or the browser's language
 * @param {number} [options.k] how many results at first (10)
 * @param {boolean} [options.hash] keep the question in the page's address, as `#q=…`
 * @param {boolean} [options.private] say that questions stay on this device (true)
 * @param {boolean} [options.offline] keep what was fetched, to search without a network
 * @param {function(): void} [options.onClose] called by Escape; without it, Escape clears the field
 * @param {function(string): void} [options.onOpen] called with the address of a result that is followed
 * @param {function(string, Object): void} [options.onAnswer] called with a question and the engine's answer
 * @returns {{focus: function(): void, search: function(string): void, again: function(): Promise<void>}}
 */
export function mount(element, options = {}) {
  const view = new View(element, options);
  if (options.offline) keepOffline(view);
  return {focus: () => view.focus(), search: query => view.search(query), again: () => view.again()};
}

/** Hand what was fetched before the service worker was there over to it, and all of a small index. */
async function keepOffline(view) {
  if (!navigator.serviceWorker) return; // none in old browsers, and none without https
  try {
    await navigator.serviceWorker.register(new URL('sw.js', view.base).href, {updateViaCache: 'none'});
    const {active} = await navigator.serviceWorker.ready;
    await view.answered; // not before: what somebody waits for goes first
    const data = (await view.engine()).files();
    const files = data.map(([url]) => url);
    const whole = data.reduce((sum, [, size]) => sum + size, 0) <= WHOLE && !navigator.connection?.saveData;
    const fetched = performance.getEntriesByType('resource').map(entry => entry.name);
    active.postMessage({keep: [location.href.split('#')[0], ...fetched, ...(whole ? files : [])], files});
  } catch (error) {
    console.warn(error); // it searches all the same, only not offline
  }
}

const here = document.querySelector('[data-korean-search]');
if (here) {
  const {base, root, lang} = here.dataset;
  const search = mount(here, {base, root, lang, hash: true, offline: true});
  if (!location.hash && matchMedia('(pointer: fine)').matches) search.focus();
}
