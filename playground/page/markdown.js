// Discord's markdown, as far as a bot's answers use it. The text is escaped first: nothing of it is ever HTML.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => ESCAPES[sign]);

// Stretches that later rules must not touch (code, escaped signs) are put aside and put back last.
export function render(text) {
  const kept = [];
  const keep = (html) => `\u0000${kept.push(html) - 1}\u0000`;
  let html = escapeHtml(text.replace(/\u0000/g, ""));
  html = html.replace(/```(?:\w+\n)?([\s\S]*?)```/g, (_, code) => keep(`<pre><code>${code}</code></pre>`));
  html = html.replace(/`([^`\n]+)`/g, (_, code) => keep(`<code>${code}</code>`));
  html = html.replace(/\\([*_~`|>\\#\-:@[\]().!])/g, (_, sign) => keep(sign));
  html = html.replace(/^-# (.*)$/gm, "<small>$1</small>");
  html = html.replace(/(?:^&gt; ?.*(?:\n|$))+/gm, (block) => `<blockquote>${block.replace(/^&gt; ?/gm, "").replace(/\n$/, "")}</blockquote>`);
  html = html.replace(/\*\*([\s\S]+?)\*\*/g, "<b>$1</b>").replace(/__([\s\S]+?)__/g, "<u>$1</u>").replace(/~~([\s\S]+?)~~/g, "<s>$1</s>");
  html = html.replace(/\*([^*\n]+)\*/g, "<i>$1</i>").replace(/(^|\W)_([^_\n]+)_(?=\W|$)/g, "$1<i>$2</i>");
  html = html.replace(/&lt;t:(\d+):R&gt;/g, (_, at) => keep(relative(Number(at))));
  return html.replace(/\u0000(\d+)\u0000/g, (_, index) => kept[index]);
}

function relative(at) {
  const seconds = Math.round(at - Date.now() / 1000);
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.abs(seconds) < 90 ? seconds : Math.round(seconds / 60), Math.abs(seconds) < 90 ? "second" : "minute");
}
