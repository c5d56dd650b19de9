// The shop side: what may be bought, notices before payment, and one purchase at a time.
//
// A purchase is remembered until its end, so that a reload or a restart of the agent finds it
// again. Orders are asked again under the same reference, which the agent carries out once.

import { app, ask, look, pause, redraw, show } from "./app.js";
import { currentLanguage, money, problemText, say, t } from "./texts.js";
import { button, closeSheet, fakeQr, h, icon, plain, sheet, span, spinner } from "./widgets.js";

const KEPT = "purchase";
const RESUME_MS_MAX = 300000; // an older order may never have reached the agent: not now any more
const RETRY_MS = 2000;
const RETRY_MS_MAX = 180000; // the agent is back from a restart long before
const VEND_ANSWER_MS = 60000; // the agent answers within 45 s
const PAY_POLL_MS = 1000;
const RESULT_MS = 20000;
const NOTICE_MS = 60000;
const FINAL = ["settled", "nothing_taken", "failed", "unknown", "refused", "dispensed"];

const NOT_ANSWERED = () => ({ outcome: "unknown", words: t("notAnswered") });
const refusal = (body) => ({ outcome: "refused", words: problemText(body) });

let buying = null; // {reference, slot, stage, since, payment, answer}
let ended = ""; // reference of the last purchase
let timer = 0;

const after = (milliseconds, act) => { clearTimeout(timer); timer = setTimeout(act, milliseconds); };
const slotOf = (state, name) => state.slots.find((slot) => slot.slot === name);
const named = (slot) => say(slot.name) || slot.slot;

