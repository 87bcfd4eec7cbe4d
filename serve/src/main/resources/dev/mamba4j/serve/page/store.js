// Conversations, kept in this browser. A conversation is a tree of turns: an edited or regenerated turn is a
// sibling of the one before, and each turn remembers which of its children is shown.

const CONVERSATIONS = 'mamba4j.conversations';
const SETTINGS = 'mamba4j.settings';

export const DEFAULTS = Object.freeze({
  system: '', temperature: 0.8, top_p: 0.95, top_k: 40, min_p: 0.05, repeat_penalty: 1, max_tokens: 512, seed: '', key: '',
});

function load(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise; // storage is off or was written by something else
  }
}

function save(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false; // storage is full or off: the page works, and forgets
  }
}

export class Store {
  constructor() {
    const all = load(CONVERSATIONS, []);
    this.conversations = Array.isArray(all) ? all.filter((each) => each && each.root && each.id) : [];
    this.settings = { ...DEFAULTS, ...load(SETTINGS, {}) };
    if (this.conversations.length === 0) {
      this.add();
    }
    this.current = this.conversations[0];
  }

  add() {
    const conversation = { id: crypto.randomUUID?.() ?? String(Date.now()), mode: 'chat', root: turn('root', '') };
    this.conversations.unshift(conversation);
    this.current = conversation;
    this.save();
    return conversation;
  }

  remove(conversation) {
    this.conversations = this.conversations.filter((each) => each !== conversation);
    if (this.conversations.length === 0) {
      this.add();
    } else if (this.current === conversation) {
      this.current = this.conversations[0];
    }
    this.save();
  }

  save() {
    return save(CONVERSATIONS, this.conversations);
  }

  saveSettings() {
    return save(SETTINGS, this.settings);
  }
}

export function turn(role, text) {
  return { role, text, children: [], shown: 0 };
}

/** The turns that are shown, from the first to the last. */
export function path(conversation) {
  const turns = [];
  for (let at = conversation.root; at.children.length > 0; ) {
    at = at.children[Math.min(at.shown, at.children.length - 1)];
    turns.push(at);
  }
  return turns;
}

/** The turn before, or the root. */
export function parent(conversation, child) {
  const stack = [conversation.root];
  while (stack.length > 0) {
    const at = stack.pop();
    if (at.children.includes(child)) {
      return at;
    }
    stack.push(...at.children);
  }
  return conversation.root;
}

/** Adds a turn and shows it. */
export function append(before, child) {
  before.children.push(child);
  before.shown = before.children.length - 1;
  return child;
}

export function title(conversation) {
  const first = path(conversation).find((each) => each.text.trim() !== '');
  return first ? first.text.trim().slice(0, 60) : 'New chat';
}
