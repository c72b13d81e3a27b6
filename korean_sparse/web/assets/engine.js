// The query side of a sparse index, and the index itself, in the browser: no server, no model, no dependency.
//
// A question is cut into terms (`Reader`), the postings of these terms are fetched, their weights added up,
// and the texts of the best pages fetched for the snippets. `korean_sparse.web` writes the files read here:
//
//   manifest.json   what there is; the only file whose name stays when its contents change
//   table           the tokenizer: its pieces with their scores, and what it does to characters
//   index           which terms occur, where postings and texts lie, and how many sections each page has
//   postings        for some terms: the sections that hold each, and its weight there in a byte
//   texts           titles, addresses and texts of some sections
//
// Every step is the one that Python takes, to the last bit: weights are multiplied and added as float32.

const FORMAT = 1;
const KINDS = {table: 'T', index: 'I', postings: 'P', texts: 'X'};
const SNIPPET = 220; // characters of a snippet, about

/** What is wrong with a file: `code` is 'offline', 'missing', 'damaged' or 'version', `file` its address. */
export class SearchError extends Error {
  constructor(code, message, file) {
    super(`${message}: ${file}`);
    this.name = 'SearchError';
    this.code = code;
    this.file = file;
  }
}

// ---------------------------------------------------------------------------------------------- files

const CRC = new Uint32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

/** The checksum that zip files have, of bytes. */
function crc32(bytes) {
  let sum = -1;
  for (let i = 0; i < bytes.length; i++) sum = CRC[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

/** The bytes of a file; a `SearchError` says why there are none. */
async function fetched(url, cache) {
  let answer;
  try {
    answer = await fetch(url, {cache});
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  } catch (error) {
    throw new SearchError('offline', `no answer (${error.message})`, url);
  }
  const gone = [403, 404, 410].includes(answer.status);
  throw new SearchError(gone ? 'missing' : 'offline', `the server answered ${answer.status}`, url);
}

/** The bytes that packed ones stand for. Read by hand: `new Response(stream)` takes five times as long. */
async function gunzip(bytes) {
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  const written = Promise.all([writer.write(bytes), writer.close()]);
  written.catch(() => {}); // the reader fails as well, and says so
  const reader = stream.readable.getReader();
  const parts = [];
  let length = 0;
  for (let {value, done} = await reader.read(); !done; {value, done} = await reader.read()) {
    parts.push(value);
    length += value.length;
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a data file holds. It is fetched again, past the browser's cache, if it is not what it should be. */
async function opened(url, kind, length, crc) {
  let bytes = await fetched(url, 'default');
  const sound = () => bytes.length === length && crc32(bytes) === crc;
  if (!sound()) bytes = await fetched(url, 'reload');
  if (!sound()) {
    throw new SearchError('damaged', `${bytes.length} bytes that are not the ${length} written`, url);
  }
  const [k, s, format, letter, packed] = bytes;
  if (k !== 0x4b || s !== 0x53) throw new SearchError('damaged', 'not a file of this search', url);
  if (format !== FORMAT) throw new SearchError('version', `format ${format}, where ${FORMAT} is read`, url);
  if (letter !== KINDS[kind].charCodeAt(0)) throw new SearchError('damaged', `not a file of ${kind}`, url);
  const payload = bytes.subarray(8);
  if (!packed) return payload;
  try {
    return await gunzip(payload);
  } catch (error) {
    throw new SearchError('damaged', `cannot be unpacked (${error.message})`, url);
  }
}

/** Numbers, one behind the other: 7 bits a byte, the lowest first; and blocks of bytes. */
class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  number() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++];
      if (byte < 128) return value + byte * factor;
      if (byte === undefined) throw new RangeError('a file ends within a number');
      value += (byte - 128) * factor;
    }
  }

  numbers(count) {
    return Array.from({length: count}, () => this.number());
  }

  block(length) {
    if (this.at + length > this.bytes.length) throw new RangeError('a file ends too early');
    return this.bytes.subarray(this.at, (this.at += length));
  }

  /** Four bytes each, the lowest first, as the elements of a typed array. */
  words(count, kind) {
    return new kind(this.block(4 * count).slice().buffer);
  }
}

// ---------------------------------------------------------------------------------------------- characters

/** A set of characters, or a map to small numbers, written as [gap, length, gap, length, ...]. */
class Ranges {
  constructor(numbers, valued = false) {
    const step = valued ? 3 : 2;
    const count = numbers.length / step;
    this.first = new Int32Array(count);
    this.end = new Int32Array(count);
    this.value = new Uint8Array(count).fill(1);
    for (let i = 0, end = 0; i < count; i++) {
      this.first[i] = end + numbers[step * i];
      end = this.end[i] = this.first[i] + numbers[step * i + 1];
      if (valued) this.value[i] = numbers[step * i + 2];
    }
  }

  /** The number of a character, 0 of one that is in no range. */
  of(c) {
    let low = 0;
    let high = this.first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end[middle] <= c) low = middle + 1;
      else high = middle;
    }
    return low < this.first.length && this.first[low] <= c ? this.value[low] : 0;
  }
}

