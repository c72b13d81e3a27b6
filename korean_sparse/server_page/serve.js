// The page of `korean-sparse serve`: the search of a site without a server, asked over the network instead.
import {mount} from './page.js';
import {TOKEN} from './engine.js';

const WORDS = {
  en: {token: 'This server asks for its token', send: 'Continue'},
  ko: {token: '이 서버의 토큰을 넣어 주세요', send: '계속'},
};

const lang = /^ko\b/i.test(navigator.language) ? 'ko' : 'en';
document.documentElement.lang = lang;

const search = mount(document.querySelector('#search'), {lang, hash: true, offline: false, private: false});
const form = document.querySelector('#token');
const secret = document.querySelector('#secret');
form.querySelector('label').textContent = WORDS[lang].token;
form.querySelector('button').textContent = WORDS[lang].send;

addEventListener('korean-sparse-token', () => {
  form.hidden = false;
  secret.focus();
});

form.addEventListener('submit', event => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, secret.value.trim()); // forgotten when the tab is closed
  secret.value = '';
  form.hidden = true;
  search.focus();
  search.again();
});

search.focus();
