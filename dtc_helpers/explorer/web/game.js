// Beat the compressor: click who goes; ten who draw lots are the band to be beaten. The kernel of a notebook trains, or
// training.js in the page.

import { chart, COLOURS, rangeOf } from "./charts.js";
import { button } from "./controls.js";
import { fixed, html, movedByArrows, setAttributes, svg } from "./elements.js";
import { panel } from "./views.js";

const RIVALS = {
  DTC: { stroke: COLOURS.green, dash: "6 3", form: "square" },
  magnitude: { stroke: "#3d4a56", dash: "2 3", form: "cross" },
};

export const game = {
  defaults: () => ({ chosen: [], move: 0, alive: [], sizes: [], n_cut: 0, history: {} }),
  controls: () => [
    button(
      "cut",
      ({ chosen, n_cut, waiting }) =>
        n_cut === 0 ? "the game is over" : waiting ? "training …" : `cut ${chosen.length} of ${n_cut} and train on`,
      (store) => {
        const { chosen, n_cut, move, waiting } = store.get();
        if (n_cut > 0 && chosen.length === n_cut && !waiting) store.set({ move: move + 1, waiting: true });
      },
    ),
    button("clear", "choose anew", (store) => store.set({ chosen: [] })),
  ],

  build(store) {
    const field = panel(
      "Your network",
      "One square a neuron; the higher the bar in it, the larger |a + b|. Cross: will go. Keys: arrows move, space chooses.",
      true,
    );
    const accuracy = panel(
      "Test accuracy after every cut",
      "Filled circles: you. Band: ten who draw lots, from the worst to the best. Squares: DTC. Crosses: magnitude.",
      true,
    );
    const buttons = html("div", { class: "neurons", role: "group", "aria-label": "neurons" });
    field.put(() => buttons);
    buttons.addEventListener("click", (event) => toggle(store, event.target.closest("button")));
    movedByArrows(buttons, (here, go) => {
      const inRow = [...buttons.children].filter((b) => b.offsetTop === buttons.children[0].offsetTop).length;
      return { ArrowUp: go(here - inRow), ArrowDown: go(here + inRow) };
    });

    function draw(state) {
      showNeurons(buttons, state);
      accuracy.put((width) => accuracyChart(width, state.history));
      return { found: state, facts: factsOf(state) };
    }
    store.subscribe((state, changed) => changed.includes("alive") && store.set({ waiting: false, chosen: [] }));
    return { panels: [field, accuracy], draw };
  },
};

function toggle(store, neuron) {
  if (!neuron) return;
  const { chosen, n_cut } = store.get();
  const name = Number(neuron.value);
  if (chosen.includes(name)) store.set({ chosen: chosen.filter((other) => other !== name) });
  else if (chosen.length < n_cut) store.set({ chosen: [...chosen, name] });
}

function showNeurons(place, { alive, sizes, chosen }) {
  if (place.children.length !== alive.length) {
    const buttons = alive.map((_, i) =>
      html("button", { type: "button", class: "neuron", tabindex: i === 0 ? 0 : -1 }),
    );
    place.replaceChildren(...buttons);
  }
  const most = Math.max(...sizes, 1e-300);
  alive.forEach((name, i) => {
    const goes = chosen.includes(name);
    const neuron = place.children[i];
    neuron.value = name;
    neuron.textContent = goes ? "✕" : "";
    neuron.style.setProperty("--size", `${Math.round((100 * sizes[i]) / most)}%`);
    setAttributes(neuron, { "aria-pressed": goes, "aria-label": `neuron ${name}, size ${fixed(sizes[i], 2)}` });
  });
}

function factsOf({ history, alive, n_cut }) {
  const last = (name) => history[name]?.at(-1);
  const random = last("random");
  const numbers = [
    ["neurons", String(alive.length)],
    ["to cut now", String(n_cut)],
  ];
  if (!random) return numbers;
  const beaten = random.filter((r) => r < last("you")).length;
  const above = history.you.filter((accuracy, i) => accuracy > Math.max(...history.random[i])).length;
  return [
    ...numbers,
    ["you", fixed(last("you"), 3)],
    [
      "drawing lots",
      `${fixed(Math.min(...random), 3)} to ${fixed(Math.max(...random), 3)}; you beat ${beaten} of ${random.length}`,
    ],
    ["cuts above the band", `${above} of ${history.you.length}`],
    ...Object.keys(RIVALS).map((name) => [name, fixed(last(name), 3)]),
  ];
}

function accuracyChart(width, history) {
  const { you = [], random = [] } = history;
  const all = [...you, ...random.flat(), ...Object.keys(RIVALS).flatMap((name) => history[name] ?? [])];
  return chart({
    width,
    x: {
      range: [0.5, Math.max(you.length, 4) + 0.5],
      label: "cut",
      ticks: Array.from({ length: Math.max(you.length, 4) }, (_, i) => i + 1),
    },
    y: { range: rangeOf(all), label: "test accuracy" },
    describe: you.length ? `after cut ${you.length}: you ${fixed(you.at(-1), 3)}` : "nothing is cut yet",
    marks: ({ placed, polyline, markers }) => {
      const line = (values) => values.map((v, i) => [i + 1, v]);
      const [top, low] = [Math.max, Math.min].map((end) => line(random.map((draws) => end(...draws))));
      const band = placed([...top, ...low.reverse()]).map((place) => place.join(","));
      return [
        svg("polygon", { points: band.join(" "), fill: "#f3d9b5", stroke: COLOURS.orange }),
        polyline(line(you), { stroke: COLOURS.blue, "stroke-width": 2 }),
        markers(line(you), "circle", 5, { fill: COLOURS.blue }),
        Object.entries(RIVALS).map(([name, { stroke, dash, form }]) => [
          polyline(line(history[name] ?? []), { stroke, "stroke-width": 2, "stroke-dasharray": dash }),
          markers(line(history[name] ?? []), form, 3.5, { fill: "none", stroke, "stroke-width": 2 }),
        ]),
      ];
    },
  });
}
