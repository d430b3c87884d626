'use strict';
// The page reads right without this script, for a charter that is still to come. The script keeps it right on the day and after
// it, and sends photos. It has no words of its own: those are in data-words, in the language that is shown.
(() => {
const DAY = 86400000, MINUTE = 60000;
const { body, documentElement: root } = document;
const { charter, date, lastDate, arrival, zone, starts, ends, arrives, movedUntil, presign, url } = body.dataset;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const pages = all('.page');
const cancelled = root.dataset.phase === 'cancelled';

// ---- Language: CSS shows the page that the fragment names, else the guest's own.
const shown = () => pages.find((page) => page.id === location.hash.slice(1)) || pages.find((page) => page.matches('.own'));
const find = (selector) => shown().querySelector(selector);
const entry = (line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
const wordsOf = new Map(pages.map((page) => [page, new Map(page.dataset.words.split('\n').map(entry))]));
const word = (key, values = {}) => wordsOf.get(shown()).get(key).replace(/\{(\w+)\}/g, (_, name) => values[name]);

function showLanguage() {
  root.lang = shown().lang;
  document.title = shown().dataset.title;
  showTime();
  if (presign) showFiles();
}

// ---- Time: the calendar's day at the dock decides, wherever the visitor is.
function daysUntil(date, now) {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric' });
  const today = Object.fromEntries(format.formatToParts(now).map((part) => [part.type, part.value]));
  return Math.round((Date.parse(date) - Date.UTC(today.year, today.month - 1, today.day)) / DAY);
}

// A charter that starts right after midnight has its day, for who must be at the dock, on the day before.
function phaseAt(now) {
  if (cancelled) return 'cancelled';
  if (now >= +ends) return 'after';
  if (now >= +starts) return 'underway';
  if (now >= +arrives) return 'late';
  return daysUntil(arrival, now) > 0 ? 'upcoming' : 'today';
}

function showTime() {
  const now = Date.now(), days = daysUntil(date, now), phase = phaseAt(now);
  root.dataset.phase = phase;
  root.toggleAttribute('data-dock', ['today', 'late'].includes(phase));
  const on = { today: ['today', 'early'], late: ['today', 'late'] }[phase] || [phase];
  for (const part of all('[data-on]')) part.hidden = !part.dataset.on.split(' ').some((phase) => on.includes(phase));
  for (const part of all('[data-moved]')) part.hidden ||= now >= +movedUntil;
  for (const page of pages) {
    const part = (name) => page.querySelector(name);
    say(part('[data-countdown]'), days === 1 ? word('countdown_tomorrow') : word('countdown_days', { count: days }));
    say(part('[data-left]'), timeLeft(Math.ceil((arrives - now) / MINUTE)));
    const photos = part('[data-photos]');
    if (photos) photos.hidden = days > 0 || daysUntil(lastDate, now) < -7;
    arrange(part('main'), phase, part);
  }
}

function say(part, text) {
  if (part && part.textContent !== text) part.textContent = text;
}

function timeLeft(left) {
  if (left <= 0) return word('left_none', { minutes: -left });
  const hours = Math.floor(left / 60);
  return hours ? word('left_hours', { hours, minutes: left % 60 }) : word('left_minutes', { minutes: left });
}

// Once the charter is over, photos and links come first; while it is under way, photos come before what there is to read; until it
// begins, they are one of the cards. Nothing moves within a phase, so no control loses its focus.
function arrange(main, phase, part) {
  if (main.dataset.arranged === phase) return;
  main.dataset.arranged = phase;
  const [ticket, photos, links, rest] = ['.ticket', '[data-photos]', '[data-links]', '.rest'].map(part);
  const order = { after: [photos, links, ticket, rest], underway: [ticket, photos, links, rest] }[phase] || [ticket, links, rest];
  main.append(...order.filter(Boolean));
  if (photos && !order.includes(photos)) rest.append(photos);
}

// ---- Sharing
async function share() {
  const link = url + (shown().matches('.own') ? '' : location.hash);
  const tell = (text) => say(find('[data-share-status]'), text);
  try {
    if (navigator.share) return await navigator.share({ title: document.title, url: link });
    await navigator.clipboard.writeText(link);
    tell(word('share_copied'));
  } catch (error) {
    if (error.name !== 'AbortError') tell(word('share_failed'));
  }
}

// ---- Photos: one form for each from SCC, then the file straight to S3.
const TYPES = {
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', heic: 'image/heic', heif: 'image/heif',
  mp4: 'video/mp4', mov: 'video/quicktime',
};
const MOST_FILES = 24, MOST_BYTES = 26214400, MOST_TRIES = 3, AT_ONCE = 2, FORM_IS_FRESH_FOR = 10 * 60000;
const items = [];
let sending = 0;

// Browsers know no type of some files (HEIC above all): then the name says it.
function typeOf(file) {
  const type = file.type || TYPES[file.name.split('.').pop().toLowerCase()];
  return Object.values(TYPES).includes(type) ? type : null;
}

const memory = {
  key: 'photos:' + charter,
  // Storage may be full, or forbidden: then nothing is remembered.
  read() { try { return JSON.parse(localStorage.getItem(this.key)) || []; } catch { return []; } },
  add(file) { try { localStorage.setItem(this.key, JSON.stringify([...this.read(), this.name(file)])); } catch { /* see above */ } },
  name: (file) => [file.name, file.size, file.lastModified].join('|'),
};

function pick(files) {
  files.forEach((file, index) => add(file, index < MOST_FILES ? refusal(file) : 'refused_number'));
  showFiles();
  work();
}

function refusal(file) {
  if (!typeOf(file)) return 'refused_type';
  if (file.size > MOST_BYTES) return 'refused_size';
  return file.size ? null : 'refused_empty';
}

function add(file, refused) {
  const known = items.find((item) => memory.name(item.file) === memory.name(file));
  if (known?.state === 'failed') return tryAgain(known);
  if (['waiting', 'sending'].includes(known?.state)) return;
  const item = { file, tries: 0 };
  items.push(item);
  if (refused) set(item, 'refused', refused);
  else if (memory.read().includes(memory.name(file))) set(item, 'sent', 'file_already_sent');
  else set(item, 'waiting', 'file_waiting');
}

function set(item, state, note, percent = 0) {
  const isNews = item.note !== note && ['failed', 'refused'].includes(state);
  Object.assign(item, { state, note, percent });
  showFile(item);
  if (isNews) announce(word('status_failed', { file: item.file.name, reason: word(note) }));
}

// Several things may happen at once, and each should be heard, once.
const toTell = new Set();
function announce(text) {
  if (!toTell.size) setTimeout(() => { find('[data-status]').textContent = [...toTell].join(' '); toTell.clear(); });
  toTell.add(text);
}

function showFiles() {
  find('[data-files]').replaceChildren(...items.map(showFile));
  const count = memory.read().length;
  const words = count === 1 ? 'remembered_one' : 'remembered_other';
  find('[data-remembered]').textContent = count ? word(words, { count }) : '';
}

function showFile(item) {
  item.row ||= newRow(item);
  const { row, state, percent, file: { name } } = item;
  row.dataset.state = state;
  row.querySelector('.note').textContent = word(item.note, { percent });
  const bar = row.querySelector('progress'), retry = row.querySelector('button');
  bar.hidden = state !== 'sending';
  bar.value = percent;
  retry.hidden = state !== 'failed';
  retry.toggleAttribute('data-retry', !retry.hidden);
  retry.textContent = word('retry_button');
  retry.setAttribute('aria-label', word('retry_label', { file: name }));
  return row;
}

function newRow(item) {
  const { name } = item.file;
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const retry = make('button', { type: 'button', className: 'button', onclick: () => tryAgain(item) });
  const row = make('li');
  row.append(make('bdi', { textContent: name }), make('span', { className: 'note' }), make('progress', { max: 100, ariaLabel: name }), retry);
  return row;
}

function tryAgain(item) {
  item.tries = 0;
  set(item, 'waiting', 'file_waiting');
  find('[data-pick]').focus(); // The button is gone.
  work();
}

function work() {
  for (const item of items.filter((one) => one.state === 'waiting')) {
    if (!navigator.onLine) {
      set(item, 'waiting', 'file_offline');
      announce(word('file_offline'));
    } else if (sending < AT_ONCE) {
      sending += 1;
      send(item).finally(() => { sending -= 1; work(); });
    }
  }
}

async function send(item) {
  set(item, 'sending', 'file_sending');
  try {
    if (!item.form || Date.now() - item.form.at > FORM_IS_FRESH_FOR) item.form = await askForForm(item.file);
    await post(item);
    done(item);
  } catch (failure) {
    await recover(item, failure);
  }
}

// Trying again may help, unless the file or the time is refused.
class Refused extends Error {}
class FormIsSpent extends Error {}

async function recover(item, failure) {
  if (failure instanceof Refused) return set(item, 'refused', failure.message);
  if (failure instanceof FormIsSpent) item.form = null;
  if (!navigator.onLine) return set(item, 'waiting', 'file_offline');
  item.tries += 1;
  if (item.tries === MOST_TRIES) return set(item, 'failed', 'file_failed');
  set(item, 'sending', 'file_retrying');
  await new Promise((resolve) => { setTimeout(resolve, 1000 * item.tries); });
  set(item, 'waiting', 'file_waiting');
}

function done(item) {
  memory.add(item.file);
  set(item, 'sent', 'file_sent', 100);
  showFiles();
  const own = items.filter((one) => one.note !== 'file_already_sent' && one.state !== 'refused');
  const count = own.filter((one) => one.state === 'sent').length;
  announce(count === own.length ? word('status_all', { all: count })
    : word('status_sent', { file: item.file.name, done: count, all: own.length }));
}

async function askForForm(file) {
  const wanted = JSON.stringify({ filename: file.name, content_type: typeOf(file), bytes: file.size });
  const answer = await request(presign, wanted, 20000, { 'Content-Type': 'application/json' });
  const refused = { 403: 'refused_window', 404: 'refused_file', 413: 'refused_size', 415: 'refused_type', 422: 'refused_file' };
  if (refused[answer.status]) throw new Refused(refused[answer.status]);
  if (answer.status !== 200) throw new Error('no form');
  return { ...JSON.parse(answer.responseText), at: Date.now() };
}

// The same form twice is the same key twice, so a photo whose answer was lost does not arrive double. S3 says 403 when the form
// is too old, or anything else is wrong with it.
async function post(item) {
  const data = new FormData();
  for (const [name, value] of Object.entries(item.form.fields)) data.append(name, value);
  data.append('file', item.file);
  const answer = await request(item.form.url, data, 15 * 60000, {}, (percent) => set(item, 'sending', 'file_sending', percent));
  if (answer.status === 403) throw new FormIsSpent();
  if ([400, 405, 411, 413, 415].includes(answer.status)) throw new Refused('refused_file');
  if (answer.status < 200 || answer.status > 299) throw new Error('not taken');
}

// fetch() cannot tell how much is sent.
function request(address, content, timeout, headers, progress) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open('POST', address);
    asked.timeout = timeout;
    for (const [name, value] of Object.entries(headers)) asked.setRequestHeader(name, value);
    if (progress) asked.upload.onprogress = (event) => progress(Math.floor(99 * event.loaded / event.total));
    asked.onload = () => resolve(asked);
    asked.onerror = asked.ontimeout = asked.onabort = () => reject(new Error('lost'));
    asked.send(content);
  });
}

// ---- On with it
for (const part of all('[data-scripted]')) part.hidden = false;
for (const button of all('[data-share]')) button.addEventListener('click', share);
for (const input of all('[data-pick]')) {
  input.addEventListener('change', () => { const files = [...input.files]; input.value = ''; pick(files); });
}
addEventListener('online', work);
addEventListener('hashchange', showLanguage);
addEventListener('beforeunload', (event) => { if (sending) event.preventDefault(); });
document.addEventListener('visibilitychange', showTime);
setInterval(showTime, 10000);
showLanguage();
})();
