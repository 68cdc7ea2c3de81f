// Controls of a view: sliders, selections, buttons, and what they are called in an address.
//
// A control is {name, make, parse}: `make(store)` gives its element, and a function that shows a state in it; `parse`
// gives the value that an address has, or undefined where the control has no such value.

import { html, shown } from "./elements.js";

let controlCount = 0;

/** Form of the controls of a view, and a function that shows a state in it, without the controls that are hidden. */
export function controlsOf(controls, store) {
  const made = controls.map(({ name, make }) => ({ name, ...make(store) }));
  const form = html("form", { class: "controls", "aria-label": "controls" }, ...made.map(({ element }) => element));
  form.addEventListener("submit", (event) => event.preventDefault());
  function update(state, hidden) {
    for (const { name, element, show } of made) {
      element.hidden = hidden.includes(name);
      show(state);
    }
  }
  return { form, update };
}

const resolved = (value, state) => (typeof value === "function" ? value(state) : value);

function labelled(name, label, input, ...more) {
  input.id = `control-${++controlCount}`;
  input.setAttribute("data-control", name);
  return html("div", { class: "control" }, html("label", { for: input.id }, label), input, ...more);
}

/** Slider over whole numbers, or along powers of ten (`log`); `max` may depend on the state. */
export function range(name, label, { min = 1, max, log = false, show = shown }) {
  const toSlider = log ? Math.log10 : (v) => v;
  const fromSlider = log ? (v) => Number((10 ** v).toPrecision(3)) : (v) => v;
  function make(store) {
    const input = html("input", { type: "range", step: log ? 0.01 : 1 });
    const output = html("output");
    const element = labelled(name, label, input, output);
    output.htmlFor = input.id;
    input.addEventListener("input", () => store.set({ [name]: fromSlider(Number(input.value)) }));
    function showState(state) {
      input.min = toSlider(min);
      input.max = toSlider(resolved(max, state));
      input.value = toSlider(state[name]);
      output.textContent = show(state[name], state);
      input.setAttribute("aria-valuetext", output.textContent);
    }
    return { element, show: showState };
  }
  function parse(text, state) {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) return undefined;
    const bounded = Math.min(Math.max(number, min), resolved(max, state));
    return log ? bounded : Math.round(bounded);
  }
  return { name, make, parse };
}

/** Selection among options [[value, text]], which may depend on the state. */
export function select(name, label, options, { chosen = (state) => state[name], ...own } = {}) {
  const parse = (text, state) => resolved(options, state).find(([value]) => String(value) === text)?.[0];
  function make(store) {
    const element = html("select");
    element.addEventListener("change", () => store.set({ [name]: parse(element.value, store.get()) }));
    let written = null;
    function show(state) {
      const now = resolved(options, state);
      const texts = now.map(([, text]) => text).join("\n");
      if (texts !== written) element.replaceChildren(...now.map(([value, text]) => html("option", { value }, text)));
      written = texts;
      element.value = String(chosen(state));
    }
    return { element: labelled(name, label, element), show };
  }
  return { name, make, parse, ...own };
}

/** Options that are called what they are. */
export const named = (things) => Object.keys(things).map((name) => [name, name]);

/** Button; its label may depend on the state. */
export function button(name, label, action, parse = () => undefined) {
  function make(store) {
    const element = html("button", { type: "button", "data-control": name });
    element.addEventListener("click", () => action(store));
    return {
      element: html("div", { class: "control" }, element),
      show: (state) => (element.textContent = resolved(label, state)),
    };
  }
  return { name, make, parse };
}
