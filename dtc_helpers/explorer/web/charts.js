// Charts: axes, lines, marks and bars in the units of the data.

import { svg } from "./elements.js";
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
