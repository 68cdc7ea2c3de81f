// Elements of a page, and numbers as people read them.

const SVG = "http://www.w3.org/2000/svg";

export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
}

function filled(node, attributes, children) {
  setAttributes(node, attributes);
  node.append(...children.flat(Infinity));
  return node;
}

export const html = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

/** Text of a number with a real minus sign. */
export const minus = (value) => String(value).replace("-", "−");

/** Number as people read it: three significant digits, a real minus sign, ten to a power where it is tiny. */
export function shown(value) {
  if (value === undefined || Number.isNaN(value)) return "not defined";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) {
    const [mantissa, power] = value.toExponential(1).split("e");
    return `${minus(mantissa)} · ${tenTo(Number(power))}`;
  }
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return minus(value.toFixed(decimals));
}

/** Power of ten with the exponent above the line. */
export const tenTo = (power) =>
  `10${String(power)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])}`;

export const fixed = (value, decimals) => (Number.isFinite(value) ? minus(value.toFixed(decimals)) : "not defined");

/**
 * One stop of the tab key for all children of an element: arrows go from one to the next, Home and End to the ends.
 * `others` gives what more keys do at the child with a number, or where they go; `focusing` are options of `focus`.
 */
export function movedByArrows(place, others, focusing) {
  const all = () => [...place.children];
  place.addEventListener("focusin", ({ target }) => all().forEach((c) => (c.tabIndex = c === target ? 0 : -1)));
  place.addEventListener("keydown", (event) => {
    const here = all().indexOf(event.target);
    const go = (number) => () => place.children[number]?.focus(focusing);
    const ends = { Home: go(0), End: go(place.children.length - 1) };
    const keys = { ArrowLeft: go(here - 1), ArrowRight: go(here + 1), ...ends, ...others(here, go) };
    if (!(event.key in keys)) return;
    event.preventDefault();
    event.stopPropagation(); // in a notebook these keys would move to the next cell
    keys[event.key]();
  });
}
