import * as api from './api.js';
import { DEFAULTS, Store, append, parent, path, title, turn } from './store.js';

const store = new Store();
const at = (id) => document.getElementById(id);
const turns = at('turns');
const input = at('input');
let running = null; // { controller, turn } while an answer is written

// --- what is shown ---

function show() {
  const shown = path(store.current);
  at('title').textContent = title(store.current);
  document.title = `${title(store.current)} · mamba4j`;
  document.querySelector(`[name=mode][value=${store.current.mode}]`).checked = true;
  input.placeholder = store.current.mode === 'chat' ? 'Say something' : 'Begin a text';
  turns.replaceChildren(...shown.map(article));
  if (shown.length === 0) {
    const empty = document.createElement('p');
    empty.className = 'empty';
    empty.textContent = store.current.mode === 'chat'
      ? 'Everything you write stays on this machine.' : 'Write the beginning; the model goes on.';
    turns.append(empty);
  }
  showConversations();
  showRunning();
}

function showConversations() {
  at('conversations').replaceChildren(...store.conversations.map((conversation) => {
    const item = document.createElement('li');
    if (conversation === store.current) {
      item.setAttribute('aria-current', 'true');
    }
    const open = button('open', title(conversation), () => switchTo(conversation));
    const remove = button('delete', '×', () => { stop(); store.remove(conversation); show(); });
    remove.setAttribute('aria-label', `Delete ${title(conversation)}`);
    item.append(open, remove);
    return item;
  }));
}

function button(name, text, onClick) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = name;
  element.textContent = text;
  element.addEventListener('click', onClick);
  return element;
}

function article(shown) {
  const element = at('turn').content.firstElementChild.cloneNode(true);
  const before = parent(store.current, shown);
  const find = (name) => element.querySelector(`.${name}`);
  const mine = shown.role === 'user';
  element.classList.add(shown.role);
  element.classList.toggle('writing', running?.turn === shown);
  find('role').textContent = mine ? 'You' : 'Model';
  find('text').textContent = shown.text; // as text, whatever the model wrote
  find('figures').textContent = shown.figures ?? '';
  if (before.children.length > 1) {
    find('branches').hidden = false;
    find('which').textContent = `${before.children.indexOf(shown) + 1}/${before.children.length}`;
    find('previous').addEventListener('click', () => showSibling(before, -1, 'previous'));
    find('next').addEventListener('click', () => showSibling(before, 1, 'next'));
  }
  find('copy').addEventListener('click', () => navigator.clipboard?.writeText(shown.text));
  find('edit').addEventListener('click', () => edit(element, shown, before));
  find('again').hidden = mine;
  find('again').addEventListener('click', () => generate(before));
  elements.set(shown, element);
  return element;
}

const elements = new WeakMap();

function showSibling(before, step, button) {
  stop();
  const count = before.children.length;
  before.shown = (before.shown + step + count) % count;
  store.save();
  show();
  elements.get(before.children[before.shown]).querySelector(`.${button}`).focus();
}

/** What had the focus is gone: on to the next message, unless that would open a keyboard on the glass. */
function findFocus() {
  if (document.activeElement === document.body && matchMedia('(pointer: fine)').matches) {
    input.focus();
  }
}

function showRunning() {
  at('send').hidden = running !== null;
  at('stop').hidden = running === null;
}

function say(problem) {
  at('status').textContent = problem;
}

// --- what is done ---

async function generate(before) {
  stop();
  say('');
  const conversation = store.current;
  const written = append(before, turn('assistant', ''));
  const mine = { controller: new AbortController(), turn: written };
  running = mine;
  show();
  findFocus();
  turns.scrollTop = turns.scrollHeight;
  const context = path(conversation).slice(0, -1);
  const start = performance.now();
  let first = 0;
  let pieces = 0;
  try {
    const usage = await api.answer(context, conversation.mode, store.settings, mine.controller.signal, (piece) => {
      first ||= performance.now();
      pieces++;
      written.text += piece;
      grow(written);
    });
    written.figures = figures(usage, start, first);
  } catch (problem) {
    if (problem.name !== 'AbortError') {
      say(problem.message);
    }
    written.figures = pieces > 0 ? 'stopped' : undefined;
  }
  if (written.text === '' && written.figures === undefined) {
    before.children = before.children.filter((each) => each !== written);
    before.shown = Math.max(0, before.children.length - 1);
  }
  if (running === mine) {
    running = null;
  }
  if (!store.save()) {
    say('This browser keeps no conversations: its storage is full or off.');
  }
  if (store.current === conversation) {
    const atEnd = nearEnd();
    show();
    findFocus();
    if (atEnd) {
      turns.scrollTop = turns.scrollHeight;
    }
  }
}

function nearEnd() {
  return turns.scrollHeight - turns.scrollTop - turns.clientHeight < 80;
}

