// Small parts of all views: elements, icons, sheets, pads for fingers.

import { fill } from "./app.js";
import { t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  check: "M5 13l4 4L19 7",
  cross: "M6 6l12 12M18 6L6 18",
  alert: "M12 8v5M12 16.5v.5M12 3l9.5 17h-19z",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3",
  door: "M6 21V3h12v18M4 21h16M14.5 12v1",
  erase: "M9 6h11v12H9l-6-6zM12 9.5l5 5M17 9.5l-5 5",
};

/** An element; `on...` are listeners, null and false children are left out. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value);
  }
  fill(element, ...children);
  return element;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function icon(name) {
  const drawn = shape("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  drawn.append(shape("path", { d: ICONS[name] }));
  return drawn;
}

/** A button of any look, and a piece of text of a class. */
export const plain = (props, ...children) => h("button", { type: "button", ...props }, ...children);
export const span = (kind, ...children) => h("span", { class: kind }, ...children);

export const button = (label, kind, onclick, more) =>
  plain({ class: `button ${kind}`, onclick, ...more }, label);

export const spinner = () => h("div", { class: "spinner", "aria-hidden": "true" });

/** A frame that looks like a QR code and cannot be scanned: it says that it is none. */
export function fakeQr(link) {
  const drawn = shape("svg", { viewBox: "0 0 29 29", class: "qr", role: "img" });
  drawn.append(shape("rect", { width: 29, height: 29, class: "paper" }));
  for (const [x, y] of [[2, 2], [20, 2], [2, 20]]) {
    drawn.append(
      shape("rect", { x: x + 0.5, y: y + 0.5, width: 6, height: 6, class: "ring" }),
      shape("rect", { x: x + 2, y: y + 2, width: 3, height: 3 }),
    );
  }
  const word = (text, y, size) => {
    const written = shape("text", { x: 14.5, y, "font-size": size, "text-anchor": "middle" });
    written.append(text);
    return written;
  };
  drawn.append(word("模拟", 14.5, 4.6), word("FAKE", 18.6, 3.4));
  drawn.setAttribute("aria-label", `模拟 FAKE ${link}`);
  return drawn;
}

const over = () => document.getElementById("over");

let drawSheet = null;

/** Lay a sheet of what `draw` gives over the view; a tap beside it closes it. */
export function sheet(draw) {
  const panel = h("section", { class: "sheet", role: "dialog", "aria-modal": "true" }, draw());
  const shade = h("div", { class: "shade", onclick: (tap) => tap.target === shade && closeSheet() }, panel);
  fill(over(), shade);
  drawSheet = draw;
  return panel;
}

/** Draw an open sheet again, in the language of now. */
export function redrawSheet() {
  if (drawSheet) sheet(drawSheet);
}

export function closeSheet() {
  drawSheet = null;
  fill(over());
}

const DIGITS = [..."123456789"];
const LETTERS = [..."1234567890QWERTYUIOPASDFGHJKL-ZXCVBNM/._"];

/** Digits for a PIN or a number: three columns, erase and OK at the bottom. */
export function digitPad(onkey, onerase, onok) {
  const key = (label, act, name, kind = "key") => button(label, kind, act, { "aria-label": name });
  return h("div", { class: "pad" },
    DIGITS.map((digit) => key(digit, () => onkey(digit), digit)),
    key(icon("erase"), onerase, t("clear")),
    key("0", () => onkey("0"), "0"),
    key(icon("check"), onok, t("ok"), "key primary"));
}

/** Ask for one line on a sheet with keys of our own: the screen has no keyboard. */
export function askLine({ title, hint, value, digits }) {
  return new Promise((done) => {
    let typed = value ?? "";
    const line = h("output", { class: "line" }, typed);
    const write = (next) => { typed = next.slice(0, 20); line.textContent = typed; };
    const end = (result) => { closeSheet(); done(result); };
    const keys = digits
      ? digitPad((key) => write(typed + key), () => write(typed.slice(0, -1)), () => end(typed))
      : h("div", { class: "letters" }, LETTERS.map((key) => button(key, "key", () => write(typed + key))));
    sheet(() => [
      h("div", { class: "row" }, h("h2", {}, title), h("p", { class: "muted grow" }, hint ?? ""),
        button(t("cancel"), "quiet", () => end(null))),
      line, keys,
      digits ? null : h("div", { class: "actions" },
        button(icon("erase"), "quiet", () => write(typed.slice(0, -1)), { "aria-label": t("clear") }),
        button(t("ok"), "primary", () => end(typed))),
    ]);
  });
}