const CONJOINING = /[\u1100-\u11ff]/;
// what needs nothing but lower case, whatever stands beside it (`text.normal` has the same list)
const PLAIN = new RegExp(
  '^[\\t\\n\\r -~가-힣ㄱ-ㅣ一-鿿ぁ-んァ-ヺА-я\\xa7\\xa9\\xae\\xb0\\xb1\\xb7\\xc0-\\xff' +
    '\\u2010\\u2012-\\u2015\\u2018-\\u201f₩€※\\u2190-\\u2193\\u21d2\\u25a0-\\u25ff\\u3008-\\u3011]*$'
);
const MARK = 0x34f; // invisible: stands before a raised digit for a while
const isDigit = c => c >= 0x30 && c <= 0x39;
const isLead = c => (c >= 0x1100 && c <= 0x115f) || (c >= 0xa960 && c <= 0xa97c);
const isVowel = c => (c >= 0x1160 && c <= 0x11a7) || (c >= 0xd7b0 && c <= 0xd7c6);
const utf8Length = c => (c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);

/** A text of whole characters: each half of one that stands alone is U+FFFD. */
function whole(text) {
  return /[\ud800-\udfff]/.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}

/** Characters with the places in the text that they come from: what the steps of the normaliser pass on. */
class Characters {
  constructor() {
    this.code = [];
    this.from = [];
    this.to = [];
  }

  push(code, from, to) {
    this.code.push(code);
    this.from.push(from);
    this.to.push(to);
  }

  add(text, from, to) {
    for (const c of text) this.push(c.codePointAt(0), from, to);
  }

  static of(text) {
    const made = new Characters();
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i);
      const next = i + (code > 0xffff ? 2 : 1);
      made.push(code, i, next);
      i = next;
    }
    return made;
  }
}

/** Characters in normal form, as the tokenizer's own normaliser makes it, step by step. */
class Normalizer {
  constructor(tables) {
    for (const name of ['gone', 'blank', 'active', 'behind_one', 'joins', 'prepends', 'lower']) {
      this[name] = new Ranges(tables[name]);
    }
    const map = table => new Map(Object.entries(table).map(([c, text]) => [c.codePointAt(0), text]));
    this.before = map(tables.before);
    this.behind = map(tables.behind);
    this.typed = map(tables.typed);
  }

  /** `text` in normal form, and for each unit of it the place where it begins and ends in `text`. */
  normal(text) {
    if (PLAIN.test(text)) {
      const places = Int32Array.from({length: text.length + 1}, (_, i) => i);
      const lower = text.toLowerCase().replace(/[\t\n\r]/g, ' ');
      return {text: lower, from: places, to: places.subarray(1)};
    }
    let made = this.#visible(Characters.of(text));
    made = this.#composed(this.#mapped(made, this.before), 'NFKC');
    made = this.#withoutMarks(this.#mapped(made, this.behind));
    made = this.#composed(this.#lowered(this.#dotted(made)), 'NFC');
    return this.#asText(made);
  }

