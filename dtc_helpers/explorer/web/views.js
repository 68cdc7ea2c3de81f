// What a view is made of, and how it is put on a page.

import { controlsOf } from "./controls.js";
import { html } from "./elements.js";
import { oncePerFrame } from "./store.js";

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
    const picture = make(width);
    if (picture !== place.firstChild) place.replaceChildren(picture); // what stays keeps its focus
  };
  new ResizeObserver(() => make && place.clientWidth && place.clientWidth !== width && put()).observe(place);
  const words = html("figcaption", {}, legend);
  const figure = html("figure", { class: wide ? "panel wide" : "panel" }, html("h3", {}, title), place, words);
  return { figure, put, say: (text) => (words.textContent = text) };
}

/**
 * Put a view into an element. A view is {defaults(data), controls(data), build(store, data)}; `build` gives its panels
 * and a function that draws a state: it answers with its facts, pairs of a name and a value for one line, and with what
 * it found, for whoever checks an exercise. Gives the function that draws it now; from then on it is drawn where its
 * state changes.
 */
export function mount(view, element, { store, data, hidden, onDrawn = () => {} }) {
  const controls = controlsOf(view.controls(data), store);
  const { panels, draw, layout = "panels" } = view.build(store, data);
  const line = html("dl", { class: "facts" });
  const figures = html("div", { class: layout }, ...panels.map(({ figure }) => figure));
  element.classList.add("explorer");
  element.replaceChildren(controls.form, line, figures);
  const drawing = oncePerFrame(() => {
    const state = store.get();
    controls.update(state, hidden());
    const { facts, found } = draw(state);
    line.replaceChildren(...facts.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
    onDrawn(found, state);
  });
  store.subscribe(drawing.later);
  return drawing.now;
}
