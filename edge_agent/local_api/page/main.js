// Begins: the bar on top, the poll, and which side is shown.

import { app, fill, isLost, onState, pollForEver, redraw, show, shown } from "./app.js";
import { openService, resumeService, service } from "./service.js";
import { followTerminal, resume, shop } from "./shop.js";
import { switchLanguage, t } from "./texts.js";
import { button, h, icon, redrawSheet, span, spinner } from "./widgets.js";

let barKey = "";

function conditions(state) {
  const reasons = new Set(state.slots.map((slot) => slot.reason));
  return [
    state.connected || "offline",
    state.clock === "synced" || "clock",
    state.storage_ok || "storage",
    !state.service_mode || "inService",
    !reasons.has("rules_pending") || "rulesPending",
    !state.faults.some((fault) => fault.code === "TEMP_SAFETY_HOLD") || "held",
  ].filter((word) => word !== true);
}

function drawBar(always = false) {
  const state = app.state;
  const inside = shown() === service;
  const told = state ? conditions(state) : [];
  const key = JSON.stringify([told, state?.cabinet, inside, app.busy]);
  if (key === barKey && !always) return;
  barKey = key;
  fill(document.getElementById("bar"),
    h("b", {}, t("title")), span("cabinet", state?.cabinet ?? ""),
    span("grow conditions", told.map((word) => span(`condition ${word}`, t(word)))),
    button(t("otherLanguage"), "bar", changeLanguage),
    inside ? null : button(icon("lock"), "bar", enter, { "aria-label": t("service"), disabled: app.busy }));
}

function enter() {
  openService();
  drawBar();
}

function changeLanguage() {
  switchLanguage();
  drawBar(true);
  drawSigns();
  redraw(true);
  redrawSheet();
}

/** What lies over everything: no contact with the agent, and "here I am". */
function drawSigns() {
  const lost = document.getElementById("lost");
  lost.hidden = Boolean(app.state) && !isLost();
  fill(lost, spinner(), h("p", {}, t("lost")));
  const identify = document.getElementById("identify");
  identify.hidden = !app.state?.identify;
  identify.textContent = app.state?.cabinet ?? "";
}

let begun = false;
onState(() => {
  drawSigns();
  drawBar();
  if (!app.state) return;
  if (!begun) {
    begun = true;
    if (!resumeService()) {
      show(shop);
      resume();
    }
  }
  followTerminal();
});
drawSigns();
drawBar(true);
pollForEver();