  #visible(old) {
    const made = new Characters();
    for (let i = 0; i < old.code.length; i++) {
      const c = old.code[i];
      if (this.gone.of(c)) continue;
      made.push(this.blank.of(c) ? 0x20 : c, old.from[i], old.to[i]);
    }
    return made;
  }

  /** Each character that the table has, replaced; a letter of one such and an accent loses the accent. */
  #mapped(old, table) {
    const made = new Characters();
    for (let i = 0; i < old.code.length; i++) {
      const c = old.code[i];
      const text = table.get(c);
      if (text === undefined) {
        made.push(c, old.from[i], old.to[i]);
        continue;
      }
      made.add(text, old.from[i], old.to[i]);
      if (this.#accented(old.code, i)) i++;
    }
    return made;
  }

  #accented(code, i) {
    if (i + 1 >= code.length || !this.joins.of(code[i + 1])) return false;
    if (utf8Length(code[i]) + utf8Length(code[i + 1]) >= 6) return false;
    if (i + 2 < code.length && this.joins.of(code[i + 2])) return false;
    return !(i > 0 && this.prepends.of(code[i - 1]));
  }

  /** Unicode's normal form, of the characters that the tokenizer's library knows; others stand between. */
  #composed(old, form) {
    const made = new Characters();
    const {code, from, to} = old;
    for (let i = 0; i < code.length; ) {
      let end = i + 1;
      while (end < code.length && this.behind_one.of(code[end])) end++;
      if (!this.active.of(code[i])) {
        made.push(code[i], from[i], to[i]); // it may be newer than that library: the browser is not asked
        i++;
      }
      if (end > i) this.#composeRun(made, old, i, end, form);
      i = end;
    }
    return made;
  }

  /** A character and its marks: what the first is put together from has the place of its first part. */
  #composeRun(made, {code, from, to}, begin, end, form) {
    const found = [...String.fromCodePoint(...code.slice(begin, end)).normalize(form)];
    const sources = [];
    for (let n = begin; n < end; n++) {
      for (const _ of String.fromCodePoint(code[n]).normalize(form)) sources.push(n);
    }
    const fewer = sources.length - found.length;
    found.forEach((letter, n) => {
      const place = n ? sources[n + fewer] : begin;
      made.add(letter, from[place], to[place]);
    });
  }

  /** A raised digit behind a number is kept apart from it: 10² is 10 and 2. */
  #withoutMarks(old) {
    const made = new Characters();
    const {code} = old;
    for (let i = 0; i < code.length; i++) {
      const apart = i > 0 && isDigit(code[i - 1]) && !(i > 1 && code[i - 2] === MARK);
      if (code[i] !== MARK) made.push(code[i], old.from[i], old.to[i]);
      else if (apart) made.push(0x20, old.from[i], old.to[i]);
    }
    return made;
  }

  /** The vowel that looks like a dot is one, where it is no vowel. */
  #dotted(old) {
    const {code} = old;
    const inSyllable = i =>
      (i > 0 && isLead(code[i - 1])) || (i > 1 && isVowel(code[i - 1]) && isLead(code[i - 2]));
    const dots = code.map((c, i) => (c === 0x119e || c === 0x11a2) && !inSyllable(i));
    dots.forEach((dot, i) => {
      if (dot) code[i] = 0xb7;
    });
    return old;
  }

  #lowered(old) {
    const made = new Characters();
    for (let i = 0; i < old.code.length; i++) {
      const c = old.code[i];
      if (this.lower.of(c)) made.add(String.fromCodePoint(c).toLowerCase(), old.from[i], old.to[i]);
      else made.push(c, old.from[i], old.to[i]);
    }
    return made;
  }

  #asText(made) {
    const from = [];
    const to = [];
    let text = '';
    made.code.forEach((c, i) => {
      const letter = String.fromCodePoint(c);
      text += letter;
      for (let unit = 0; unit < letter.length; unit++) {
        from.push(made.from[i]);
        to.push(made.to[i]);
      }
    });
    return {text, from, to};
  }

  /** A text as the tokenizer can take it: jamo that were taken apart in normal form (`query.readable`). */
  readable(text) {
    text = whole(text);
    return CONJOINING.test(text) ? this.#folded(text) : text;
  }

  #folded(text) {
    let made = '';
    for (const c of text) {
      const code = c.codePointAt(0);
      if (this.gone.of(code)) continue;
      made += this.blank.of(code) ? ' ' : this.before.get(code) ?? c;
    }
    made = this.#shown(Array.from(made.normalize('NFKC'), c => c.codePointAt(0)));
    made = made.replace(/(?<=[0-9])(?<!\u034f[0-9])\u034f/g, ' ').replaceAll('\u034f', '');
    made = made.replaceAll('Σ', 'σ').toLowerCase().normalize('NFC');
    return made.split(/[\s\x1c-\x1f\x85]+/).filter(Boolean).join(' ');
  }

  /** Jamo that were hidden, and those in no syllable, as they are typed. */
  #shown(code) {
    let made = '';
    code.forEach((c, i) => {
      const letter = String.fromCodePoint(c);
      const shown = this.behind.get(c);
      if (shown !== undefined) made += shown;
      else made += alone(code, i) ? this.typed.get(c) ?? letter : letter;
    });
    return made;
  }
}

/** Whether a jamo stands in no syllable. */
function alone(code, i) {
  const c = code[i];
  const lead = n => n >= 0 && isLead(code[n]);
  const vowel = n => n >= 0 && isVowel(code[n]);
  if (isLead(c)) {
    let next = i + 1;
    while (next < i + 3 && next < code.length && isLead(code[next])) next++;
    // up to two leads more, then a vowel; fewer will do as well
    for (let n = next; n > i; n--) if (n < code.length && isVowel(code[n])) return false;
    return true;
  }
  if (isVowel(c)) return !lead(i - 1) && !(lead(i - 2) && vowel(i - 1));
  const behindVowel =
    (lead(i - 2) && vowel(i - 1)) || (lead(i - 3) && vowel(i - 2) && vowel(i - 1));
  if (c >= 0x11a8 && c <= 0x11c2) return !behindVowel;
  const old = (c >= 0x11c3 && c <= 0x11ff) || (c >= 0xd7cb && c <= 0xd7fb);
  return old && !behindVowel && !(i > 0 && code[i - 1] >= 0xac00 && code[i - 1] <= 0xd7a3);
}

// ---------------------------------------------------------------------------------------------- pieces

const SPACE = 1;
const PUNCTUATION = 2;

/** The pieces of the vocabulary in the order of their letters, found by halving. */
class Pieces {
  constructor(source, count, length, exact) {
    const [shared, own] = [source.block(count), source.block(count)];
    const [high, low] = [source.block(length), source.block(length)];
    const [idHigh, idLow] = [source.block(count), source.block(count)];
    [this.begin, this.units] = unfolded(shared, own, high, low);
    [this.id, this.place] = numbered(idHigh, idLow);
    this.score = exact ? new Float64Array(source.block(8 * count).slice().buffer) : summed(source, count);
    this.starting = starts(this.begin, this.units);
  }

  text(id) {
    const i = this.place[id];
    return String.fromCharCode(...this.units.subarray(this.begin[i], this.begin[i + 1]));
  }

