// Takes the part of the engine that searches in the browser: the same calls, answered by the server.

/** Under which name the token is kept while the tab is open. */
export const TOKEN = 'korean-sparse-token';

const MOST = 100; // hits of a request that the server gives

/**
 * Where letters stand in a JavaScript string, which counts letters beyond U+FFFF twice.
 *
 * @param {string} text
 * @param {Array<[number, number]>} spans begin and end, in letters
 * @returns {Array<[number, number]>} the same in units of `text`
 */
export function units(text, spans) {
  const places = [0];
  for (const letter of text) places.push(places[places.length - 1] + letter.length);
  return spans.map(([begin, end]) => [places[begin], places[end]]);
}

/** A store that is asked over HTTP. */
export class Engine {
  #base;

  constructor(base) {
    this.#base = base;
  }

  /**
   * @param {string} base where the server is, as an absolute URL that ends in '/'
   * @returns {Promise<Engine>}
   */
  static async open(base) {
    return new Engine(base);
  }

  /**
   * Ask the server.
   *
   * @param {string} query
   * @param {{k?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<{hits: Array<Object>, understood: string[]}>}
   */
  async search(query, {k = 10, signal} = {}) {
    const token = sessionStorage.getItem(TOKEN);
    const answer = await fetch(new URL('search', this.#base), {
      method: 'POST',
      headers: {'Content-Type': 'application/json', ...(token ? {Authorization: `Bearer ${token}`} : {})},
      body: JSON.stringify({q: query.slice(0, 1000), k: Math.min(k, MOST), texts: true}),
      signal,
    });
    if (answer.status === 401) dispatchEvent(new Event('korean-sparse-token'));
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const {hits, understood} = await answer.json();
    return {hits: hits.map(shown), understood};
  }
}

/** A snippet without the title, which stands above it. */
function below(title, {text, spans}) {
  const from = title && text.startsWith(`${title} `) ? title.length + 1 : 0;
  const kept = units(text, spans).filter(([begin]) => begin >= from);
  return {text: text.slice(from), spans: kept.map(([begin, end]) => [begin - from, end - from])};
}

/** A hit as the page shows it. */
function shown(hit) {
  const also = new Set(hit.snippet.also);
  const {title, url} = hit.metadata;
  return {
    id: hit.id,
    title: typeof title === 'string' && title ? title : hit.id,
    section: '',
    url: typeof url === 'string' ? url : '',
    score: hit.score,
    text: hit.text,
    terms: hit.terms.map(({term, weight}) => ({term, weight, inText: !also.has(term)})),
    snippet: below(title, hit.snippet),
  };
}
