// What all views share: elements, controls, charts. A view is told its state and draws it; it keeps none of its own.

import { largest } from "./core.js";

// ---------------------------------------------------------------------------------------------- elements

const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

export const html = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

/** Number as people read it: so many significant digits, a real minus sign, ten to a power where it is tiny. */
export function shown(value, digits = 3) {
  if (value === undefined || Number.isNaN(value)) return "not defined";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa, power] = value.toExponential(1).split("e");
    return `${mantissa.replace("-", "−")} · ${tenTo(Number(power))}`;
  }
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return value.toFixed(decimals).replace("-", "−");
}

/** Power of ten with the exponent above the line. */
export const tenTo = (power) =>
  `10${String(power)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])}`;

export const fixed = (value, decimals) =>
  Number.isFinite(value) ? value.toFixed(decimals).replace("-", "−") : "not defined";

// ------------------------------------------------------------------------------------------------- state

/** Values that change together, and who wants to know. Nobody is told where nothing changed. */
export function createStore(initial) {
  let state = { ...initial };
  const listeners = [];
  return {
    get: () => state,
    set(changes) {
      const before = state;
      state = { ...state, ...changes };
      const changed = Object.keys(changes).filter((k) => JSON.stringify(before[k]) !== JSON.stringify(state[k]));
      if (changed.length) listeners.forEach((listener) => listener(state, changed));
    },
    subscribe: (listener) => listeners.push(listener),
  };
}

/** Function that runs another one once, with the next picture, however often it is called until then. */
export function oncePerFrame(run) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      run();
    });
  };
}

/** Function that runs another one when it has not been called for a while. */
export function whenSettled(run, milliseconds) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds);
  };
}

export const lessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// ---------------------------------------------------------------------------------------------- controls

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

// ------------------------------------------------------------------------------------------------ charts

export const COLOURS = {
  blue: "#0173b2",
  orange: "#b35900",
  green: "#02785a",
  red: "#c0392b",
  grey: "#5f6b76",
  light: "#c9d3dc",
};
const MARGIN = { left: 52, right: 10, top: 10, bottom: 38 };

/** Round numbers that divide a range in about so many parts. */
export function ticks([low, high], about = 6) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first;
  return Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const tickText = (v) => String(v).replace("-", "−");

/** Range that holds all values, and a little more on both sides. */
export function rangeOf(values, share = 0.06) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = finite.length ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
  const more = (high - low || Math.abs(high) || 1) * share;
  return [low - more, high + more];
}

export const symmetric = (...lists) => {
  const most = Math.max(...lists.map(largest)) * 1.1 || 1;
  return [-most, most];
};

/**
 * Chart with axes: {width, height, x, y, describe, marks}. An axis is {range, label, ticks?, format?}; `marks(sx, sy)`
 * gives the elements, in the units of the data. `describe` is what a reader hears who does not see the chart.
 */
export function chart({ width, height = 250, x, y, describe, marks }) {
  const inner = { right: width - MARGIN.right, bottom: height - MARGIN.bottom };
  const sx = (v) => MARGIN.left + ((v - x.range[0]) / (x.range[1] - x.range[0])) * (inner.right - MARGIN.left);
  const sy = (v) => inner.bottom - ((v - y.range[0]) / (y.range[1] - y.range[0])) * (inner.bottom - MARGIN.top);
  const frame = { viewBox: `0 0 ${width} ${height}`, class: "chart" };
  const role = describe === undefined ? {} : { role: "img", "aria-label": describe };
  return svg("svg", { ...frame, ...role }, xAxis(x, sx, inner), yAxis(y, sy, inner), marks(sx, sy));
}