  /** The first of the pieces `low` to `high`, alike in `depth` units, whose next unit is `unit` or above. */
  #next(low, high, depth, unit) {
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.begin[middle] + depth;
      const below = at >= this.begin[middle + 1] || this.units[at] < unit;
      if (below) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Call `found(place of the piece, its end)` for each piece that `text` has at `begin`, shortest first. */
  prefixes(text, begin, found) {
    let unit = text.charCodeAt(begin);
    let low = this.starting[unit];
    let high = this.starting[unit + 1];
    for (let depth = 1; low < high; depth++) {
      if (this.begin[low + 1] - this.begin[low] === depth) found(low, begin + depth);
      if (begin + depth >= text.length) return;
      unit = text.charCodeAt(begin + depth);
      low = this.#next(low, high, depth, unit);
      high = this.#next(low, high, depth, unit + 1);
    }
  }

  /** The id of a piece, -1 of none. */
  find(text) {
    let id = -1;
    this.prefixes(text, 0, (place, end) => {
      if (end === text.length) id = this.id[place];
    });
    return id;
  }
}

/** Pieces written as what each shares with the one before and what it adds: where each begins, all units. */
function unfolded(shared, own, high, low) {
  const count = shared.length;
  const begin = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) begin[i + 1] = begin[i] + shared[i] + own[i];
  const units = new Uint16Array(begin[count]);
  let from = 0; // where the piece before begins
  let to = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const first = to;
    for (let end = to + shared[i]; to < end; to++, from++) units[to] = units[from];
    for (let end = at + own[i]; at < end; at++, to++) units[to] = (high[at] << 8) | low[at];
    from = first;
  }
  return [begin, units];
}

/** The id of each piece, and the place of the piece of each id. */
function numbered(high, low) {
  const id = new Int32Array(high.length);
  const place = new Int32Array(high.length);
  for (let i = 0; i < high.length; i++) {
    id[i] = (high[i] << 8) | low[i];
    place[id[i]] = i;
  }
  return [id, place];
}

/** Scores by id, written as differences in millionths; odd numbers are negative ones. */
function summed(source, count) {
  const scores = new Float64Array(count);
  const {bytes} = source;
  let {at} = source;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let number = 0;
    let shift = 0;
    let byte = 128;
    for (; byte > 127; shift += 7) {
      byte = bytes[at++];
      number |= (byte & 127) << shift;
    }
    sum += number & 1 ? -((number + 1) >> 1) : number >> 1;
    scores[i] = -sum / 1e6;
  }
  if (at > bytes.length) throw new RangeError('a file ends within a number');
  source.at = at;
  return scores;
}

/** Where the pieces begin that begin with a unit. */
function starts(begin, units) {
  const count = begin.length - 1;
  const starting = new Int32Array(65537).fill(count);
  let unit = -1;
  for (let i = 0; i < count; i++) {
    const first = units[begin[i]];
    while (unit < first) starting[++unit] = i;
  }
  return starting;
}

function least(scores) {
  let found = Infinity;
  for (let i = 0; i < scores.length; i++) if (scores[i] < found) found = scores[i];
  return found;
}

/** Cuts texts into terms, as the tokenizer does. */
export class Reader {
  #words = new Map(); // what was cut: a word -> its terms

  constructor(payload) {
    const source = new Bytes(payload);
    const [length] = source.words(1, Uint32Array);
    const head = JSON.parse(new TextDecoder().decode(source.block(length)));
    this.pieces = new Pieces(source, head.pieces, head.units, head.exact);
    this.normalizer = new Normalizer(head.characters);
    this.classes = new Ranges(head.characters.classes, true);
    this.unknown = head.unknown;
    this.unknownScore = least(this.pieces.score) - 10;
    this.skipped = new Set(head.special.map(([id]) => id));
    const escaped = head.special.map(([, text]) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
    this.special = escaped.length ? new RegExp(`(${escaped.join('|')})`) : null;
    this.bytes = Int32Array.from({length: 256}, (_, byte) =>
      this.pieces.find(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    );
    this.firstBytes = new Set(this.bytes.subarray(0xc2, 0xf5));
    const further = [...this.bytes.subarray(0x80, 0xc0)];
    this.letterBytes = new Set([...this.firstBytes, ...further].filter(id => id >= 0));
  }

  /**
   * The terms of a word, or of a text: `id`, and the letters `from` to `to` of `text` that it is of. A byte is
   * of one letter, `begin` to `end`; `from` to `to` are all that are read by their bytes with it. `text` is
   * the word itself, or what it is read as.
   */
  cut(word) {
    let found = this.#words.get(word);
    if (!found) {
      const text = this.normalizer.readable(word);
      found = {text, terms: []};
      let at = 0;
      const parts = this.special ? text.split(this.special) : [text]; // every second one is a special token
      parts.forEach((part, n) => {
        if (n % 2 === 0 && part) this.#cutPart(part, at, found.terms);
        at += part.length;
      });
      if (word.length <= 64) {
        if (this.#words.size >= 20000) this.#words.clear();
        this.#words.set(word, found);
      }
    }
    return found;
  }

  #cutPart(part, at, terms) {
    const {text, from, to} = this.normalizer.normal(part);
    const add = (id, begin, end, first, last, byte) => {
      const place = {id, from: at + from[begin], to: at + to[end - 1], byte};
      place.begin = at + from[first];
      place.end = at + to[last - 1];
      terms.push(place);
    };
    let begin = 0;
    let kind = SPACE;
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i);
      const next = this.classes.of(code);
      if (next !== kind || next === PUNCTUATION) {
        if (kind !== SPACE) this.#cutRun(text, begin, i, add);
        begin = i;
        kind = next;
      }
      i += code > 0xffff ? 2 : 1;
    }
    if (kind !== SPACE) this.#cutRun(text, begin, text.length, add);
  }

