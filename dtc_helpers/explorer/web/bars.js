// The bars of the lab: weights that are dragged, or moved by the arrow keys.

import { COLOURS, markers, polyline, symmetric, ticks } from "./charts.js";
import { minus, movedByArrows, setAttributes, shown, svg } from "./elements.js";

const BARS = { height: 260, left: 52, right: 10, top: 20, bottom: 28 };

/** Bars of the weights, each a slider: they stay the same elements, so that the focus stays where it is. */
export function weightBars(store, weightsIn) {
  const group = svg("g", { role: "group", "aria-label": "weights of the neurons" });
  const behind = svg("g", { "aria-hidden": "true" });
  const above = svg("g", { "aria-hidden": "true", "pointer-events": "none" });
  const element = svg("svg", { class: "chart bars" }, behind, group, above);
  let range = [-1, 1];
  let width = 1000; // as wide as the page shows it, so that letters and bars keep their size on a small screen

  const sx = (i, n) => BARS.left + ((i + 0.5) / n) * (width - BARS.left - BARS.right);
  const sy = (v) =>
    BARS.height - BARS.bottom - ((v - range[0]) / (range[1] - range[0])) * (BARS.height - BARS.top - BARS.bottom);
  const inside = (v) => Math.min(Math.max(v, range[0]), range[1]);

  function change(i, valueOf) {
    const weights = weightsIn(store.get()).slice();
    weights[i] = Number(inside(valueOf(weights[i])).toPrecision(4));
    store.set({ weights, order: "as_numbered" }); // what is changed by hand is numbered as it stands
  }
  const keys = (i) => ({
    ArrowUp: () => change(i, (w) => w + (range[1] - range[0]) / 40),
    ArrowDown: () => change(i, (w) => w - (range[1] - range[0]) / 40),
  });
  movedByArrows(group, keys, { preventScroll: true });
  draggable(element, (x, y) => {
    const n = weightsIn(store.get()).length;
    const i = Math.floor(((x * width - BARS.left) / (width - BARS.left - BARS.right)) * n);
    if (i < 0 || i >= n) return;
    const share = (BARS.height - BARS.bottom - y * BARS.height) / (BARS.height - BARS.top - BARS.bottom);
    change(i, () => range[0] + share * (range[1] - range[0]));
  });

  function show(pageWidth, weights, { recovered, cut }) {
    width = pageWidth;
    element.setAttribute("viewBox", `0 0 ${width} ${BARS.height}`);
    if (!element.dragging) range = symmetric(weights);
    const n = weights.length;
    const barWidth = Math.max(2, ((width - BARS.left - BARS.right) / n) * 0.72);
    if (group.children.length !== n) {
      group.replaceChildren(...weights.map((_, i) => svg("rect", { role: "slider", tabindex: i === 0 ? 0 : -1 })));
    }
    weights.forEach((w, i) =>
      placeBar(group.children[i], { i, w, width: barWidth, x: sx(i, n), sy, range, cut: cut.includes(i) }),
    );
    behind.replaceChildren(...gridLines(range, sy, width));
    const points = Array.from(recovered, (v, i) => [sx(i, n), sy(inside(v))]);
    const crosses = cut.map((i) => [sx(i, n), BARS.top - 9]);
    above.replaceChildren(
      polyline(points, { stroke: COLOURS.orange, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" }),
      markers(points, "circle", 3, { fill: COLOURS.orange }),
      markers(crosses, "cross", 5, { stroke: COLOURS.red, "stroke-width": 2.5, fill: "none" }),
    );
    return element;
  }
  return show;
}

function placeBar(bar, { i, w, width, x, sy, range, cut }) {
  setAttributes(bar, {
    x: x - width / 2,
    width,
    y: Math.min(sy(w), sy(0)),
    height: Math.max(Math.abs(sy(w) - sy(0)), 1),
    class: cut ? "bar cut" : "bar",
    "aria-label": `neuron ${i}${cut ? ", cut" : ""}`,
    "aria-valuemin": range[0].toFixed(4),
    "aria-valuemax": range[1].toFixed(4),
    "aria-valuenow": w,
    "aria-valuetext": `${shown(w)}${cut ? ", cut" : ""}`,
  });
}

function gridLines(range, sy, width) {
  const lines = ticks(range).flatMap((v) => [
    svg("line", { x1: BARS.left, x2: width - BARS.right, y1: sy(v), y2: sy(v), class: v === 0 ? "axis" : "grid" }),
    svg("text", { x: BARS.left - 5, y: sy(v) + 4, "text-anchor": "end" }, minus(v)),
  ]);
  return [
    ...lines,
    svg("text", { x: width / 2, y: BARS.height - 6, "text-anchor": "middle" }, "neurons, in their order"),
  ];
}

/** Call with the place of the pointer, as shares of width and height, while it is down. */
function draggable(element, move) {
  const at = (event) => {
    const box = element.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  element.addEventListener("pointerdown", (event) => {
    element.dragging = true;
    element.setPointerCapture(event.pointerId);
    at(event);
  });
  element.addEventListener("pointermove", (event) => element.dragging && at(event));
  for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (element.dragging = false));
}