function xAxis(axis, sx, { right, bottom }) {
  const [format, at] = [axis.format ?? tickText, axis.ticks ?? ticks(axis.range)];
  const labels = at.map((v) => [
    svg("line", { x1: sx(v), x2: sx(v), y1: bottom, y2: bottom + 4, class: "axis" }),
    svg("text", { x: sx(v), y: bottom + 16, "text-anchor": "middle" }, format(v)),
  ]);
  const line = svg("line", { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, class: "axis" });
  const label = svg("text", { x: (MARGIN.left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, axis.label);
  return svg("g", { "aria-hidden": "true" }, line, labels, label);
}

function yAxis(axis, sy, { right, bottom }) {
  const [format, at] = [axis.format ?? tickText, axis.ticks ?? ticks(axis.range)];
  const labels = at.map((v) => [
    svg("line", { x1: MARGIN.left, x2: right, y1: sy(v), y2: sy(v), class: "grid" }),
    svg("text", { x: MARGIN.left - 5, y: sy(v) + 4, "text-anchor": "end" }, format(v)),
  ]);
  const middle = (MARGIN.top + bottom) / 2;
  const turned = { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` };
  return svg("g", { "aria-hidden": "true" }, labels, svg("text", turned, axis.label));
}

export function polyline(points, attributes) {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  return svg("polyline", {
    points: finite.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" "),
    fill: "none",
    ...attributes,
  });
}

/** Marks that are told apart by their form, not by colour alone. */
const FORMS = {
  circle: (r) => `m${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  square: (r) => `m${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  cross: (r) => `m${-r},${-r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`,
};

/** One path for many marks of a form: fast however many there are. */
export function markers(points, form, radius, attributes) {
  const d = points
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
    .map(([x, y]) => `M${x.toFixed(2)},${y.toFixed(2)}${FORMS[form](radius)}`);
  return svg("path", { d: d.join(""), ...attributes });
}

export function verticalLine(sx, sy, at, [low, high], attributes) {
  return svg("line", { x1: sx(at), x2: sx(at), y1: sy(low), y2: sy(high), ...attributes });
}

/** Bars of a histogram between edges; negative counts hang down. */
export function steps(sx, sy, edges, counts, attributes) {
  return counts.map((count, i) => {
    if (count === 0) return null;
    const [left, right] = [sx(edges[i]), sx(edges[i + 1])];
    return svg("rect", {
      x: left,
      width: Math.max(right - left, 1),
      y: Math.min(sy(0), sy(count)),
      height: Math.abs(sy(0) - sy(count)),
      ...attributes,
    });
  });
}

// ----------------------------------------------------------------------------------------- what a view is made of

/**
 * Panel with a title, a picture, and a legend in words. The picture is made for the width that it has on the page, so that
 * letters keep their size on a small screen, and made again when that changes.
 */
export function panel(title, legend, wide = false) {
  const place = html("div");
  let [make, width] = [null, 0];
  const put = (made = make) => {
    make = made;
    width = place.clientWidth || width || 380;
    place.replaceChildren(make(width));
  };
  new ResizeObserver(() => make && place.clientWidth && place.clientWidth !== width && put()).observe(place);
  const words = html("figcaption", {}, legend);
  const figure = html("figure", { class: wide ? "panel wide" : "panel" }, html("h3", {}, title), place, words);
  return { figure, put, say: (text) => (words.textContent = text) };
}

/** One line of facts: pairs of a name and a value. */
export function factsLine() {
  const list = html("dl", { class: "facts" });
  const put = (facts) =>
    list.replaceChildren(...facts.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
  return { list, put };
}

/**
 * Put a view into an element. A view is {defaults(data), controls(data), build(store, data)}; `build` gives the elements
 * to show and a function that draws a state and answers with its facts, for whoever checks an exercise.
 */
export function mount(view, element, { store, data, hidden = () => [], onDrawn = () => {} }) {
  const controls = controlsOf(view.controls(data), store);
  const { elements, draw } = view.build(store, data);
  element.classList.add("explorer");
  element.replaceChildren(controls.form, ...elements);
  const redraw = () => {
    const state = store.get();
    controls.update(state, hidden());
    onDrawn(draw(state), state);
  };
  store.subscribe(oncePerFrame(redraw));
  redraw();
  return redraw;
}