function grow(written) {
  const atEnd = nearEnd();
  const element = elements.get(written);
  if (element?.isConnected) {
    element.querySelector('.text').textContent = written.text;
  }
  if (atEnd) {
    turns.scrollTop = turns.scrollHeight;
  }
}

function figures(usage, start, first) {
  const end = performance.now();
  const tokens = usage?.completion_tokens ?? 0;
  const rate = tokens > 1 ? `${((tokens - 1) / ((end - first) / 1000)).toFixed(1)} tokens/s` : '';
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
  const parts = [`${tokens} tokens`, rate, `first after ${((first - start) / 1000).toFixed(2)} s`];
  if (cached > 0) {
    parts.push(`${cached} of ${usage.prompt_tokens} prompt tokens remembered`);
  }
  return parts.filter(Boolean).join(' · ');
}

function stop() {
  if (running) {
    running.controller.abort();
    running = null;
  }
}

function send() {
  const text = store.current.mode === 'chat' ? input.value.trim() : input.value;
  if (running || text === '') {
    return;
  }
  input.value = '';
  fit();
  const last = path(store.current).at(-1) ?? store.current.root;
  generate(append(last, turn('user', text)));
}

/** An edited turn is a new one beside the old: the conversation forks there. */
function edit(element, shown, before) {
  const area = document.createElement('textarea');
  area.value = shown.text;
  area.rows = Math.min(12, shown.text.split('\n').length + 1);
  area.setAttribute('aria-label', 'Edit the turn');
  const buttons = document.createElement('div');
  buttons.className = 'editing';
  const done = () => {
    const edited = append(before, turn(shown.role, area.value));
    if (shown.role === 'user') {
      generate(edited);
    } else {
      store.save();
      leave();
    }
  };
  const leave = () => { show(); findFocus(); };
  buttons.append(button('done', shown.role === 'user' ? 'Send' : 'Keep', done), button('cancel', 'Cancel', leave));
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      done();
    } else if (event.key === 'Escape') {
      event.stopPropagation();
      leave();
    }
  });
  stop();
  element.querySelector('.text').replaceWith(area, buttons);
  area.focus();
}

function switchTo(conversation) {
  stop();
  store.current = conversation;
  openSide(false);
  show();
  turns.scrollTop = turns.scrollHeight;
  input.focus();
}

function openSide(open) {
  at('side').classList.toggle('open', open);
  at('shade').hidden = !open;
  at('toggle-side').setAttribute('aria-expanded', String(open));
}

function fit() {
  input.style.height = 'auto';
  input.style.height = `${input.scrollHeight + 2}px`;
}

// --- settings and facts ---

function fillSettings() {
  for (const [name, value] of Object.entries(store.settings)) {
    at('settings').querySelector(`[name=${name}]`).value = value;
  }
}

function readSettings(event) {
  const field = event.target;
  store.settings[field.name] = field.value === '' && typeof DEFAULTS[field.name] === 'number'
    ? DEFAULTS[field.name] : field.value;
  store.saveSettings();
}

async function showFacts() {
  try {
    const { id, meta } = await api.model(store.settings);
    const facts = {
      model: id,
      size: `${(meta.bytes / 1e6).toFixed(0)} MB`,
      layers: `${meta.layers} × ${meta.width}`,
      state: `${(meta.state_bytes / 1e6).toFixed(1)} MB`,
      kernels: `${meta.kernels}, ${meta.threads} ${meta.threads === 1 ? 'thread' : 'threads'}`,
    };
    at('facts').replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
      const term = document.createElement('dt');
      const detail = document.createElement('dd');
      term.textContent = name;
      detail.textContent = value;
      return [term, detail];
    }));
    say('');
  } catch (problem) {
    say(problem.message);
  }
}

// --- wiring ---

at('composer').addEventListener('submit', (event) => { event.preventDefault(); send(); });
input.addEventListener('input', fit);
input.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
at('stop').addEventListener('click', stop);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !at('settings').open) {
    openSide(false);
    stop();
    showRunning();
  }
});
at('new').addEventListener('click', () => switchTo(path(store.current).length === 0 ? store.current : store.add()));
at('toggle-side').addEventListener('click', () => openSide(!at('side').classList.contains('open')));
at('shade').addEventListener('click', () => openSide(false));
at('mode').addEventListener('change', (event) => { store.current.mode = event.target.value; store.save(); show(); });
at('open-settings').addEventListener('click', () => { fillSettings(); at('settings').showModal(); });
at('settings').addEventListener('change', readSettings);
at('settings').addEventListener('close', showFacts);
at('reset-settings').addEventListener('click', () => {
  store.settings = { ...DEFAULTS, key: store.settings.key };
  store.saveSettings();
  fillSettings();
});
show();
turns.scrollTop = turns.scrollHeight;
showFacts();
input.focus();
