"use strict";
// Draws the plots of a report with Plotly. Each description (aofl.report.figures.plot) stands in a
// `script` element beside its place; every text is shown as text, never as HTML.
(function () {
  const NARROW = 620, TITLE = 26, GAP = 44, FOOT = 48, LEGEND_ROW = 22, ROWS_SHOWN = 400;
  const drawn = [];

  // Plotly reads a few tags and entities in its texts: none of them may come from a name.
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (text) => (text.length > 34 ? text.slice(0, 33) + "\u2026" : text);

  function axisName(letter, k) { return letter + "axis" + (k ? k + 1 : ""); }
  function axisId(letter, k) { return letter + (k ? k + 1 : ""); }

  function traces(plot, ink) {
    const told = new Set();
    return plot.traces.map((one) => {
      const colour = one.colour === "ink" ? ink : one.colour, isLine = one.style === "line" || one.style === "steps";
      const isNew = one.legend && !told.has(one.name);
      told.add(one.name);
      const trace = {
        name: plain(short(one.name)), x: one.x, y: one.y, xaxis: axisId("x", one.panel), yaxis: axisId("y", one.panel),
        opacity: one.opacity, legendgroup: one.name, showlegend: isNew, customdata: one.times,
        hovertemplate: (one.texts.length ? "%{text}<br>" : "") + (one.texts.length && plot.panels[one.panel].bare ? "" : "%{x}, %{y}") + "<extra>" + plain(short(one.name)) + "</extra>",
      };
      if (one.texts.length) trace.text = one.texts.map(plain);
      if (isLine) {
        Object.assign(trace, { type: "scatter", mode: "lines", line: { color: colour, width: one.width, dash: one.dash, shape: one.style === "steps" ? "hv" : "linear" } });
      } else if (one.style === "bars" || one.style === "bars across") {
        Object.assign(trace, { type: "bar", base: one.base, marker: { color: colour }, orientation: one.style === "bars" ? "v" : "h", textposition: "none" });
        if (one.style === "bars across") trace.width = 0.62;
      } else if (one.style === "ticks") {
        Object.assign(trace, { type: "scatter", mode: "markers", marker: { color: colour, symbol: "line-ns-open", size: 11, line: { color: colour, width: 1.4 } } });
      } else {
        const bare = plot.panels[one.panel].bare, isMolecule = bare && one.width > 2;
        Object.assign(trace, { type: "scatter", mode: isMolecule ? "markers+text" : "markers", marker: { color: colour, size: bare ? (isMolecule ? 16 : 11) : 6, symbol: bare && !isMolecule ? "square" : "circle" } });
        if (isMolecule) { trace.cliponaxis = false; trace.textposition = "top center"; trace.text = one.texts.map((t) => plain(short(t))); trace.hovertext = one.texts.map(plain); trace.hovertemplate = "%{hovertext}<extra></extra>"; }
      }
      return trace;
    });
  }

  function padded(plot, panel, letter) {
    const values = plot.traces.filter((one) => one.panel === panel).flatMap((one) => one[letter]);
    const low = Math.min(...values), high = Math.max(...values), pad = 0.12 * (high - low) + 0.4;
    return [low - pad, high + pad];
  }

  function span(plot, panel) {
    const values = plot.traces.filter((one) => one.panel === panel).flatMap((one) => one.y.filter((y) => y !== null));
    return values.length ? values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b)) : 0;
  }

  // Places the panels in columns, titles above them and the legend on top.
  function layout(plot, width, ink) {
    const soft = css("--soft"), line = css("--line"), columns = width < NARROW ? 1 : plot.columns;
    const rows = Math.ceil(plot.panels.length / columns), isGrid = plot.columns > 1;
    const named = new Set(plot.traces.filter((t) => t.legend).map((t) => t.name)).size;
    const letters = plot.traces.filter((t) => t.legend).reduce((n, t) => Math.max(n, Math.min(34, t.name.length)), 0);
    const perRow = Math.max(1, Math.floor((width - 80) / (7.2 * letters + 54)));
    const top = 8 + LEGEND_ROW * Math.ceil(named / perRow);
    const weights = [];
    for (let r = 0; r < rows; r++) weights.push(isGrid ? 1 : plot.panels[r].weight);
    const inner = (isGrid ? rows * plot.height : plot.height) - FOOT;
    const gap = TITLE + (plot.shares_x && !isGrid ? 8 : GAP), total = weights.reduce((a, b) => a + b, 0);
    const room = Math.max(60, inner - rows * gap), height = inner + FOOT + top;
    const made = {
      height: height, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", barmode: "overlay", dragmode: "zoom",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: ink }, hovermode: "closest",
      margin: { l: plot.panels.some((p) => p.rows.length) ? Math.min(190, 24 + 7 * Math.max(...plot.panels.flatMap((p) => p.rows.map((r) => short(r).length)))) : 56, r: 14, t: top, b: FOOT },
      legend: { orientation: "h", maxheight: 400, x: 0, y: 1, yanchor: "bottom", xanchor: "left", font: { size: 12 } },
      hoverlabel: { align: "left" }, annotations: [],
    };
    let used = 0;
    plot.panels.forEach((panel, k) => {
      const row = Math.floor(k / columns), column = k % columns;
      if (column === 0 && row > 0) used += weights[row - 1];
      const from = 1 - ((row + 1) * gap + (used + weights[row]) * room / total - (gap - TITLE)) / inner;
      const to = 1 - ((row + 1) * gap + used * room / total - (gap - TITLE)) / inner;
      const left = column / columns + (column ? 0.045 : 0), right = (column + 1) / columns - (column < columns - 1 ? 0.03 : 0);
      const isLast = row === rows - 1 || k + columns >= plot.panels.length;
      const x = made[axisName("x", k)] = {
        domain: [left, right], anchor: axisId("y", k), zeroline: false, gridcolor: line, linecolor: soft, showgrid: false, showline: true, ticks: "outside", ticklen: 3, tickcolor: soft,
        title: { text: isLast ? plain(plot.x_title) : "", standoff: 6, font: { size: 12.5 } }, showticklabels: isLast || !plot.shares_x || isGrid,
      };
      const y = made[axisName("y", k)] = { domain: [Math.max(0, from), Math.min(1, to)], anchor: axisId("x", k), zeroline: false, gridcolor: line, showline: false };
      if (plot.shares_x && k > 0) x.matches = "x";
      if (panel.log) Object.assign(y, { type: "log", dtick: "D2", exponentformat: "none" });
      if (panel.count) Object.assign(y, span(plot, k) <= 6 ? { dtick: 1 } : { tickformat: "d", nticks: 6 });
      if (panel.rows.length) Object.assign(y, { tickmode: "array", tickvals: panel.rows.map((_, i) => i), ticktext: panel.rows.map((r) => plain(short(r))), range: [panel.rows.length - 0.4, -0.6], showgrid: false, fixedrange: true });
      if (panel.square) Object.assign(y, { scaleanchor: axisId("x", k), scaleratio: 1, constrain: "domain" });
      if (panel.bare) [[x, "x"], [y, "y"]].forEach(([axis, letter]) => Object.assign(axis, { visible: false, range: padded(plot, k, letter) }));
      if (panel.title) made.annotations.push({ text: "<b>" + plain(short(panel.title)) + "</b>", xref: "paper", yref: "paper", x: left, y: Math.min(1, to), xanchor: "left", align: "left", borderpad: 0, yanchor: "bottom", showarrow: false, font: { size: 12.5 } });
    });
    for (const [x0, y0, x1, y1] of plot.arrows) made.annotations.push({ x: x1, y: y1, ax: x0, ay: y0, xref: "x", yref: "y", axref: "x", ayref: "y", text: "", showarrow: true, arrowhead: 2, arrowsize: 1, arrowwidth: 1.1, arrowcolor: soft, standoff: 9, startstandoff: 9 });
    return made;
  }

  function rowsOf(plot) {
    const rows = [];
    for (const one of plot.traces) {
      const panel = plot.panels[one.panel];
      one.x.forEach((x, k) => {
        const y = panel.rows.length && Number.isInteger(one.y[k]) ? panel.rows[one.y[k]] : one.y[k];
        if (x !== null || y !== null) rows.push([panel.title, one.name, x, y, one.texts[k] || ""]);
      });
    }
    return rows;
  }

  function csv(plot) {
    const cell = (value) => (typeof value === "number" ? String(value) : '"' + String(value === null ? "" : value).replace(/"/g, '""') + '"');
    const head = ["panel", "curve", plot.x_title || "x", "y", "what"];
    return [head, ...rowsOf(plot)].map((row) => row.map(cell).join(",")).join("\n") + "\n";
  }

  function save(name, text, kind) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // Copies of the plot for files stand on white with dark text, whatever the page looks like.
  function picture(place, plot, format) {
    const width = Math.max(700, place.clientWidth), dark = "#1c2430", made = layout(plot, width, dark);
    return Plotly.toImage({ data: traces(plot, dark), layout: Object.assign(made, { width: width, paper_bgcolor: "#ffffff" }) },
      { format: format, width: width, height: made.height, scale: format === "png" ? 2 : 1 });
  }

  function button(text, action, label) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", action);
    return made;
  }

  function zoom(place, plot, factor, shift) {
    const changes = {};
    plot.panels.forEach((_, k) => {
      if (plot.shares_x && k > 0) return;
      const [a, b] = place._fullLayout[axisName("x", k)].range, middle = (a + b) / 2 + shift * (b - a), half = factor * (b - a) / 2;
      changes[axisName("x", k) + ".range"] = [middle - half, middle + half];
    });
    Plotly.relayout(place, changes);
  }

  function reset(place, plot) {
    const changes = {};
    plot.panels.forEach((panel, k) => {
      changes[axisName("x", k) + ".autorange"] = true;
      if (!panel.rows.length) changes[axisName("y", k) + ".autorange"] = true;
    });
    Plotly.relayout(place, changes);
  }

  function table(plot, details) {
    const all = rowsOf(plot), made = document.createElement("table"), body = made.createTBody(), head = made.createTHead().insertRow();
    for (const text of ["panel", "curve", plot.x_title || "x", "y", "what"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = text;
      head.append(cell);
    }
    const caption = made.createCaption();
    caption.textContent = all.length > ROWS_SHOWN ? "The first " + ROWS_SHOWN + " of " + all.length + " points; CSV has all" : all.length + " points";
    for (const row of all.slice(0, ROWS_SHOWN)) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = value === null ? "" : value;
    }
    const scroll = document.createElement("div");
    scroll.className = "scroll data";
    scroll.tabIndex = 0;
    scroll.append(made);
    details.append(scroll);
  }

  function controls(place, plot) {
    const name = "aofl-" + plot.name, made = document.createElement("div");
    const change = (action) => () => { drawOnce(place); action(); };
    made.className = "controls";
    const pan = button("Pan", change(() => {
      const isPan = place._fullLayout.dragmode === "pan";
      Plotly.relayout(place, { dragmode: isPan ? "zoom" : "pan" });
      pan.setAttribute("aria-pressed", String(!isPan));
    }));
    pan.setAttribute("aria-pressed", "false");
    made.append(
      button("+", change(() => zoom(place, plot, 0.6, 0)), "Zoom in"), button("\u2212", change(() => zoom(place, plot, 1 / 0.6, 0)), "Zoom out"), pan,
      button("Reset", change(() => reset(place, plot))),
      button("SVG", () => picture(place, plot, "svg").then((url) => save(name + ".svg", decodeURIComponent(url.slice(url.indexOf(",") + 1)), "image/svg+xml"))),
      button("PNG", () => picture(place, plot, "png").then((url) => save(name + ".png", Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (c) => c.charCodeAt(0)), "image/png"))),
      button("CSV", () => save(name + ".csv", csv(plot), "text/csv")));
    return made;
  }

  function foldedData(plot) {
    const made = document.createElement("details"), summary = document.createElement("summary");
    summary.textContent = "Data";
    made.append(summary);
    made.addEventListener("toggle", () => { if (made.open && !made.querySelector("table")) table(plot, made); });
    return made;
  }

  // A place is as high as its plot will be and has what stands below it: nothing moves when it is drawn.
  function prepared(place) {
    const plot = JSON.parse(document.getElementById(place.id + "-data").textContent);
    place.style.minHeight = layout(plot, place.clientWidth, css("--ink")).height + "px";
    place.after(controls(place, plot), foldedData(plot));
    return plot;
  }

  function draw(place) {
    const plot = plots.get(place);
    const render = () => Plotly.react(place, traces(plot, css("--ink")), layout(plot, place.clientWidth, css("--ink")), { responsive: false, displaylogo: false, displayModeBar: false, scrollZoom: false, doubleClick: "reset" });
    render();
    place.on("plotly_click", (event) => {
      const point = event.points[0], time = point && point.customdata;
      if (typeof time === "number" && window.aoflShowTime) window.aoflShowTime(time);
    });
    place.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [1, -0.2], ArrowRight: [1, 0.2], "+": [0.6, 0], "=": [0.6, 0], "-": [1 / 0.6, 0] };
      if (event.key === "0") reset(place, plot);
      else if (event.key in moves) zoom(place, plot, ...moves[event.key]);
      else return;
      event.preventDefault();
    });
    drawn.push({ place: place, render: render, width: place.clientWidth });
  }

  // Those in sight first; the others when they come near, or before the page is printed.
  const plots = new Map([...document.querySelectorAll(".plot")].map((place) => [place, prepared(place)]));
  const waiting = new Set(plots.keys());
  function drawOnce(place) {
    if (waiting.delete(place)) draw(place);
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { watcher.unobserve(entry.target); drawOnce(entry.target); }
  }, { rootMargin: "600px" });
  waiting.forEach((place) => watcher.observe(place));
  function drawAll() { [...waiting].forEach(drawOnce); }
  window.aoflDrawAll = drawAll;
  window.addEventListener("beforeprint", drawAll);
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => drawn.forEach((one) => one.render()));
  }
  window.addEventListener("resize", () => {
    for (const one of drawn) if (one.place.clientWidth !== one.width) { one.width = one.place.clientWidth; one.render(); }
  });
})();
