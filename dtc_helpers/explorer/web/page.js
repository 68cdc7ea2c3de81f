// The page: one view at a time, its state in the address, exercises that are ticked when they are done.

import { html } from "./elements.js";
import { game } from "./game.js";
import { lab } from "./lab.js";
import { proposition } from "./proposition.js";
import { replay } from "./replay.js";
import { createStore, lessMotion, whenSettled } from "./store.js";
import { referee } from "./training.js";
import { mount } from "./views.js";

const VIEWS = { lab, proposition, replay, game };
const REFEREES = { game: referee }; // who answers a view whose answers take time

/** Exercises by the names that page.html gives them: are they done? They are checked by computing, not by an answer. */
const EXERCISES = {
  "three-nonzeros": (found) => found.code.filter((s) => s !== 0).length === 3,
  "nothing-left": (found) => found.code.every((s) => s === 0),
  "small-error": (found, state) => state.order !== "sorted" && found.error < 0.2,
  sorted: (found, state) => state.order === "sorted" && found.shared >= 0.5,
  "null-wins": (found, state) => state.null_model === "exact" && found.found.some((r) => r >= found.tested),
  "no-length": (found, state) => state.measure === "normalised",
  "as-magnitude": ({ history: { you = [], magnitude } }) =>
    you.length >= 3 && you.every((accuracy, i) => accuracy === magnitude[i]),
  "beat-ten": ({ history: { you = [], random } }) => you.some((accuracy, i) => accuracy > Math.max(...random[i])),
  "in-the-band": ({ history: { you = [], random }, n_cut }) =>
    you.length > 0 && n_cut === 0 && you.every((accuracy, i) => accuracy >= Math.min(...random[i])),
  "one-number": (moments, state) => moments.left.measurement.length === 1 && state.cycle > 1,
};

/** Data of all views, which page.py deflates. */
function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

function started(name, data) {
  const view = VIEWS[name];
  const section = document.getElementById(name);
  const controls = Object.fromEntries(view.controls(data).map((control) => [control.name, control]));
  const store = createStore(view.defaults(data));
  const redraw = mount(view, section.querySelector(".view"), {
    store,
    data,
    hidden: () => hidden,
    onDrawn: (found, state) => tick(section, found, state),
  });
  const open = REFEREES[name]?.(store, data) ?? (() => {});
  return { name, section, store, defaults: view.defaults(data), controls, redraw, open };
}

function tick(section, found, state) {
  section.dataset.state = JSON.stringify(state);
  section.dataset.found = JSON.stringify(found, (key, value) =>
    key === "path" ? undefined : ArrayBuffer.isView(value) ? Array.from(value) : value,
  );
  for (const item of section.querySelectorAll("[data-exercise]")) {
    if (!item.classList.contains("done") && EXERCISES[item.dataset.exercise](found, state)) {
      item.classList.add("done");
      item.append(html("span", { class: "tick" }, " ✓ done"));
    }
  }
}

// ------------------------------------------------------------------------------------------------ address

let hidden = [];

function addressOf({ name, store, defaults, controls }) {
  const address = new URLSearchParams({ view: name });
  for (const key of Object.keys(controls)) {
    const value = store.get()[key];
    if (value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[key])) address.set(key, String(value));
  }
  if (hidden.length) address.set("hide", hidden.join(","));
  return `#${address}`;
}

/**
 * State that an address asks for; what it does not name, or names wrongly, is as at the start. What is no control, a
 * game, stands in no address, and goes on as it was.
 */
function stateOf({ defaults, controls }, address) {
  const named = Object.entries(defaults).filter(([key]) => key in controls);
  const state = { ...Object.fromEntries(named), playing: false };
  for (const [key, control] of Object.entries(controls)) {
    const value = address.has(key) ? control.parse(address.get(key), state) : undefined;
    if (value !== undefined) state[key] = value;
  }
  return state;
}

function begin(data) {
  const views = {}; // each is started when it is first looked at
  let current = null;
  const write = whenSettled(() => history.replaceState(null, "", addressOf(current)), 150);

  function start(name) {
    const view = started(name, data[name]);
    view.store.subscribe((_, changed) => view === current && changed.some((key) => key in view.controls) && write());
    const reset = html("button", { type: "button", class: "reset" }, "reset this view");
    reset.addEventListener("click", () => {
      view.store.set(view.defaults);
      view.open();
    });
    view.section.querySelector(".view").append(reset);
    return view;
  }

  function go() {
    const address = new URLSearchParams(location.hash.slice(1));
    hidden = (address.get("hide") ?? "").split(",").filter(Boolean);
    const wanted = Object.hasOwn(VIEWS, address.get("view")) ? address.get("view") : "lab";
    document.body.classList.toggle("no-navigation", hidden.includes("navigation"));
    for (const name of Object.keys(VIEWS)) {
      document.getElementById(name).hidden = name !== wanted;
      document.querySelector(`nav a[href="#view=${name}"]`).toggleAttribute("aria-current", name === wanted);
    }
    current = views[wanted] ??= start(wanted);
    current.store.set(stateOf(current, address));
    current.redraw();
    current.open();
  }
  addEventListener("hashchange", go);
  go();
  document.documentElement.dataset.ready = lessMotion() ? "less motion" : "motion";
}

if (typeof DecompressionStream === "undefined") document.getElementById("too-old").hidden = false;
else inflated(document.getElementById("data").textContent).then(begin);
