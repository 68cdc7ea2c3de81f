// Charts: axes, lines, marks and bars in the units of the data.

import { minus, svg } from "./elements.js";
import { largest } from "./matrices.js";

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
 * Chart with axes: {width, height, x, y, describe, marks}. An axis is {range, label, ticks?, format?}; `marks` is given
 * a pen, and gives the elements. `describe` is what a reader hears who does not see the chart.
 */
export function chart({ width, height = 250, x, y, describe, marks }) {
  const inner = { right: width - MARGIN.right, bottom: height - MARGIN.bottom };
  const sx = (v) => MARGIN.left + ((v - x.range[0]) / (x.range[1] - x.range[0])) * (inner.right - MARGIN.left);
  const sy = (v) => inner.bottom - ((v - y.range[0]) / (y.range[1] - y.range[0])) * (inner.bottom - MARGIN.top);
  const frame = { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": describe };
  return svg("svg", frame, xAxis(x, sx, inner), yAxis(y, sy, inner), marks(pen(sx, sy, x.range, y.range)));
}

/** Everything that is drawn in the units of the data; `placed` gives the places of points on the page. */
function pen(sx, sy, [left, right], [low, high]) {
  const placed = (points) => Array.from(points, ([x, y]) => [sx(x), sy(y)]);
  function line(from, to, attributes) {
    const [[x1, y1], [x2, y2]] = placed([from, to]);
    return svg("line", { x1, x2, y1, y2, ...attributes });
  }
  return {
    placed,
    line,
    zeroLine: () => line([left, 0], [right, 0], { class: "axis" }),
    verticalLine: (at, attributes) => (Number.isFinite(at) ? line([at, low], [at, high], attributes) : []),
    polyline: (points, attributes) => polyline(placed(points), attributes),
    markers: (points, form, radius, attributes) => markers(placed(points), form, radius, attributes),
    steps: (edges, counts, attributes) => steps(sx, sy, edges, counts, attributes),
  };
}

function xAxis(axis, sx, { right, bottom }) {
  const [format, at] = [axis.format ?? minus, axis.ticks ?? ticks(axis.range)];
  const labels = at.map((v) => [
    svg("line", { x1: sx(v), x2: sx(v), y1: bottom, y2: bottom + 4, class: "axis" }),
    svg("text", { x: sx(v), y: bottom + 16, "text-anchor": "middle" }, format(v)),
  ]);
  const line = svg("line", { x1: MARGIN.left, x2: right, y1: bottom, y2: bottom, class: "axis" });
  const label = svg("text", { x: (MARGIN.left + right) / 2, y: bottom + 33, "text-anchor": "middle" }, axis.label);
  return svg("g", { "aria-hidden": "true" }, line, labels, label);
}

function yAxis(axis, sy, { right, bottom }) {
  const [format, at] = [axis.format ?? minus, axis.ticks ?? ticks(axis.range)];
  const labels = at.map((v) => [
    svg("line", { x1: MARGIN.left, x2: right, y1: sy(v), y2: sy(v), class: "grid" }),
    svg("text", { x: MARGIN.left - 5, y: sy(v) + 4, "text-anchor": "end" }, format(v)),
  ]);
  const middle = (MARGIN.top + bottom) / 2;
  const turned = { x: 11, y: middle, "text-anchor": "middle", transform: `rotate(-90 11 ${middle})` };
  return svg("g", { "aria-hidden": "true" }, labels, svg("text", turned, axis.label));
}

/** Places as text, those that are defined. */
const placesOf = (points) =>
  points.filter((point) => point.every(Number.isFinite)).map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`);

export const polyline = (points, attributes) =>
  svg("polyline", { points: placesOf(points).join(" "), fill: "none", ...attributes });

/** Marks that are told apart by their form, not by colour alone. */
const FORMS = {
  circle: (r) => `m${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`,
  square: (r) => `m${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  cross: (r) => `m${-r},${-r}l${2 * r},${2 * r}m0,${-2 * r}l${-2 * r},${2 * r}`,
};

/** One path for many marks of a form: fast however many there are. */
export function markers(points, form, radius, attributes) {
  const d = placesOf(points).map((place) => `M${place}${FORMS[form](radius)}`);
  return svg("path", { d: d.join(""), ...attributes });
}

/** Bars of a histogram between edges; negative counts hang down. */
function steps(sx, sy, edges, counts, attributes) {
  return counts.map((count, i) => {
    if (count === 0) return [];
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
