// The service side: behind the PIN or a work order, for a technician with a scanner that types.
//
// What a scanner types lands in one field, whatever was touched last. The login is kept for this
// tab only, and ends by itself when nobody touches the screen.

import { app, ask, look, redraw, show } from "./app.js";
import { currentLanguage, problemText, say, t } from "./texts.js";
import { askLine, button, digitPad, h, icon, plain, span } from "./widgets.js";
import { showShop } from "./shop.js";

const KEPT = "service";
const IDLE_MS = 600000; // a technician who left must not leave the cabinet open
const UNLOCK_MS = 20000; // the agent answers within 10 s
const GROUP_SEPARATOR = "\u001d";
const PIN_DIGITS_MAX = 12;
const MODES = { load: "loads", count: "counts", remove: "removals" };
const WHYS = ["recall", "expired", "damaged", "other"];
const TABS = ["stock", "doors", "faults", "test"];

const fresh = () => ({ slot: "", gtin: "", lot: "", expiry: "", production: "", quantity: 1, why: "other" });
let me = { pin: "", by: "", actions: [], tab: "stock", mode: "load", item: fresh(), test: null };
let told = { text: "", good: true };
let working = false;
let idle = 0;

const may = (action) => me.actions.includes(action);

function tell(text, good) {
  told = { text, good };
  redraw(true);
}

/** One action at a time; what came of it is told in any case. */
async function act(send, done) {
  if (working) return;
  working = true;
  tell(t("working"), true);
  const answer = await send();
  working = false;
  if (answer.ok) await done(answer.body);
  else if (answer.body.type === "login-needed") leave(problemText(answer.body), false);
  else tell(problemText(answer.body), false);
}

// ---- in and out

function login(body) {
  me.pin = "";
  return act(() => ask("POST", "/v1/service/login", body), async (answer) => {
    app.token = answer.token;
    me = { ...me, by: answer.by, actions: answer.actions, tab: "stock", item: fresh(), test: null };
    sessionStorage.setItem(KEPT, JSON.stringify({ token: app.token, by: me.by, actions: me.actions }));
    await look();
    tell(t("loggedIn", answer.by === "pin" ? "PIN" : answer.by), true);
  });
}

function leave(text, good) {
  app.token = "";
  sessionStorage.removeItem(KEPT);
  told = { text, good };
  show(service);
}

async function logout() {
  await ask("POST", "/v1/service/logout");
  leave("", true);
  await showShop();
}

export function openService() {
  told = { text: "", good: true };
  me.pin = "";
  show(service);
  touch();
}

/** Come back to a login that a reload interrupted. */
export function resumeService() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept) return false;
  app.token = kept.token;
  me = { ...me, by: kept.by, actions: kept.actions };
  openService();
  return true;
}

function touch() {
  clearTimeout(idle);
  idle = setTimeout(() => (app.token ? logout() : isOpen() && showShop()), IDLE_MS);
}

const isOpen = () => document.querySelector(".service") !== null;

// ---- the scanner

function scanField(hint, type = "text") {
  return h("label", { class: "scan" }, span("", hint),
    h("input", { id: "scan", type, inputmode: "none", autocomplete: "off", spellcheck: "false",
      maxlength: 2048 }));
}

function scanKey(press, field) {
  if (press.ctrlKey && press.key === "]") { // GS, as keyboards type it
    press.preventDefault();
    field.value += GROUP_SEPARATOR;
  } else if (press.key === "Enter") {
    press.preventDefault(); // nor is the button meant that was touched last
    const text = field.value.trim();
    field.value = "";
    if (text) (app.token ? scanned : tokenScanned)(text);
  }
}

function tokenScanned(text) {
  if (/^\d+$/.test(text)) return login({ pin: text });
  let envelope;
  try {
    envelope = JSON.parse(text);
  } catch {
    return tell(problemText({ type: "signature-rejected" }), false);
  }
  return login({ work_order: envelope });
}

function scanned(text) {
  return act(() => ask("POST", "/v1/scan", { text }), (label) => {
    const planned = app.state.slots.filter((slot) => slot.gtin === label.gtin);
    const slot = me.item.slot || (planned.length === 1 ? planned[0].slot : "");
    me.tab = "stock";
    me.item = { ...fresh(), why: me.item.why, slot, gtin: label.gtin, lot: label.lot ?? "",
      expiry: label.expiry ?? "", production: label.production ?? "" };
    tell(t("scanned", [label.gtin, label.lot, label.expiry].filter(Boolean).join(" · ")), true);
  });
}

document.addEventListener("keydown", (press) => {
  touch();
  const field = document.getElementById("scan");
  if (!field || document.querySelector(".sheet")) return;
  field.focus();
  scanKey(press, field);
}, true);
document.addEventListener("pointerdown", touch, true);

// ---- the login