function reference() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `screen-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function keep(changes) {
  buying = { ...buying, ...changes };
  const { reference: kept, slot, stage, since } = buying;
  localStorage.setItem(KEPT, JSON.stringify({ reference: kept, slot, stage, since }));
  app.busy = true;
  redraw(true);
}

function end() {
  clearTimeout(timer);
  localStorage.removeItem(KEPT);
  buying = null;
  app.busy = false;
  closeSheet();
  redraw(true);
}

// ---- what is on sale

const badge = (kind) => span(`badge ${kind}`, t(kind));
const kinds = (notices) => [...new Set(notices.map((told) => told.kind))];

const noticeLines = (notices) =>
  notices.map((told) => h("p", { class: `notice ${told.kind}` }, icon("alert"), say(told.text)));

function slotCard(state, slot) {
  const empty = slot.detail === "sold_out";
  const recalled = slot.reason === "recall";
  const look = slot.sellable ? "" : empty ? "empty" : recalled ? "blocked recalled" : "blocked";
  const word = recalled ? t("recalled") : t("stopped");
  return plain({ class: `card ${look}`, "data-slot": slot.slot, disabled: empty, onclick: () => openSlot(slot.slot) },
    span("row", span("place", slot.slot), span("badges",
      slot.sellable ? kinds(slot.notices).map(badge) : slot.reason === "fault" ? null : span("badge bad", word))),
    span("name", named(slot)),
    slot.sellable || empty ? null : span("why", say(slot.text)),
    span("row low", span("price", money(slot.price_minor, state.currency)),
      span("muted", empty ? t("soldOut") : slot.sellable ? t("left", slot.units) : "")));
}

const planned = (state) => state.slots.filter((slot) => slot.detail !== "not_planned");

function foot(state) {
  const door = state.mode === "open_door";
  const words = state.payment === "fake" ? t("simulation") : t(door ? "payAtTerminalDoor" : "payAtTerminal");
  return h("footer", { class: state.payment === "fake" ? "foot fake" : "foot" }, words);
}

function drawSlots(state) {
  const slots = planned(state);
  const grid = slots.length
    ? h("div", { class: "grid" }, slots.map((slot) => slotCard(state, slot)))
    : h("p", { class: "nothing" }, t("nothingPlanned"));
  return [h("div", { class: "scroll" }, grid), foot(state)];
}

function insideRow(state, slot) {
  const told = state.open_door.notices.filter((one) => one.slot === slot.slot);
  const blocked = slot.reason && slot.reason !== "fault";
  return h("li", { class: blocked ? "item blocked" : "item", "data-slot": slot.slot },
    span("name", named(slot), kinds(told).map(badge)),
    span("price", money(slot.price_minor, state.currency)),
    noticeLines(told),
    blocked ? h("p", { class: "notice recall_warning" }, icon("alert"), say(slot.text)) : null);
}

/** Reasons of a slot are no words for a door; those that a buyer can do something about are. */
const whyShut = (door) =>
  door.reason !== "fault" || ["busy", "door_open", "sold_out"].includes(door.detail) ? say(door.text) : t("notNow");

function drawDoor(state) {
  const door = state.open_door;
  const full = planned(state).filter((slot) => slot.units > 0);
  const steps = t("doorSteps").split("/");
  const mayOpen = door.sellable && state.payment === "fake";
  return [
    h("div", { class: "doorway" },
      h("section", { class: "inside scroll" },
        h("h2", {}, t("inside")), h("ul", {}, full.map((slot) => insideRow(state, slot)))),
      h("section", { class: "gate" },
        h("ol", {}, steps.map((step) => h("li", {}, step))),
        door.sellable ? null : h("p", { class: "notice bad", role: "status" }, icon("alert"), whyShut(door)),
        state.payment === "fake"
          ? plain({ class: "button primary huge", disabled: !mayOpen, onclick: askDoor }, icon("door"), t("openTheDoor"))
          : h("p", { class: "terminal" }, t("payAtTerminalDoor")))),
    foot(state),
  ];
}

// ---- before payment

function openSlot(name) {
  closeLater(sheet(() => slotSheet(slotOf(app.state, name))));
}

/** A sheet that nobody touches must not keep the shop from the next buyer. */
const closeLater = (panel) => after(NOTICE_MS, () => panel.isConnected && closeSheet());

function slotSheet(slot) {
  const parts = [h("h2", {}, named(slot)), h("p", { class: "muted" }, t("slot", slot.slot))];
  const expiry = slot.lots[0]?.expiry;
  if (!slot.sellable) {
    parts.push(h("p", { class: "notice bad" }, icon("alert"), say(slot.text)));
    if (slot.detail && slot.reason === "recall") parts.push(h("p", { class: "muted" }, t("reference", slot.detail)));
    parts.push(h("div", { class: "actions" }, button(t("back"), "quiet", closeSheet)));
  } else {
    parts.push(h("p", { class: "sum" }, money(slot.price_minor, app.state.currency)));
    if (expiry) parts.push(h("p", { class: "muted" }, t("bestBefore", expiry)));
    parts.push(...beforePayment(slot.notices, () => startPayment(slot.slot)));
  }
  return parts;
}

function askDoor() {
  const notices = app.state.open_door.notices;
  if (!notices.length) return startPayment("");
  const told = notices.map((one) => ({ ...one, text: namedText(one) }));
  const draw = () => [h("h2", {}, t("openTheDoor")), ...beforePayment(told, () => startPayment(""))];
  closeLater(sheet(draw));
}

function namedText(told) {
  const { zh, en } = slotOf(app.state, told.slot).name;
  return { zh: `${zh}：${told.text.zh}`, en: `${en}: ${told.text.en}` };
}

function beforePayment(notices, go) {
  const buy = app.state.payment === "fake";
  return [
    notices.length ? h("h3", {}, t("noticeTitle")) : null,
    h("div", { class: "notices" }, noticeLines(notices)),
    buy ? null : h("p", { class: "terminal" }, t("payAtTerminal")),
    h("div", { class: "actions" },
      button(t("back"), "quiet", closeSheet),
      buy ? button(t(notices.length ? "continueToPay" : "pay"), "primary", go) : null),
  ];
}

// ---- payment

async function startPayment(slot) {
  clearTimeout(timer);
  closeSheet();
  buying = { reference: reference(), slot, since: Date.now() };
  keep({ stage: "paying", payment: null });
  const asked = slot ? { payment_reference: buying.reference, slot } : { payment_reference: buying.reference };
  const answer = await ask("POST", "/v1/payments", asked);
  if (!answer.ok) return finish(refusal(answer.body));
  keep({ payment: answer.body });
  await followPayment(buying.reference);
}

async function followPayment(kept) {
  while (buying?.reference === kept && buying.stage === "paying") {
    const answer = await ask("GET", `/v1/payments?payment_reference=${kept}`);
    if (buying?.reference !== kept || buying.stage !== "paying") return;
    if (answer.body.state === "paid") return buying.slot ? startVend() : startSession();
    if (answer.body.state === "expired" || answer.status === 404) return end();
    if (answer.ok) {
      buying.payment = { ...answer.body, notices: buying.payment?.notices ?? [] };
      redraw();
      const left = document.getElementById("left");
      if (left) left.textContent = t("secondsLeft", Math.ceil(answer.body.seconds_left));
    }
    await pause(PAY_POLL_MS);
  }
}

async function confirmFake() {
  const answer = await ask("POST", "/v1/payments/confirm", { payment_reference: buying.reference });
  if (!answer.ok && answer.status) finish(refusal(answer.body));
}

function drawPaying(state) {
  const payment = buying.payment;
  if (!payment) return stage(spinner(), t("scanToPay"));
  const slot = buying.slot && slotOf(state, buying.slot);
  return h("div", { class: "pay" },
    h("section", {},
      fakeQr(payment.link),
      h("p", { class: "link" }, payment.link)),
    h("section", {},
      h("p", { class: "badge fake big" }, `模拟支付 / simulated payment`),
      h("h2", {}, t("scanToPay")),
      slot ? h("p", {}, `${named(slot)} · ${t("slot", slot.slot)}`) : null,
      payment.charged_later
        ? h("p", {}, t("approve"))
        : h("p", { class: "sum" }, money(payment.amount_minor, payment.currency)),
      h("div", { class: "notices" }, noticeLines(payment.notices)),
      h("p", { class: "muted", id: "left" }, t("secondsLeft", Math.ceil(payment.seconds_left))),
      h("div", { class: "actions" },
        button(t("cancel"), "quiet", end),
        button(t(payment.charged_later ? "fakeApprove" : "fakePay"), "primary", confirmFake))));
}

// ---- one unit of a slot

async function startVend() {
  keep({ stage: "vending" });
  const order = { payment_reference: buying.reference, slot: buying.slot };
  const answer = await insist(() => ask("POST", "/v1/vends", order, VEND_ANSWER_MS));
  if (!answer) return;
  await look(); // the door as it stands now
  finish(answer.ok ? answer.body : refusal(answer.body));
}

/** Ask until there is an answer; silence, "busy" and "no answer" are none. Null: given up. */
async function insist(send) {
  const ends = Date.now() + RETRY_MS_MAX;
  const kept = buying.reference;
  while (Date.now() < ends) {
    const answer = await send();
    if (buying?.reference !== kept) return null;
    if (![0, 503, 504].includes(answer.status)) return answer;
    await pause(RETRY_MS);
  }
  finish(NOT_ANSWERED());
  return null;
}

const stage = (mark, title, ...more) => h("div", { class: "stage", role: "status" }, mark, h("h2", {}, title), more);

const drawVending = () => stage(spinner(), t("vending"), h("p", { class: "place huge" }, buying.slot));

// ---- the one door

async function startSession() {
  keep({ stage: "session" });
  const order = { payment_reference: buying.reference };
  const answer = await insist(() => ask("POST", "/v1/sessions", order));
  if (!answer) return;
  if (!answer.ok) return finish(refusal(answer.body));
  await followSession(answer.body);
}

async function followSession(first) {
  const kept = buying.reference;
  let answer = first;
  while (!FINAL.includes(answer.outcome)) {
    if (buying.answer?.outcome !== answer.outcome) keep({ stage: "session", answer });
    await pause(PAY_POLL_MS);
    const next = await insist(() => ask("GET", `/v1/sessions?payment_reference=${kept}`));
    if (!next) return;
    if (!next.ok) return finish(NOT_ANSWERED());
    answer = next.body;
  }
  finish(answer);
}

function drawSession() {
  const answer = buying.answer;
  const word = { opened: "doorOpen", closed: "settling" }[answer?.outcome] ?? "opening";
  const mark = word === "doorOpen" ? span("mark open", icon("door")) : spinner();
  return stage(mark, t(word), h("p", {}, say(answer?.text)));
}

// ---- how it ended

function finish(answer) {
  if (!buying) return;
  ended = buying.reference;
  keep({ stage: "ended", answer });
  closeSheet();
  localStorage.removeItem(KEPT);
  const waitForDoor = () => {
    const door = answer.outcome === "dispensed" && slotOf(app.state, buying?.slot)?.door_state;
    if (door === "open") after(RESULT_MS, waitForDoor);
    else end();
  };
  after(RESULT_MS, waitForDoor);
}

function endWords(answer) {
  return answer.provisional ? ["alert", "unknown", "warn"] : {
    dispensed: ["check", "success", "good"],
    settled: ["check", "settled", "good"],
    nothing_taken: ["check", "nothingTaken", "good"],
    failed: ["cross", "failed", "bad"],
    refused: ["cross", "refused", "bad"],
  }[answer.outcome] ?? ["alert", "unknown", "warn"];
}

function drawEnd(state) {
  const answer = buying.answer;
  const [mark, word, colour] = endWords(answer);
  const slot = slotOf(state, buying.slot);
  return stage(span(`mark ${colour}`, icon(mark)), t(word),
    h("p", { "data-outcome": answer.outcome }, answer.words ?? say(answer.text)),
    answer.outcome === "dispensed" ? doorWords(slot) : null,
    answer.lines?.length ? bill(state, answer) : null,
    answer.outcome === "unknown" || answer.provisional
      ? h("p", { class: "muted" }, t("reference", buying.reference)) : null,
    h("div", { class: "actions" }, button(t("done"), "primary", end)));
}

function doorWords(slot) {
  if (!(slot.door in app.state.doors)) return null; // a motor hands it out
  if (slot.door_state === "open") buying.opened = true;
  const shut = buying.opened && slot.door_state === "closed";
  return h("p", { class: "place big" }, t(shut ? "doorClosed" : "takeFrom", slot.slot));
}

function bill(state, answer) {
  const row = (line) => h("tr", {},
    h("td", {}, named(slotOf(state, line.slot))), h("td", {}, `× ${line.quantity}`),
    h("td", {}, money(line.price_minor * line.quantity, state.currency)));
  return h("table", { class: "bill" },
    h("tbody", {}, answer.lines.map(row)),
    h("tfoot", {}, h("tr", {}, h("th", { colspan: 2 }, t("total")),
      h("th", {}, money(answer.total_minor, state.currency)))));
}

// ---- the view

const STAGES = { paying: drawPaying, vending: drawVending, session: drawSession, ended: drawEnd };

/** Everything that the drawing depends on, and no more. */
function key(state) {
  const door = buying && slotOf(state, buying.slot)?.door_state;
  return [currentLanguage(), state.payment, state.currency, state.mode, state.open_door,
    buying ? [buying.stage, buying.payment?.link, buying.answer, door] : state.slots];
}

export const shop = {
  key,
  draw: (state) =>
    buying ? STAGES[buying.stage](state) : state.mode === "open_door" ? drawDoor(state) : drawSlots(state),
};

/** Follow a session that the terminal began, as its buyer stands before this screen. */
export function followTerminal() {
  const begun = app.state?.open_door?.under_way;
  if (!begun || buying || app.token || begun.payment_reference === ended) return;
  buying = { reference: begun.payment_reference, slot: "", since: Date.now() };
  closeSheet();
  followSession({ outcome: begun.outcome, text: {} });
}

/** Take up what a reload or a power cut interrupted. */
export async function resume() {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
  if (!kept) return;
  buying = kept;
  if (Date.now() - kept.since > RESUME_MS_MAX) {
    return kept.stage === "paying" ? end() : finish(NOT_ANSWERED());
  }
  if (kept.stage === "vending") return startVend();
  if (kept.stage === "session") return startSession();
  keep({ payment: null });
  await followPayment(kept.reference);
}

export async function showShop() {
  show(shop);
  await look();
}
