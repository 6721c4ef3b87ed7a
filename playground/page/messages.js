// Messages as elements.

import { render } from "./markdown.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };
const COLOURS = ["#5865f2", "#eb459e", "#3ba55c", "#faa61a", "#ed4245", "#00a8fc"];

export function avatar(user, small = false) {
  const box = element("span", `avatar${small ? " small" : ""}`);
  const name = user.global_name || user.username;
  box.textContent = user.bot ? "✦" : name[0].toUpperCase();
  box.style.background = user.bot ? COLOURS[0] : COLOURS[Number(BigInt(user.id) % 5n) + 1];
  box.setAttribute("aria-hidden", "true");
  return box;
}

export function messageElement(message, handlers) {
  const item = element("li", "message");
  item.dataset.id = message.id;
  const isPrivate = Boolean(message.flags & EPHEMERAL);
  item.classList.toggle("private", isPrivate);
  if (message.interaction) item.append(usedLine(message.interaction));
  item.append(avatar(message.author));
  const body = element("div", "body");
  body.append(heading(message), content(message));
  if (message.attachments.length) body.append(files(message.attachments, handlers));
  for (const row of message.components) body.append(buttonRow(message, row, handlers));
  if (isPrivate) body.append(privateNote(message, handlers));
  item.append(body);
  return item;
}

function usedLine(interaction) {
  const line = element("div", "used");
  const name = element("b");
  name.textContent = interaction.user.global_name || interaction.user.username;
  const command = element("code");
  command.textContent = `/${interaction.name}`;
  line.append(name, " used ", command);
  return line;
}

function heading(message) {
  const line = element("div");
  const author = element("span", "author");
  author.textContent = message.author.global_name || message.author.username;
  line.append(author);
  if (message.author.bot) {
    const badge = element("span", "badge");
    badge.textContent = "APP";
    line.append(badge);
  }
  const time = element("time");
  time.dateTime = message.timestamp;
  time.textContent = new Date(message.timestamp).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  line.append(time);
  return line;
}

function content(message) {
  if (message.flags & LOADING) {
    const thinking = element("div", "thinking");
    thinking.innerHTML = '<span class="dots"><i></i><i></i><i></i></span>';
    thinking.append(`${message.author.username} is thinking…`);
    return thinking;
  }
  const text = element("div", "content");
  text.innerHTML = render(message.content);
  if (message.edited_timestamp && message.content) {
    const edited = element("span", "edited");
    edited.textContent = " (edited)";
    text.append(edited);
  }
  return text;
}

function files(attachments, handlers) {
  const box = element("div", "files");
  const pictures = attachments.filter((a) => (a.content_type || "").startsWith("image/"));
  const thumbs = element("div", "thumbs");
  pictures.forEach((attachment, index) => {
    const image = element("img", index === 0 ? "first" : "");
    image.src = localPath(attachment.url);
    image.alt = attachment.description || attachment.filename;
    image.title = image.alt;
    if (attachment.width) Object.assign(image, { width: attachment.width, height: attachment.height });
    image.addEventListener("click", () => handlers.view(image));
    (index === 0 ? box : thumbs).append(image);
  });
  if (pictures.length > 1) box.append(thumbs);
  for (const attachment of attachments.filter((a) => !pictures.includes(a))) {
    const link = element("a", "file");
    link.href = localPath(attachment.url);
    link.download = attachment.filename;
    link.textContent = `⬇ ${attachment.filename} (${Math.ceil(attachment.size / 1024)} KiB)`;
    box.append(link);
  }
  return box;
}

// An attachment's address names the port of the day it was sent; after a restart the port may be another.
function localPath(url) {
  return new URL(url).pathname;
}

function buttonRow(message, row, handlers) {
  const line = element("div", "row");
  for (const component of row.components) {
    const button = element("button", STYLES[component.style] || "");
    button.type = "button";
    button.disabled = Boolean(component.disabled);
    button.textContent = [component.emoji?.name, component.label].filter(Boolean).join(" ");
    button.addEventListener("click", () => handlers.press(message, component, button));
    line.append(button);
  }
  return line;
}

function privateNote(message, handlers) {
  const note = element("div", "private-note");
  const dismiss = element("button");
  dismiss.type = "button";
  dismiss.textContent = "Dismiss message";
  dismiss.addEventListener("click", () => handlers.dismiss(message));
  note.append("👁 Only you can see this · ", dismiss);
  return note;
}

export function element(tag, className = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  return node;
}
