// The line where commands are typed: "/name option:value option:value". Suggestions above it, chips behind the text.

const STRING = 3;

// Splits "/imagine prompt:a red dragon count:4" into its command and options. A value runs to the next known option.
export function parse(text, commands) {
  const match = /^\/(\S*)(\s?)([\s\S]*)$/.exec(text);
  if (!match) return null;
  const command = commands.find((c) => c.name === match[1]);
  if (!command || !match[2]) return { typed: match[1], command: null, spaced: Boolean(match[2]) };
  const names = command.options.map((o) => o.name).join("|");
  const marks = names ? [...text.matchAll(new RegExp(`(?<=\\s)(${names}):`, "g"))] : [];
  const parts = marks.map((mark, index) => {
    const from = mark.index + mark[0].length;
    const to = index + 1 < marks.length ? marks[index + 1].index : text.length;
    const raw = text.slice(from, to);
    return { name: mark[1], start: mark.index, from, to, value: unquote(raw.trim()) };
  });
  const loose = text.slice(match[1].length + 2, marks.length ? marks[0].index : undefined).trim();
  return { typed: match[1], command, parts, loose };
}

function unquote(value) {
  return /^"[\s\S]*"$/.test(value) && value.length > 1 ? value.slice(1, -1) : value;
}

export class Composer {
  constructor({ form, input, mirror, popup, notice, commands, send, choices }) {
    Object.assign(this, { form, input, mirror, popup, notice, commands, send, choices });
    this.items = [];
    this.selected = 0;
    this.asked = 0;
    input.addEventListener("input", () => this.refresh());
    input.addEventListener("click", () => this.refresh());
    input.addEventListener("scroll", () => { mirror.scrollLeft = input.scrollLeft; });
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
  }

  key(event) {
    const open = this.items.length > 0;
    if (event.key === "ArrowDown" && open) this.select(this.selected + 1);
    else if (event.key === "ArrowUp" && open) this.select(this.selected - 1);
    else if (event.key === "Tab" && open && !event.shiftKey) this.items[this.selected].choose();
    else if (event.key === "Enter" && open && this.mustChoose()) this.items[this.selected].choose();
    else if (event.key === "Escape" && open) this.close();
    else if (event.key === "Enter") this.submit();
    else return;
    event.preventDefault();
  }

  // Enter takes the suggestion while the command's name is incomplete or a required option is missing; else it sends.
  mustChoose() {
    const parsed = parse(this.input.value, this.commands());
    if (!parsed) return false;
    if (!parsed.command) return !this.commands().some((c) => c.name === parsed.typed && !c.options.some((o) => o.required));
    return parsed.command.options.some((o) => o.required && !parsed.parts.some((p) => p.name === o.name)) && !parsed.loose;
  }

  refresh() {
    this.notice.hidden = true;
    const parsed = parse(this.input.value, this.commands());
    this.paint(parsed);
    if (!parsed) return this.close();
    if (!parsed.command) return this.suggestCommands(parsed);
    const caret = this.input.selectionStart;
    const part = parsed.parts.find((p) => p.from <= caret && caret <= p.to && (caret < p.to || p.to === this.input.value.length));
    const option = part && parsed.command.options.find((o) => o.name === part.name);
    if (option && (option.autocomplete || option.choices?.length)) return this.suggestValues(parsed, part, option);
    return this.suggestOptions(parsed, option);
  }

  suggestCommands(parsed) {
    const found = this.commands().filter((c) => c.name.startsWith(parsed.typed));
    this.show("Commands", found.map((c) => ({ name: `/${c.name}`, text: c.description, choose: () => this.takeCommand(c) })));
  }

  takeCommand(command) {
    const first = command.options.find((o) => o.required);
    this.set(`/${command.name} ${first ? `${first.name}:` : ""}`);
  }

  suggestOptions(parsed, current) {
    const used = new Set(parsed.parts.map((p) => p.name));
    const left = parsed.command.options.filter((o) => !used.has(o.name));
    const title = current ? `${current.name}: ${current.description}` : `/${parsed.command.name}`;
    const items = left.map((o) => ({ name: o.name, text: o.description, note: o.required ? "required" : "", choose: () => this.set(`${this.input.value.trimEnd()} ${o.name}:`) }));
    this.show(title, items);
  }

  async suggestValues(parsed, part, option) {
    const ask = ++this.asked;
    const values = option.choices?.length ? option.choices : await this.choices(parsed.command, optionsOf(parsed), part.name);
    if (ask !== this.asked) return;
    const put = (choice) => this.set(`${this.input.value.slice(0, part.from)}${choice.value} ${this.input.value.slice(part.to).trimStart()}`);
    this.show(option.name, values.map((choice) => ({ name: choice.name, text: "", choose: () => put(choice) })));
  }

  set(text) {
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
    this.input.scrollLeft = this.input.scrollWidth;
    this.refresh();
  }

  show(title, items) {
    this.items = items;
    this.selected = 0;
    this.popup.replaceChildren();
    const heading = document.createElement("h3");
    heading.textContent = title;
    this.popup.append(heading);
    items.forEach((item, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "option");
      button.setAttribute("aria-selected", String(index === 0));
      for (const [tag, text] of [["b", item.name], ["span", item.text], ["em", item.note]]) {
        if (!text) continue;
        const part = document.createElement(tag);
        part.textContent = text;
        button.append(part);
      }
      button.addEventListener("mousedown", (event) => { event.preventDefault(); item.choose(); });
      this.popup.append(button);
    });
    this.popup.hidden = items.length === 0;
  }

  select(index) {
    this.selected = (index + this.items.length) % this.items.length;
    this.popup.querySelectorAll("button").forEach((button, i) => {
      button.setAttribute("aria-selected", String(i === this.selected));
      if (i === this.selected) button.scrollIntoView({ block: "nearest" });
    });
  }

  close() {
    this.asked += 1;
    this.items = [];
    this.popup.hidden = true;
  }

  paint(parsed) {
    this.mirror.replaceChildren();
    const text = this.input.value;
    const add = (from, to, kind) => {
      const span = document.createElement("span");
      if (kind) span.className = kind;
      span.textContent = text.slice(from, to);
      this.mirror.append(span);
    };
    if (!parsed?.command) { add(0, text.length); return; }
    let at = parsed.typed.length + 1;
    add(0, at, "command");
    for (const part of parsed.parts) {
      add(at, part.start);
      add(part.start, part.from, "option");
      at = part.from;
    }
    add(at, text.length);
    this.mirror.scrollLeft = this.input.scrollLeft;
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const parsed = parse(text.startsWith("/") && !text.includes(" ") ? `${text} ` : text, this.commands());
    if (parsed && !parsed.command) return this.complain(`There is no command /${parsed.typed}`);
    if (parsed) takeLoose(parsed);
    if (parsed?.loose) return this.complain(`“${parsed.loose}” belongs to no option; write option:value`);
    const error = await this.send(parsed ? { command: parsed.command.name, options: optionsOf(parsed) } : { content: text });
    if (error) return this.complain(error);
    this.set("");
    this.close();
  }

  complain(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
  }
}

// "/imagine a red dragon" means its first required text option.
function takeLoose(parsed) {
  const first = parsed.command.options.find((o) => o.required && o.type === STRING);
  if (parsed.loose && first && !parsed.parts.some((p) => p.name === first.name)) {
    parsed.parts.unshift({ name: first.name, value: unquote(parsed.loose) });
    parsed.loose = "";
  }
}

function optionsOf(parsed) {
  return Object.fromEntries(parsed.parts.map((p) => [p.name, p.value]));
}
