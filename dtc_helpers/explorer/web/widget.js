// The same views in a notebook: the traits of the widget are the state of the view, both ways.

import { game } from "./game.js";
import { lab } from "./lab.js";
import { proposition } from "./proposition.js";
import { replay } from "./replay.js";
import { createStore } from "./store.js";
import { mount } from "./views.js";

const VIEWS = { lab, proposition, replay, game };

function render({ model, el }) {
  // or JupyterLab takes the arrow keys that move a slider; it asks the element in focus itself
  el.addEventListener("focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = "true"));
  const view = VIEWS[model.get("_view")];
  const data = model.get("_data");
  const defaults = view.defaults(data);
  const names = Object.keys(defaults).filter((name) => model.get(name) !== undefined);
  const traits = () => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const store = createStore({ ...defaults, ...traits() });
  store.subscribe((state, changed) => {
    const sent = changed.filter((name) => names.includes(name));
    sent.forEach((name) => model.set(name, state[name]));
    if (sent.length) model.save_changes();
  });
  const arrived = () => store.set(traits());
  names.forEach((name) => model.on(`change:${name}`, arrived));
  mount(view, el, { store, data, hidden: () => model.get("hide") ?? [] })();
  return () => names.forEach((name) => model.off(`change:${name}`, arrived));
}

export default { render };