  /** The best way to cut a run of letters into pieces: that with the highest sum of scores. */
  #cutRun(all, first, last, add) {
    if (first === last) return;
    const text = all.slice(first, last);
    const {pieces} = this;
    const best = new Float64Array(text.length + 1);
    const start = new Int32Array(text.length + 1).fill(-1);
    const piece = new Int32Array(text.length + 1);
    const offer = (end, begin, score, place) => {
      if (start[end] >= 0 && !(score > best[end])) return;
      best[end] = score;
      start[end] = begin;
      piece[end] = place;
    };
    for (let i = 0, next; i < text.length; i = next) {
      next = i + (text.codePointAt(i) > 0xffff ? 2 : 1);
      let known = false;
      pieces.prefixes(text, i, (place, end) => {
        offer(end, i, pieces.score[pieces.id[place]] + best[i], place);
        known ||= end === next;
      });
      if (!known) offer(next, i, this.unknownScore + best[i], -1);
    }
    const parts = [];
    for (let end = text.length; end > 0; end = start[end]) parts.push([start[end], end, piece[end]]);
    this.#addParts(text, first, parts.reverse(), add);
  }

  /** Pieces as terms; letters of which there is no piece, one behind the other, by their bytes. */
  #addParts(text, first, parts, add) {
    for (let n = 0; n < parts.length; n++) {
      const [begin, end, place] = parts[n];
      if (place >= 0) {
        add(this.pieces.id[place], first + begin, first + end, first + begin, first + end, false);
        continue;
      }
      let last = n;
      while (last + 1 < parts.length && parts[last + 1][2] < 0) last++;
      this.#addBytes(text, first, parts.slice(n, last + 1), add);
      n = last;
    }
  }

  #addBytes(text, first, parts, add) {
    const begin = first + parts[0][0];
    const end = first + parts.at(-1)[1];
    const encoder = new TextEncoder();
    const letters = parts.map(([from, to]) => [from, to, [...encoder.encode(text.slice(from, to))]]);
    if (letters.some(([, , bytes]) => bytes.some(byte => this.bytes[byte] < 0))) {
      add(this.unknown, begin, end, begin, end, false);
      return;
    }
    for (const [from, to, bytes] of letters) {
      for (const byte of bytes) add(this.bytes[byte], begin, end, first + from, first + to, true);
    }
  }

  /**
   * A question as terms: `ids` in the order of the text, each once; their `labels`; and of the letters that
   * are read by their bytes the ids of the bytes that carry weight, which `muted(id)` denies.
   */
  read(question, muted) {
    const labels = new Map();
    const letters = [];
    for (const word of this.normalizer.readable(question).split(' ')) {
      const {text, terms} = this.cut(word);
      for (const {id, from, to} of terms) {
        const isByte = this.letterBytes.has(id);
        if (!labels.has(id)) labels.set(id, isByte ? text.slice(from, to) : this.pieces.text(id));
        if (this.firstBytes.has(id)) letters.push([]);
        else if (letters.length && isByte && !muted(id)) letters.at(-1).push(id);
      }
    }
    const ids = new Set(question.split(' ').flatMap(word => this.cut(word).terms.map(term => term.id)));
    for (const id of this.skipped) for (const found of [ids, labels]) found.delete(id);
    for (const id of ids) if (!labels.has(id)) labels.set(id, this.pieces.text(id));
    return {ids: [...ids], labels, letters: letters.filter(letter => letter.length)};
  }
}

// ---------------------------------------------------------------------------------------------- index

/** Which terms occur, and where everything lies. */
class Index {
  constructor(payload) {
    const source = new Bytes(payload);
    const [terms, documents, pages, postings, texts] = source.numbers(5);
    this.documents = documents;
    this.pages = pages;
    this.present = source.block(Math.ceil(terms / 8));
    this.mutedTerms = source.block(Math.ceil(terms / 8));
    this.firstOfPage = new Int32Array(pages + 1);
    for (let i = 0; i < pages; i++) this.firstOfPage[i + 1] = this.firstOfPage[i] + source.number();
    this.postings = Index.#files(source, postings, 'postings');
    this.texts = Index.#files(source, texts, 'texts');
  }

  /** Files, each with its first term or document, its length and its checksum. */
  static #files(source, count, kind) {
    const gaps = source.numbers(count);
    const lengths = source.numbers(count);
    const sums = source.words(count, Uint32Array);
    let first = 0;
    return gaps.map((gap, n) => {
      first += gap;
      const crc = sums[n];
      const name = `data/${kind}.${crc.toString(16).padStart(8, '0')}.bin`;
      return {kind, first, length: lengths[n], crc, name};
    });
  }

  has(id) {
    return ((this.present[id >> 3] >> (id & 7)) & 1) === 1;
  }

  muted(id) {
    return ((this.mutedTerms[id >> 3] >> (id & 7)) & 1) === 1;
  }

  /** The file that holds a term or a document: the last that begins at it or before. */
  static holder(files, number) {
    let low = 0;
    let high = files.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (files[middle].first <= number) low = middle + 1;
      else high = middle;
    }
    return files[low - 1];
  }
}