function drawLogin() {
  const write = (pin) => { me.pin = pin.slice(0, PIN_DIGITS_MAX); redraw(true); };
  return h("div", { class: "service login" },
    h("section", {},
      h("h2", {}, t("enterPin")),
      h("output", { class: "line", "aria-label": "PIN" }, "●".repeat(me.pin.length)),
      digitPad((key) => write(me.pin + key), () => write(me.pin.slice(0, -1)),
        () => me.pin && login({ pin: me.pin }))),
    h("section", {},
      h("p", {}, t("orScan")), scanField(t("scanHint"), "password"),
      status(),
      button(t("back"), "quiet", showShop)));
}

const status = () => h("p", { class: told.good ? "told" : "told bad", role: "status" }, told.text);

// ---- stock

const slotOf = (state) => state.slots.find((slot) => slot.slot === me.item.slot);

function setItem(changes) {
  me.item = { ...me.item, ...changes };
  redraw(true);
}

const ofLot = ({ gtin, lot, expiry, quantity }) => ({ gtin, lot: lot ?? "", expiry: expiry ?? "", quantity });

/** A label that was scanned before its slot was chosen stays; what lies there alone is meant. */
function chooseSlot(slot, mode = me.mode) {
  me.mode = mode;
  const label = me.item.gtin && me.item.gtin === slot?.gtin && !me.item.slot;
  const only = mode !== "load" && slot?.lots.length === 1 ? ofLot(slot.lots[0]) : { gtin: slot?.gtin ?? "" };
  setItem({ ...(label ? {} : { ...fresh(), why: me.item.why, ...only }), slot: slot?.slot ?? "" });
}

const fields = (state) => {
  const { item } = me;
  const product = state.slots.find((slot) => slot.gtin === item.gtin);
  const field = (key, value, ask) =>
    plain({ class: "field", "data-field": key, onclick: ask }, span("", t(key)), h("b", {}, value || "—"));
  return h("div", { class: "fields" },
    field("product", product ? `${say(product.name)} ${item.gtin}` : item.gtin, () =>
      line("product", item.gtin, true, (gtin) => setItem({ gtin }))),
    field("lot", item.lot, () => line("lot", item.lot, false, (lot) => setItem({ lot }))),
    field("expiry", item.expiry, () => line("expiry", "", true, (typed) => {
      const expiry = typed && dateOf(typed);
      if (expiry === null) tell(t("badDate"), false);
      else setItem({ expiry });
    })));
};

async function line(key, value, digits, take) {
  const typed = await askLine({ title: t(key), value, digits, hint: key === "expiry" ? t("expiryHint") : "" });
  if (typed !== null) take(typed);
}

/** 261231 or 20261231 -> 2026-12-31; null when it is no day. */
function dateOf(typed) {
  const digits = typed.length === 6 ? `20${typed}` : typed;
  if (!/^\d{8}$/.test(digits)) return null;
  const iso = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  const day = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(iso) ? iso : null;
}

function lotChips(slot) {
  if (me.mode === "load" || !slot?.lots.length) return null;
  return h("div", { class: "chips", "aria-label": t("lotsInside") }, slot.lots.map((lot) =>
    button(`${lot.lot ?? "—"} · ${t("unitsNow", lot.quantity)}${lot.expiry ? ` · ${lot.expiry}` : ""}`,
      lot.lot === (me.item.lot || null) && lot.gtin === me.item.gtin ? "chip on" : "chip",
      () => setItem(ofLot(lot)))));
}

function stepper() {
  const lowest = me.mode === "count" ? 0 : 1;
  const step = (by) => () => setItem({ quantity: Math.max(lowest, me.item.quantity + by) });
  return h("div", { class: "stepper", role: "group", "aria-label": t("quantity") },
    [-5, -1].map((by) => button(`−${-by}`, "key", step(by))),
    h("output", {}, me.item.quantity),
    [1, 5].map((by) => button(`+${by}`, "key", step(by))));
}

function move() {
  const { slot, gtin, lot, expiry, production, quantity, why } = me.item;
  const body = { slot, gtin, quantity };
  for (const [key, value] of Object.entries({ lot, expiry, production })) if (value) body[key] = value;
  if (me.mode === "remove") body.why = why;
  const { mode } = me;
  return act(() => ask("POST", `/v1/stock/${MODES[mode]}`, body), async (answer) => {
    me.item = { ...fresh(), slot, gtin: slotOf(app.state)?.gtin ?? "", why };
    await look();
    tell(t(`done_${mode}`, slot, quantity, answer.units_before, answer.units), true);
  });
}

