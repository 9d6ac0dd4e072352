"use strict";
// Plays the trajectory of a report with 3Dmol.js. The data stand in the element `film-data`
// (aofl.report.sections.film); every text is set as text, never as HTML.
(function () {
  const ARROWS = { ArrowLeft: ["y", -8], ArrowRight: ["y", 8], ArrowUp: ["x", -8], ArrowDown: ["x", 8] };
  const NOT_MEASURED = "#c4cad2";
  const ABSENT = { error: "no label at this frame", deviation: "not computed at this frame" };
  const at = (id) => document.getElementById(id);

  function unpacked(base64) {
    const text = atob(base64), numbers = new Uint16Array(text.length / 2);
    for (let k = 0; k < numbers.length; k++) {
      numbers[k] = text.charCodeAt(2 * k) + 256 * text.charCodeAt(2 * k + 1);
    }
    return numbers;
  }

  // From changes to one value a frame; frames without a change share the value before.
  function spread(changes, n, start, apply) {
    const all = [];
    let value = start, next = 0;
    for (let k = 0; k < n; k++) {
      if (next < changes.length && changes[next][0] === k) value = apply(value, changes[next++]);
      all.push(value);
    }
    return all;
  }

  function bondsOf(value, [, made, gone]) {
    const bonds = new Set(value);
    for (let k = 0; k < gone.length; k += 2) bonds.delete(gone[k] + "-" + gone[k + 1]);
    for (let k = 0; k < made.length; k += 2) bonds.add(made[k] + "-" + made[k + 1]);
    return bonds;
  }

  function speciesOf(value, [, atoms, kinds]) {
    const species = value.slice();
    atoms.forEach((atom, k) => { species[atom] = kinds[k]; });
    return species;
  }

  // Frame to a value of each atom, and the value that only two in a hundred exceed.
  function measuredOf(byFrame) {
    const frames = Object.fromEntries(Object.entries(byFrame).map(([k, text]) => [k, unpacked(text)]));
    const all = Object.values(frames).flatMap((values) => Array.from(values)).sort((a, b) => a - b);
    return { at: frames, worst: Math.max(1, all[Math.ceil(0.98 * all.length) - 1] || 0) };
  }

  // Blue over yellow to red: none of them is the colour of a page.
  function heat(share) {
    const x = Math.min(1, Math.max(0, share));
    const mix = (a, b, t) => Math.round(a + (b - a) * t);
    const [from, to, t] = x < 0.5 ? [[63, 131, 216], [244, 208, 63], 2 * x] : [[244, 208, 63], [217, 72, 79], 2 * x - 1];
    return "rgb(" + from.map((c, k) => mix(c, to[k], t)).join(",") + ")";
  }

  function Film(data) {
    const n = data.times.length, numbers = unpacked(data.positions), size = data.symbols.length;
    const bonds = spread(data.bonds, n, new Set(), bondsOf);
    const species = spread(data.species, n, new Array(size).fill(0), speciesOf);
    const cells = spread(data.cells, n, null, (_, change) => change[1]);
    const measured = { error: measuredOf(data.errors), deviation: measuredOf(data.deviations) };
    this.n = n;
    this.cell = (k) => cells[k];
    this.measured = measured;
    this.species = (k) => species[k];
    this.atoms = function (k, colouring) {
      const shown = measured[colouring], own = shown && shown.at[k], atoms = [];
      for (let i = 0; i < size; i++) {
        const element = data.elements[data.symbols[i]], place = 3 * (k * size + i);
        let colour = element.colour;
        if (colouring === "species") colour = data.kinds[species[k][i]].colour;
        if (shown) colour = own ? heat(own[i] / shown.worst) : NOT_MEASURED;
        atoms.push({
          elem: element.name, serial: i, index: i, hetflag: true, bonds: [], bondOrder: [],
          x: data.low[0] + data.step[0] * numbers[place],
          y: data.low[1] + data.step[1] * numbers[place + 1],
          z: data.low[2] + data.step[2] * numbers[place + 2],
          properties: { colour: colour, radius: element.radius },
        });
      }
      for (const pair of bonds[k]) {
        const [i, j] = pair.split("-").map(Number);
        atoms[i].bonds.push(j); atoms[i].bondOrder.push(1);
        atoms[j].bonds.push(i); atoms[j].bondOrder.push(1);
      }
      return atoms;
    };
    // The frame that shows a time: the first at or after it.
    this.frameAt = function (time) {
      const found = data.times.findIndex((t) => t >= time - 1e-6);
      return found < 0 ? n - 1 : found;
    };
  }

  function start() {
    const data = JSON.parse(at("film-data").textContent), film = new Film(data);
    const scene = at("film-scene"), slider = at("film-slider"), play = at("film-play");
    const colouring = at("film-colour"), now = at("film-now"), legend = at("film-legend");
    const viewer = $3Dmol.createViewer(scene, { antialias: true, disableFog: true });
    if (!viewer) throw new Error("no WebGL");
    viewer.setBackgroundColor("#ffffff", 0);
    let frame = 0, timer = null, speed = 25;

    function box(c) {
      const corner = (a, b, d) => ({ x: a * c[0] + b * c[3] + d * c[6], y: a * c[1] + b * c[4] + d * c[7], z: a * c[2] + b * c[5] + d * c[8] });
      for (const a of [0, 1]) for (const b of [0, 1]) for (const [from, to] of
        [[[a, b, 0], [a, b, 1]], [[a, 0, b], [a, 1, b]], [[0, a, b], [1, a, b]]]) {
        viewer.addLine({ start: corner(...from), end: corner(...to), color: "#8794a3" });
      }
    }

    function tell() {
      const label = "step " + data.steps[frame] + ", " + data.times[frame] + " " + data.unit;
      now.textContent = "Frame " + (frame + 1) + " of " + film.n + ": " + label;
      slider.value = frame;
      slider.setAttribute("aria-valuetext", label);
      scene.dataset.frame = frame;
      scene.dataset.time = data.times[frame];
    }

    function key(colour, text) {
      const item = document.createElement("span"), dot = document.createElement("i");
      dot.style.background = colour;
      item.append(dot, document.createTextNode(text));
      return item;
    }

    function tellColours() {
      if (colouring.value === "species") {
        const there = [...new Set(film.species(frame))].map((k) => data.kinds[k]);
        legend.replaceChildren(...there.map((kind) => key(kind.colour, kind.name)));
      } else if (colouring.value in film.measured) {
        const { at: there, worst } = film.measured[colouring.value];
        const ends = [0, 0.5, 1].map((x) => key(heat(x), Math.round(x * worst) + (x === 1 ? " meV/Å or more" : " meV/Å")));
        legend.replaceChildren(...ends, ...(there[frame] ? [] : [key(NOT_MEASURED, ABSENT[colouring.value])]));
      } else {
        legend.replaceChildren(...data.elements.map((e) => key(e.colour, e.name)));
      }
    }

    function show(k) {
      frame = Math.min(film.n - 1, Math.max(0, k));
      viewer.removeAllModels();
      viewer.removeAllShapes();
      const model = viewer.addModel(), colour = (atom) => atom.properties.colour;
      model.addAtoms(film.atoms(frame, colouring.value));
      for (const element of data.elements) {
        model.setStyle({ elem: element.name }, {
          sphere: { radius: 0.55 * element.radius, colorfunc: colour },
          stick: { radius: 0.13, colorfunc: colour },
        });
      }
      box(film.cell(frame));
      viewer.render();
      tell();
      tellColours();
    }

    function pause() {
      clearInterval(timer);
      timer = null;
      play.textContent = "Play";
    }

    function run() {
      if (frame === film.n - 1) show(0);
      play.textContent = "Pause";
      timer = setInterval(() => { if (frame === film.n - 1) pause(); else show(frame + 1); }, 1000 / speed);
    }

    function reset() {
      viewer.setView([0, 0, 0, 0, 0, 0, 0, 1]);
      viewer.zoomTo();
      viewer.rotate(-80, "x");
      viewer.render();
    }

    window.aoflShowTime = function (time, isQuiet) {
      pause();
      show(film.frameAt(time));
      if (!isQuiet) {
        at("film").scrollIntoView({ block: "start" });
        scene.focus({ preventScroll: true });
      }
    };
    play.addEventListener("click", () => (timer === null ? run() : pause()));
    at("film-back").addEventListener("click", () => { pause(); show(frame - 1); });
    at("film-on").addEventListener("click", () => { pause(); show(frame + 1); });
    at("film-reset").addEventListener("click", reset);
    at("film-speed").addEventListener("change", (event) => {
      speed = Number(event.target.value);
      if (timer !== null) { pause(); run(); }
    });
    slider.max = film.n - 1;
    slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
    colouring.addEventListener("change", () => show(frame));
    scene.addEventListener("keydown", (event) => {
      if (event.key in ARROWS) {
        const [axis, angle] = ARROWS[event.key];
        viewer.rotate(angle, axis);
      } else if (event.key === "+" || event.key === "=") viewer.zoom(1.15);
      else if (event.key === "-") viewer.zoom(1 / 1.15);
      else return;
      viewer.render();
      event.preventDefault();
    });
    for (const [name, { at: there }] of Object.entries(film.measured)) {
      if (!Object.keys(there).length) colouring.querySelector("[value=" + name + "]").remove();
    }
    show(0);
    reset();
  }

  function degrade() {
    at("film-player").hidden = true;
    at("film-none").hidden = false;
  }

  // The times of events become buttons that lead to their frames.
  function link() {
    for (const cell of document.querySelectorAll("[data-time]:not(#film-scene)")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "jump";
      button.textContent = cell.textContent;
      button.title = "show in the trajectory";
      button.addEventListener("click", () => window.aoflShowTime(Number(cell.dataset.time)));
      cell.replaceChildren(button);
    }
  }

  const probe = document.createElement("canvas");
  if (!(probe.getContext("webgl2") || probe.getContext("webgl"))) { degrade(); return; }
  try {
    start();
    link();
  } catch (error) {
    degrade();
  }
})();
