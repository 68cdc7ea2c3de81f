// Controls of a view: sliders, selections, buttons, and what they are called in an address.

import { html, shown } from "./elements.js";

let controlCount = 0;

/**
 * Form of a view. A control is {name, label, kind: "range" | "select" | "button", …}: a range has min, max, step
 * (`log: true` moves along powers of ten) and `show`, a select has options [[value, text]], a button an `action(store)`.
 * `max` and `options` may depend on the state.
 */
export function controlsOf(controls, store) {
  const makers = { range: rangeControl, select: selectControl, button: buttonControl };
  const made = controls.map((control) => ({ control, ...makers[control.kind](control, store) }));
  const form = html("form", { class: "controls", "aria-label": "controls" }, ...made.map(({ element }) => element));
  form.addEventListener("submit", (event) => event.preventDefault());
  function update(state, hidden = []) {
    for (const { control, element, show } of made) {
      element.hidden = hidden.includes(control.name);
      show(state);
    }
  }
  return { form, update };
}

export const resolved = (value, state) => (typeof value === "function" ? value(state) : value);

function labelled(control, input, ...more) {
  input.id = `control-${++controlCount}`;
  input.setAttribute("data-control", control.name);
  return html("div", { class: "control" }, html("label", { for: input.id }, control.label), input, ...more);
}

function rangeControl(control, store) {
  const toSlider = control.log ? Math.log10 : (v) => v;
  const fromSlider = control.log ? (v) => Number((10 ** v).toPrecision(3)) : (v) => v;
  const input = html("input", { type: "range", step: control.step });
  const output = html("output");
  input.addEventListener("input", () => store.set({ [control.name]: fromSlider(Number(input.value)) }));
  function show(state) {
    input.min = toSlider(control.min);
    input.max = toSlider(resolved(control.max, state));
    input.value = toSlider(state[control.name]);
    output.textContent = control.show ? control.show(state[control.name], state) : shown(state[control.name]);
    input.setAttribute("aria-valuetext", output.textContent);
  }
  const element = labelled(control, input, output);
  output.htmlFor = input.id;
  return { element, show };
}

function selectControl(control, store) {
  const select = html("select");
  select.addEventListener("change", () => {
    const [value] = resolved(control.options, store.get()).find(([v]) => String(v) === select.value);
    store.set({ [control.name]: value });
  });
  function show(state) {
    const options = resolved(control.options, state);
    const texts = options.map(([, text]) => text).join("\n");
    if (select.dataset.texts !== texts) {
      select.replaceChildren(...options.map(([value, text]) => html("option", { value }, text)));
      select.dataset.texts = texts;
    }
    const value = control.chosen ? control.chosen(state) : state[control.name];
    select.value = String(value);
  }
  return { element: labelled(control, select), show };
}

function buttonControl(control, store) {
  const button = html("button", { type: "button", "data-control": control.name }, "");
  button.addEventListener("click", () => control.action(store));
  return {
    element: html("div", { class: "control" }, button),
    show: (state) => (button.textContent = resolved(control.label, state)),
  };
}

/** Value of a control as an address has it; undefined where the control has no such value. */
export function parsed(control, text, state) {
  if (control.parse) return control.parse(text, state);
  if (control.kind === "button") return undefined;
  if (control.kind === "select") return resolved(control.options, state).find(([v]) => String(v) === text)?.[0];
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) return undefined;
  const bounded = Math.min(Math.max(number, control.min), resolved(control.max, state));
  return control.log ? bounded : control.min + Math.round((bounded - control.min) / control.step) * control.step;
}