function drawStock(state) {
  const slot = slotOf(state);
  const tile = (one) => plain(
    { class: one.slot === me.item.slot ? "tile on" : "tile", "data-slot": one.slot, onclick: () => chooseSlot(one) },
    h("b", {}, one.slot), span("", say(one.name) || "—"), span("muted", t("unitsNow", one.units)));
  return [
    h("section", { class: "scroll tiles" }, state.slots.map(tile)),
    h("section", { class: "form" },
      h("div", { class: "modes", role: "tablist" }, Object.keys(MODES).map((mode) =>
        button(t(mode), mode === me.mode ? "mode on" : "mode", () => chooseSlot(slot, mode), { disabled: !may(mode), "aria-selected": String(mode === me.mode), role: "tab" }))),
      h("div", { class: "scroll entry" }, scanField(t("scanLabel")), lotChips(slot), fields(state),
        me.mode === "remove" ? h("div", { class: "chips" }, WHYS.map((why) =>
          button(t(`why_${why}`), why === me.item.why ? "chip on" : "chip", () => setItem({ why })))) : null),
      h("div", { class: "row" }, stepper(),
        button(slot ? t(`do_${me.mode}`, me.item.quantity, slot.slot) : t("chooseSlot"), "primary grow", move,
          { disabled: !slot || !me.item.gtin || !may(me.mode) }))),
  ];
}

// ---- doors, faults, self-test

const byNumber = ([one], [other]) => one.localeCompare(other, "en", { numeric: true });
const faultsOf = (state) => state.faults.filter((fault) => fault.code !== "SERVICE_MODE");

function drawDoors(state) {
  const unlock = (door) => act(() => ask("POST", "/v1/service/unlock", { door }, UNLOCK_MS), async (answer) => {
    await look();
    tell(t(answer.outcome, answer.door), answer.outcome.startsWith("open"));
  });
  return h("section", { class: "scroll rows" }, may("unlock") ? null : h("p", { class: "muted" }, problemText({ type: "not-allowed" })),
    Object.entries(state.doors).sort(byNumber).map(([door, standing]) => h("div", { class: "item", "data-door": door },
      h("b", {}, door), span(`badge door ${standing}`, t(`state_${standing}`)),
      button(t("open"), "primary", () => unlock(door), { disabled: !may("unlock"), "aria-label": `${t("open")} ${door}` }))));
}

function drawFaults(state) {
  const release = (fault) => act(
    () => ask("POST", "/v1/service/release-hold", { code: fault.code, part: fault.part }), async () => {
      await look();
      tell(t("released", say(fault.title)), true);
    });
  const since = (fault) => new Date(fault.since).toLocaleString(currentLanguage() === "zh" ? "zh-CN" : "en");
  return h("section", { class: "scroll rows" },
    faultsOf(state).length ? null : h("p", { class: "nothing" }, t("noFaults")),
    faultsOf(state).map((fault) => h("div", { class: "item fault", "data-fault": fault.code },
      span(`severity ${fault.severity}`, fault.severity),
      span("grow", h("b", {}, say(fault.title)), span("muted", `${fault.code} · ${fault.part} · ${t("since", since(fault))} · ${t("times", fault.count)}`)),
      fault.latched
        ? button(t(fault.code === "TEMP_SAFETY_HOLD" ? "release" : "acknowledge"), "primary", () => release(fault),
          { disabled: !may("release_hold") })
        : span("muted", t("clearsItself")))));
}

function drawTest(state) {
  const run = () => act(() => ask("POST", "/v1/service/self-test"), (answer) => {
    me.test = answer;
    tell(t(answer.good ? "testGood" : "testBad"), answer.good);
  });
  const title = (code) => say(state.faults.find((fault) => fault.code === code)?.title) || code;
  const row = (good, name, word) => h("div", { class: "item" },
    span(`mark ${good ? "good" : "bad"}`, icon(good ? "check" : "cross")), h("b", {}, name), span("", word));
  return h("section", { class: "scroll rows" },
    button(t("runTest"), "primary", run, { disabled: !may("self_test") }),
    me.test && [
      row(me.test.storage, t("diskWrites"), ""),
      Object.entries(me.test.doors).sort(byNumber).map(([door, standing]) => row(standing !== "unknown", door, t(`state_${standing}`))),
      me.test.faults.filter((code) => code !== "SERVICE_MODE").map((code) => row(false, title(code), code)),
    ].flat());
}

const DRAW = { stock: drawStock, doors: drawDoors, faults: drawFaults, test: drawTest };

function drawTabs(state) {
  const tab = (name) => button(
    name === "faults" ? `${t(name)} ${faultsOf(state).length || ""}` : t(name),
    name === me.tab ? "tab on" : "tab", () => { me.tab = name; tell("", true); },
    { role: "tab", "aria-selected": String(name === me.tab) });
  return h("div", { class: "service" },
    h("nav", { role: "tablist" }, TABS.map(tab), span("grow"),
      button(t("logout"), "quiet", logout)),
    h("div", { class: `body ${me.tab}` }, DRAW[me.tab](state)),
    status());
}

/** The view; typed characters live in the field, so it is drawn again only when something changed. */
export const service = {
  key: (state) => [currentLanguage(), Boolean(app.token), state.slots, state.doors, state.faults],
  draw(state) {
    const typed = document.getElementById("scan")?.value ?? "";
    const drawn = app.token ? drawTabs(state) : drawLogin();
    queueMicrotask(() => {
      const field = document.getElementById("scan");
      if (!field) return;
      field.value = typed;
      field.focus({ preventScroll: true });
    });
    return drawn;
  },
};
