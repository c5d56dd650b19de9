// The state of the cabinet, how it is asked for, and which view is drawn from it.
//
// One poll at a time, every two seconds; slower while nobody answers. A view is drawn again only
// when its own key changed, so that nothing moves under a finger.

const POLL_MS = 2000;
const POLL_MS_MAX = 15000;
const ANSWER_MS_MAX = 5000;
const LOST_AFTER = 2; // polls; one may fall into a restart of the agent

/** Put these in the place of everything inside an element. */
export function fill(element, ...children) {
  element.textContent = "";
  element.append(...children.flat(2).filter((child) => child || child === 0));
}

export const app = { state: null, token: "", busy: false };

let failures = 0;
let stale = false;
let view = null;
let drawnKey = null;
const listeners = [];

/** Ask the agent; an answer of any status comes back, silence as status 0. */
export async function ask(method, path, body, milliseconds = ANSWER_MS_MAX) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), milliseconds);
  const headers = { "Content-Type": "application/json" };
  if (app.token) headers.Authorization = `Bearer ${app.token}`;
  try {
    const answer = await fetch(path, {
      method, headers, signal: stop.signal, cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, ok: answer.ok, body: await answer.json() };
  } catch {
    return { status: 0, ok: false, body: { type: "gone" } };
  } finally {
    clearTimeout(timer);
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export const isLost = () => failures >= LOST_AFTER;

/** Be called after every poll. */
export const onState = (listener) => listeners.push(listener);

/** Show a view: `{key(state), draw(state)}`. */
export function show(next) {
  view = next;
  drawnKey = null;
  redraw();
}

export const shown = () => view;

/** Draw the view when its key changed, or `always`. */
export function redraw(always = false) {
  if (!view || !app.state) return;
  const key = JSON.stringify(view.key(app.state));
  if (!always && key === drawnKey) return;
  drawnKey = key;
  const root = document.getElementById("view");
  const top = root.querySelector(".scroll")?.scrollTop ?? 0;
  fill(root, view.draw(app.state));
  const scroller = root.querySelector(".scroll");
  if (scroller) scroller.scrollTop = top;
}

/** Look at the state now, and not only with the next poll. */
export async function look() {
  const answer = await ask("GET", "/v1/state");
  failures = answer.ok ? 0 : failures + 1;
  if (answer.ok) {
    // A new life of the agent may have brought a new page.
    stale = stale || (app.state !== null && app.state.boot !== answer.body.boot);
    app.state = answer.body;
    if (stale && !app.busy && !app.token) location.reload();
  }
  listeners.forEach((listener) => listener());
  redraw();
}

export async function pollForEver() {
  for (;;) {
    await look().catch(console.error); // a defect in drawing must not end the poll
    await pause(Math.min(POLL_MS * 1.6 ** failures, POLL_MS_MAX));
  }
}