/** The postings of some terms: term -> where each stands in the file; unpacked when they are asked for. */
class Postings {
  #terms = new Map();

  constructor(payload) {
    const source = new Bytes(payload);
    const count = source.number();
    const gaps = source.numbers(count);
    const lengths = source.numbers(count);
    const sizes = source.numbers(count);
    const idf = source.words(count, Float32Array);
    const scale = source.words(count, Float32Array);
    let id = 0;
    let at = source.at;
    let weightAt = at + sizes.reduce((sum, size) => sum + size, 0);
    for (let n = 0; n < count; n++) {
      id += gaps[n];
      this.#terms.set(id, {at, weightAt, length: lengths[n], idf: idf[n], scale: scale[n], list: null});
      at += sizes[n];
      weightAt += lengths[n];
    }
    if (weightAt !== payload.length) throw new RangeError('a file of postings of another length');
    this.payload = payload;
  }

  /** Of a term that is here: `documents`, ascending, `weights` in bytes, `scale` of these, `idf`. */
  of(id) {
    const term = this.#terms.get(id);
    if (!term.list) {
      const source = new Bytes(this.payload);
      source.at = term.at;
      const documents = new Int32Array(term.length);
      for (let n = 0, document = -1; n < term.length; n++) documents[n] = document += source.number() + 1;
      const weights = this.payload.subarray(term.weightAt, term.weightAt + term.length);
      term.list = {documents, weights, scale: term.scale, idf: term.idf};
    }
    return term.list;
  }
}

/** The weight of a term in a document, 0 where it is not. */
function weightIn(list, document) {
  let low = 0;
  let high = list.documents.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list.documents[middle] < document) low = middle + 1;
    else high = middle;
  }
  return list.documents[low] === document ? Math.fround(list.weights[low] * list.scale) : 0;
}

/** Add what the documents hold of letters that are read by their bytes; a letter counts as a whole only. */
function letterScores(lists, letters, scores) {
  const holders = new Set();
  for (const {documents} of lists.values()) documents.forEach(document => holders.add(document));
  for (const document of holders) {
    const weights = lettersIn(lists, letters, document);
    let sum = 0;
    for (const [id, weight] of weights) sum = Math.fround(sum + Math.fround(weight * lists.get(id).idf));
    scores[document] += sum;
  }
}

/** The weights of bytes in a document, 0 but of letters that it holds as a whole: [id, weight]. */
function lettersIn(lists, letters, document) {
  const weights = new Map([...lists].map(([id, list]) => [id, weightIn(list, document)]));
  const there = new Set();
  for (const letter of letters) {
    if (letter.every(id => weights.get(id) > 0)) letter.forEach(id => there.add(id));
  }
  return [...weights].map(([id, weight]) => [id, there.has(id) ? weight : 0]);
}

// ---------------------------------------------------------------------------------------------- engine

/** A search over the files in a folder. */
export class Engine {
  #files = new Map(); // name -> a promise of what it holds
  #fetched = 0; // bytes

  constructor(base, manifest, reader, index, bytes) {
    this.base = base;
    this.manifest = manifest;
    this.title = manifest.title;
    this.lang = manifest.lang;
    this.reader = reader;
    this.index = index;
    this.#fetched = bytes;
    this.scores = new Float32Array(index.documents);
  }

  /**
   * Fetch what every question needs.
   *
   * @param {string} base the address of the folder, with a slash at its end
   * @returns {Promise<Engine>} rejected with a `SearchError`
   */
  static async open(base) {
    const url = new URL('manifest.json', new URL(base, globalThis.location?.href)).href;
    try {
      return await Engine.#opened(url, 'no-cache');
    } catch (error) {
      if (error.code !== 'missing' || error.file === url) throw error;
      return Engine.#opened(url, 'reload'); // the manifest was one of before, kept on the way here
    }
  }

