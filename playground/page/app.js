// The chat page: state from the server, events as they happen.

import { Composer } from "./composer.js";
import { avatar, element, messageElement } from "./messages.js";

const COMMAND = 2, COMPONENT = 3, AUTOCOMPLETE = 4;
const $ = (id) => document.getElementById(id);
const state = { channels: [], people: [], messages: new Map(), commands: [], bot: { online: false }, me: recall("me"), channel: recall("channel"), waiting: new Map(), settled: new Set() };

function recall(key) { return localStorage.getItem(`playground.${key}`); }
function remember(key, value) { localStorage.setItem(`playground.${key}`, value); state[key] = value; }

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ user: state.me, channel: state.channel, ...body }) });
  return response.json();
}

async function load() {
  const fresh = await (await fetch(`/page/state?user=${state.me || ""}`)).json();
  state.me = fresh.me;
  state.channels = fresh.channels;
  state.people = fresh.people;
  state.commands = fresh.commands;
  state.bot = fresh.bot;
  state.messages = new Map(fresh.messages.map((m) => [m.id, m]));
  if (!state.channels.some((c) => c.id === state.channel)) state.channel = state.channels[0].id;
  $("guild").textContent = fresh.guild;
  drawSidebar();
  drawMessages();
}

let socket = null;
function connect() {
  socket?.close();
  const mine = socket = new WebSocket(`ws://${location.host}/page/events?user=${state.me}`);
  // The state is asked for once events come in: nothing happens unseen between the two.
  mine.onopen = () => { if (mine === socket) load().catch(() => mine.close()); };
  mine.onmessage = (event) => { const { kind, data } = JSON.parse(event.data); EVENTS[kind]?.(data); };
  mine.onclose = () => { if (mine === socket) { showBot({ online: false }); setTimeout(() => { if (mine === socket) connect(); }, 1000); }; };
}

const EVENTS = {
  message: (m) => { state.messages.set(m.id, m); if (m.channel_id === state.channel) append(m); },
  message_update: (m) => { state.messages.set(m.id, m); replace(m); },
  message_delete: ({ id }) => { state.messages.delete(id); find(id)?.remove(); },
  commands: ({ commands }) => { state.commands = commands; },
  bot: (bot) => showBot(bot),
  interaction_done: ({ id }) => settle(id),
  interaction_failed: ({ id, error }) => settle(id, error),
};

function find(id) { return $("messages").querySelector(`[data-id="${id}"]`); }
// Whoever reads the end stays there while pictures load and texts grow; whoever scrolled up is left in peace.
let atEnd = true;
$("messages").addEventListener("scroll", () => { const list = $("messages"); atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 120; });
function toEnd() { const list = $("messages"); list.scrollTop = list.scrollHeight; atEnd = true; }
function draw(message) {
  const node = messageElement(message, { press, dismiss, view });
  node.querySelectorAll("img").forEach((image) => image.addEventListener("load", () => { if (atEnd) toEnd(); }));
  return node;
}
function append(message) { const stay = atEnd; $("messages").append(draw(message)); if (stay) toEnd(); }
function replace(message) { const old = find(message.id); if (!old) return; const stay = atEnd; old.replaceWith(draw(message)); if (stay) toEnd(); }
function drawMessages() {
  const shown = [...state.messages.values()].filter((m) => m.channel_id === state.channel);
  $("messages").replaceChildren(...shown.map(draw));
  if (!shown.length) welcome();
  toEnd();
}
function welcome() {
  const hint = element("li", "message");
  hint.dataset.id = "welcome";
  const body = element("div", "body");
  body.innerHTML = "<b>Welcome.</b> Type <code>/</code> below, for example <code>/imagine prompt:7</code>, <code>/imagine model:handwriting prompt:2026-11-23</code> or <code>/write prompt:A brave little boat</code>.";
  hint.append(avatar(state.bot), body);
  $("messages").append(hint);
}

function drawSidebar() {
  const line = (node, current, click) => {
    const item = element("li"), button = element("button");
    button.type = "button";
    button.append(...node);
    button.setAttribute("aria-current", String(current));
    button.addEventListener("click", click);
    item.append(button);
    return item;
  };
  const hash = () => { const sign = element("span", "hash"); sign.textContent = "#"; return sign; };
  $("channels").replaceChildren(...state.channels.map((c) => line([hash(), c.name], c.id === state.channel, () => { remember("channel", c.id); drawSidebar(); drawMessages(); $("input").focus(); })));
  $("people").replaceChildren(...state.people.map((p) => line([avatar(p, true), p.global_name], p.id === state.me, () => { remember("me", p.id); load().then(connect); })));
  $("channel-name").textContent = state.channels.find((c) => c.id === state.channel)?.name ?? "";
  showBot(state.bot);
}
function showBot(bot) {
  state.bot = { ...state.bot, ...bot };
  $("bot-state").textContent = state.bot.online ? "bot online" : "bot offline";
  $("bot-state").classList.toggle("online", state.bot.online);
}

async function press(message, component, button) {
  button.disabled = true;
  const answer = await post("/page/interactions", { type: COMPONENT, message: message.id, custom_id: component.custom_id });
  if (answer.error) { button.disabled = false; fail(answer.error); return; }
  // The bot's answer may have come before ours.
  if (state.settled.delete(answer.id)) button.disabled = false;
  else state.waiting.set(answer.id, () => { button.disabled = false; });
}
function settle(id, error) {
  if (state.waiting.has(id)) state.waiting.get(id)();
  else state.settled.add(id);
  state.waiting.delete(id);
  if (error) fail(error);
}
function fail(text) {
  const note = element("li", "failed");
  note.textContent = text;
  $("messages").append(note);
  toEnd();
  setTimeout(() => note.remove(), 8000);
}
async function dismiss(message) { await post("/page/dismiss", { message: message.id }); }
function view(image) { const large = $("viewer").querySelector("img"); large.src = image.src; large.alt = image.alt; $("viewer").showModal(); }

new Composer({
  form: $("composer"), input: $("input"), mirror: $("mirror"), popup: $("popup"), notice: $("notice"),
  commands: () => state.commands,
  send: async (what) => {
    find("welcome")?.remove();
    const answer = await (what.command ? post("/page/interactions", { type: COMMAND, ...what }) : post("/page/messages", what));
    toEnd();
    return answer.error;
  },
  choices: async (command, options, focused) => (await post("/page/interactions", { type: AUTOCOMPLETE, command: command.name, options, focused })).choices ?? [],
});
$("viewer").addEventListener("click", () => $("viewer").close());
$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  localStorage.setItem("playground.theme", document.documentElement.dataset.theme = dark ? "light" : "dark");
});
if (recall("theme")) document.documentElement.dataset.theme = recall("theme");
load().then(connect).then(() => $("input").focus());