  static async #opened(url, cache) {
    const bytes = await fetched(url, cache);
    let manifest;
    try {
      manifest = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
    } catch (error) {
      throw new SearchError('damaged', `not JSON (${error.message})`, url);
    }
    if (manifest?.format !== FORMAT) {
      throw new SearchError('version', `format ${manifest?.format}, where ${FORMAT} is read`, url);
    }
    const read = async (kind, made) => {
      const {name, bytes: length, crc} = manifest[kind] ?? {};
      if (typeof name !== 'string') throw new SearchError('damaged', `it names no ${kind}`, url);
      const file = new URL(name, url).href;
      const payload = await opened(file, kind, length, crc);
      return Engine.#made(() => new made(payload), file);
    };
    const [reader, index] = await Promise.all([read('table', Reader), read('index', Index)]);
    const size = bytes.length + manifest.table.bytes + manifest.index.bytes;
    return new Engine(new URL('./', url).href, manifest, reader, index, size);
  }

  static #made(make, file) {
    try {
      return make();
    } catch (error) {
      throw new SearchError('damaged', `cannot be read (${error.message})`, file);
    }
  }

  /** What a file holds, once it is there; one that failed is asked for again the next time. */
  #open({kind, name, length, crc}) {
    let found = this.#files.get(name);
    if (!found) {
      const url = new URL(name, this.base).href;
      const read = payload =>
        kind === 'postings' ? new Postings(payload) : JSON.parse(new TextDecoder().decode(payload));
      found = opened(url, kind, length, crc).then(payload => {
        this.#fetched += length;
        return Engine.#made(() => read(payload), url);
      });
      found.catch(() => this.#files.delete(name));
      this.#files.set(name, found);
    }
    return found;
  }

  /** Addresses and bytes of all data files: what is needed to search without a network. */
  files() {
    const {table, index} = this.manifest;
    const rest = [...this.index.postings, ...this.index.texts].map(({name, length}) => [name, length]);
    const all = [[table.name, table.bytes], [index.name, index.bytes], ...rest];
    return all.map(([name, bytes]) => [new URL(name, this.base).href, bytes]);
  }

  /** The postings of the terms that occur: id -> list, in the order of `ids`. */
  async #lists(ids) {
    const there = ids.filter(id => this.index.has(id));
    const files = there.map(id => this.#open(Index.holder(this.index.postings, id)));
    const opened = await Promise.all(files);
    return new Map(there.map((id, n) => [id, opened[n].of(id)]));
  }

  /**
   * The terms of a question that occur in the texts, and their weights.
   *
   * @param {string} question
   * @returns {Promise<[number, number][]>} ids and weights, in the order of the question
   */
  async terms(question) {
    const {ids} = this.reader.read(question, id => this.index.muted(id));
    return [...(await this.#lists(ids))].map(([id, list]) => [id, list.idf]);
  }

  /**
   * The pages that answer a question, the best first, each by its best section.
   *
   * @param {string} question
   * @param {{k?: number, signal?: AbortSignal}} [options] how many pages at most
   * @returns {Promise<{hits: Object[], understood: string[], bytes: number}>} `bytes` were fetched for it
   */
  async search(question, {k = 10, signal} = {}) {
    signal?.throwIfAborted();
    const before = this.#fetched;
    const read = this.reader.read(question, id => this.index.muted(id));
    const heard = read.ids.filter(id => !this.index.muted(id)).map(id => read.labels.get(id));
    const understood = [...new Set(heard)];
    const lists = await this.#lists(read.ids);
    signal?.throwIfAborted();
    const best = this.#best(read, lists, k);
    const texts = await Promise.all(best.map(([document]) => this.#text(document)));
    signal?.throwIfAborted();
    const hits = best.map(([document, score], n) => this.#hit(document, score, texts[n], read, lists));
    return {hits, understood, bytes: this.#fetched - before};
  }

  /** The terms of a question that are bytes of letters, and carry weight. */
  #byBytes(lists) {
    return new Map(
      [...lists].filter(([id]) => this.reader.letterBytes.has(id) && !this.index.muted(id))
    );
  }

  /** The best document of each of the `k` best pages, with its score; the earlier first where scores tie. */
  #best(read, lists, k) {
    const scores = this.scores.fill(0);
    const bytes = this.#byBytes(lists);
    for (const [id, {documents, weights, scale, idf}] of lists) {
      if (bytes.has(id)) continue;
      // the 255 products, rounded as float32: an array of float32 rounds the sums by itself
      const part = Float32Array.from({length: 256}, (_, byte) => Math.fround(byte * scale) * idf);
      for (let n = 0; n < documents.length; n++) scores[documents[n]] += part[weights[n]];
    }
    if (bytes.size) letterScores(bytes, read.letters, scores);
    const best = [];
    const {firstOfPage, pages} = this.index;
    for (let page = 0; page < pages; page++) {
      const end = firstOfPage[page + 1];
      let document = firstOfPage[page];
      for (let n = document + 1; n < end; n++) if (scores[n] > scores[document]) document = n;
      const score = document < end ? scores[document] : 0;
      if (!(score > 0) || (best.length >= k && !(score > best.at(-1)[1]))) continue;
      let place = best.length;
      while (place > 0 && best[place - 1][1] < score) place--;
      best.splice(place, 0, [document, score]);
      if (best.length > k) best.pop();
    }
    return best;
  }

  async #text(document) {
    const file = Index.holder(this.index.texts, document);
    return (await this.#open(file))[document - file.first];
  }

  #hit(document, score, [id, title, url, section, text, ends], read, lists) {
    const parts = this.#parts(document, read, lists);
    const weights = new Map();
    for (const [term, part] of parts) {
      const label = read.labels.get(term);
      weights.set(label, (weights.get(label) ?? 0) + part);
    }
    const ids = new Map(parts);
    const places = matched(this.reader, text, ids);
    const heads = matched(this.reader, `${title} ${section}`, ids);
    const standing = [...places, ...heads].flatMap(place => place.ids);
    const seen = new Set(standing.map(term => read.labels.get(term)));
    const terms = [...weights]
      .sort((a, b) => b[1] - a[1])
      .map(([term, weight]) => ({term, weight, inText: seen.has(term)}));
    return {id, url, title, section, score, text, terms, snippet: snippet(text, ends, places, ids)};
  }

  /** What each matched term adds to the score of a document: [id, part]. */
  #parts(document, read, lists) {
    const bytes = this.#byBytes(lists);
    const plain = [...lists].filter(([id]) => !bytes.has(id));
    const weights = plain.map(([id, list]) => [id, weightIn(list, document)]);
    if (bytes.size) weights.push(...lettersIn(bytes, read.letters, document));
    return weights.filter(([, weight]) => weight > 0).map(([id, weight]) => [id, weight * lists.get(id).idf]);
  }
}

// ---------------------------------------------------------------------------------------------- snippets

/** Where the terms `ids` (id -> weight) stand in a text: {from, to, ids}, in order. */
function matched(reader, text, ids) {
  const places = [];
  for (const word of text.matchAll(/\S+/g)) {
    const {text: read, terms} = reader.cut(word[0]);
    const same = read.length === word[0].length; // or else jamo were put together: the whole word is marked
    for (const [from, to, found] of letters(terms)) {
      if (!found.every(id => ids.has(id))) continue;
      const [begin, end] = same ? [from, to] : [0, word[0].length];
      places.push({from: word.index + begin, to: word.index + end, ids: found});
    }
  }
  return places;
}

/** Terms with their places; the bytes of a letter as one. */
function letters(terms) {
  const found = [];
  for (const {id, begin, end, byte} of terms) {
    const last = found.at(-1);
    if (byte && last?.[3] && last[0] === begin) last[2].push(id);
    else found.push([begin, end, [id], byte]);
  }
  return found;
}

/** The sentences of a text where matched terms stand, about `SNIPPET` characters, and the places to mark. */
function snippet(text, ends, places, ids) {
  const sentences = [];
  let begin = 0;
  for (const length of [...ends, Infinity]) {
    const end = Math.min(begin + length, text.length);
    if (end > begin) sentences.push([begin, end]);
    begin = end;
  }
  const [from, to] = bestRun(text, sentences, places, ids);
  return cropped(text, from, to, places);
}

/** The sum of the weights of the different terms between two places. */
function worth(places, ids, from, to) {
  const there = new Set(places.filter(p => p.from >= from && p.to <= to).flatMap(p => p.ids));
  let sum = 0;
  for (const id of there) sum += ids.get(id);
  return sum;
}

/** The run of sentences that is worth most, of about the length of a snippet. */
function bestRun(text, sentences, places, ids) {
  let best = [0, Math.min(text.length, SNIPPET)];
  let most = -1;
  for (let first = 0; first < sentences.length; first++) {
    const from = sentences[first][0];
    let last = first;
    while (last + 1 < sentences.length && sentences[last + 1][1] - from <= SNIPPET) last++;
    const value = worth(places, ids, from, sentences[last][1]);
    if (value > most + 1e-9) [most, best] = [value, [from, sentences[last][1]]];
  }
  return best[1] - best[0] > SNIPPET * 1.25 ? within(text, ...best, places, ids) : best;
}

/** The part of a long sentence that is worth most, cut at spaces. */
function within(text, from, to, places, ids) {
  let begin = from;
  let most = 0;
  for (const place of places) {
    if (place.from < from || place.to > to) continue;
    const start = Math.max(from, Math.min(place.from - 40, to - SNIPPET));
    const value = worth(places, ids, start, start + SNIPPET);
    if (value > most + 1e-9) [most, begin] = [value, start];
  }
  let end = Math.min(to, begin + SNIPPET);
  const space = text.slice(begin, begin + 20).search(/\s/);
  if (begin > from && space >= 0) begin += space + 1;
  const back = text.slice(end - 20, end).search(/\s\S*$/);
  if (end < to && back >= 0) end += back - 20;
  return [begin, end];
}

/** A part of a text with single spaces, dots where it was cut within a sentence, and its places to mark. */
function cropped(text, from, to, places) {
  const isHalf = at => at > 0 && at < text.length && /[\udc00-\udfff]/.test(text[at]);
  if (isHalf(from)) from--;
  if (isHalf(to)) to++;
  const within = from > 0 && !/[.!?。…\n]\s*$/.test(text.slice(Math.max(0, from - 20), from));
  let made = within ? '…' : '';
  const place = new Int32Array(to - from + 1).fill(-1);
  for (const word of text.slice(from, to).matchAll(/\S+/g)) {
    if (made && made !== '…') made += ' ';
    for (let n = 0; n <= word[0].length; n++) place[word.index + n] = made.length + n;
    made += word[0];
  }
  const spans = [];
  for (const {from: begin, to: end} of places) {
    if (begin < from || end > to) continue;
    const span = [place[begin - from], place[end - from]];
    const last = spans.at(-1);
    if (last && span[0] <= last[1]) last[1] = Math.max(last[1], span[1]);
    else if (span[1] > span[0]) spans.push(span);
  }
  if (to < text.length && !/[.!?。…다요]\s*$/.test(text.slice(from, to))) made += '…';
  return {text: made, spans};
}
