// The page's plots (by uPlot), their zoom, the theme and the copying of tables. All data are in #data.
"use strict";
(() => {
const DATA = JSON.parse(document.getElementById("data").textContent);
const ROOT = document.documentElement;
const HEIGHT = 300, ZOOM = 0.6, NANO = 1e9;
const DASHES = [[7, 5], [2, 4], [9, 4, 2, 4]];
const charts = new Map();
window.ghostcard = { data: DATA, charts };

// -- figures as people read them ---------------------------------------------------------------

const digits = (value, most) => value.toLocaleString("en", { maximumSignificantDigits: most });

function duration(ns) {
  const size = [[NANO, "s"], [1e6, "ms"], [1e3, "µs"]].find(([unit]) => Math.abs(ns) >= unit) || [1, "ns"];
  return `${digits(ns / size[0], 4)} ${size[1]}`;
}
function quantity(value) {
  const size = [[1e9, " G"], [1e6, " M"], [1e4, " k", 1e3]].find(([least]) => Math.abs(value) >= least) || [1, "", 1];
  return digits(value / (size[2] || size[0]), 4) + size[1];
}
function bytes(value) {
  const size = [[1 << 20, " MiB"], [1 << 10, " KiB"]].find(([least]) => value >= least) || [1, " B"];
  return digits(value / size[0], 4) + size[1];
}
const TEXTS = {
  ns: duration, per_s: quantity, number: (value) => digits(value, 4), bytes,
  share: (value) => `${digits(value * 100, 6)} %`,
};
const words = (value, unit) => (value == null ? "–" : TEXTS[unit](value));
const word = (value, unit) => words(value, unit) + (unit === "per_s" && value != null ? " /s" : "");

// -- plots -------------------------------------------------------------------------------------

const colour = (name) => getComputedStyle(ROOT).getPropertyValue(name).trim();
const faint = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, "0");

// The union of all x, with a hole where a series has no value: what uPlot draws from.
function joined(series) {
  const tables = [];
  for (const one of series) {
    tables.push([one.x, one.y]);
    if (one.low.length) tables.push([one.x, one.low], [one.x, one.high]);
  }
  return uPlot.join(tables);
}

function lines(plot) {
  const shown = [{}], bands = [];
  let next = 0, theories = 0;
  for (const one of plot.series) {
    const place = one.colour == null ? next++ : one.colour;
    const stroke = colour(`--c${place % 6}`);
    const isDashed = one.style === "dashed", isPoints = one.style === "points";
    shown.push({
      label: one.name, stroke, width: isPoints ? 0 : isDashed ? 1.6 : 2, spanGaps: true,
      dash: isDashed ? DASHES[theories++ % DASHES.length] : undefined,
      paths: one.style === "step" ? uPlot.paths.stepped({ align: 1 }) : isPoints ? () => null : uPlot.paths.linear(),
      points: { show: isPoints || one.style === "line-points", size: 7, fill: isPoints ? faint(stroke, 0.5) : colour("--paper"), stroke, width: 1.6 },
      own: one,
    });
    if (!one.low.length) continue;
    const edge = { stroke: faint(stroke, 0.25), width: 0.5, spanGaps: true, points: { show: false } };
    shown.push({ ...edge }, { ...edge });
    bands.push({ series: [shown.length - 1, shown.length - 2], fill: faint(stroke, 0.16) });
  }
  return { shown, bands };
}

const scale = (axis) => (axis.log ? { time: false, distr: 3, log: axis.log } : { time: false });

function side(axis, isBottom, isNarrow) {
  const ink = colour("--quiet"), grid = colour("--grid");
  const values = (chart, splits) => splits.map((value) => (value == null ? "" : words(value, axis.unit)));
  return {
    stroke: ink, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
    label: axis.title, labelSize: 20, labelGap: 0, size: isBottom ? 28 : isNarrow ? 58 : 66, values,
    grid: { stroke: grid, width: 1 }, ticks: { show: false }, gap: 6,
    space: isBottom ? 56 : 32,
  };
}

// Ticks of a logarithmic axis: powers of two, or 1, 2, 5 in each decade, or powers of ten alone.
function ticks(axis, most) {
  return (chart, _axis, low, high) => {
    const found = [];
    if (axis.log === 2) {
      const first = Math.ceil(Math.log2(low) - 1e-9), last = Math.floor(Math.log2(high) + 1e-9);
      const step = Math.max(1, Math.ceil((last - first + 1) / most));
      for (let power = first; power <= last; power += step) found.push(2 ** power);
    } else {
      const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
      const steps = last - first > 4 ? [1] : [1, 2, 5];
      for (let power = first; power <= last; power++)
        found.push(...steps.map((step) => step * 10 ** power).filter((value) => low <= value && value <= high));
    }
    return found.length > 1 ? found : [0, 1, 2, 3].map((n) => low * (high / low) ** (n / 3));
  };
}

function marked(plot) {
  return (chart) => {
    const { ctx, bbox } = chart, ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    let line = 0;
    for (const mark of [...plot.marks].sort((a, b) => a.x - b.x)) {
      const x = chart.valToPos(mark.x, "x", true);
      if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
      ctx.strokeStyle = ctx.fillStyle = colour("--quiet");
      ctx.lineWidth = ratio;
      ctx.setLineDash([3 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const wide = ctx.measureText(mark.text).width, gap = 5 * ratio;
      const isRight = x + gap + wide < bbox.left + bbox.width;
      ctx.textAlign = isRight ? "left" : "right";
      ctx.fillText(mark.text, isRight ? x + gap : x - gap, bbox.top + (12 + 14 * line++) * ratio);
    }
    ctx.restore();
  };
}

function draw(figure) {
  const plot = DATA.plots[figure.dataset.plot], box = figure.querySelector(".chart");
  const before = charts.get(plot.key);
  const window_ = before && before.zoomed ? { min: before.scales.x.min, max: before.scales.x.max } : null;
  if (before) before.destroy();
  box.textContent = "";
  const { shown, bands } = lines(plot);
  const width = Math.max(box.clientWidth, 200), isNarrow = width < 420;
  const axes = [side(plot.x, true, isNarrow), side(plot.y, false, isNarrow)];
  [plot.x, plot.y].forEach((axis, n) => {
    if (axis.log) Object.assign(axes[n], { splits: ticks(axis, isNarrow ? 7 : 13), filter: (chart, splits) => splits });
  });
  const y = scale(plot.y), x = scale(plot.x);
  if (plot.x.log) x.range = (chart, low, high) => (low == null ? [1, 10] : [low, high]);
  if (plot.y.log) y.range = (chart, low, high) => (low == null ? [1, 10] : [low / 1.25, high * 1.35]);
  else y.range = (chart, low, high) => (low == null ? [0, 1] : [0, high > 0 ? (plot.y.unit === "share" ? 1 : high * 1.08) : 1]);
  const chart = new uPlot({
    width, height: HEIGHT, series: shown, bands, axes,
    scales: { x, y },
    legend: { show: false },
    cursor: { drag: { x: true, y: false, uni: 20 }, points: { size: 8 }, y: false },
    hooks: {
      drawAxes: [marked(plot)],
      setCursor: [() => legend(figure, chart_())],
      setSelect: [(self) => { self.zoomed = true; }],
      ready: [(self) => { self.over.addEventListener("dblclick", () => { self.zoomed = false; }); }],
    },
  }, joined(plot.series), box);
  function chart_() { return charts.get(plot.key); }
  charts.set(plot.key, chart);
  chart.own = plot;
  pinch(chart);
  if (window_) { chart.zoomed = true; chart.setScale("x", window_); }
  legend(figure, chart);
}

// The names of the lines; under the cursor, their values there.
function legend(figure, chart) {
  if (!chart) return;
  let list = figure.querySelector(".keys");
  if (!list) {
    list = document.createElement("ul");
    list.className = "keys";
    figure.querySelector(".chart").after(list);
  }
  const { idx } = chart.cursor, plot = chart.own;
  const items = idx == null ? [] : [`<li>${escaped(word(chart.data[0][idx], plot.x.unit))}:</li>`];
  chart.series.forEach((one, n) => {
    if (!one.own) return;
    const line = `stroke="${one.own.style === "points" ? "none" : colourOf(one)}" stroke-width="2"`;
    const dash = one.dash ? ` stroke-dasharray="${one.dash.join(" ")}"` : "";
    const dot = one.points.show && one.own.style !== "dashed" && /point/.test(one.own.style)
      ? `<circle cx="12" cy="6" r="3.2" fill="${colour("--paper")}" stroke="${colourOf(one)}" stroke-width="1.6"/>` : "";
    const value = idx == null ? "" : ` <b>${escaped(word(near(chart, n, idx), plot.y.unit))}</b>`;
    items.push(`<li><svg width="24" height="12" aria-hidden="true"><path d="M0 6H24" ${line}${dash}/>${dot}</svg>${escaped(one.label)}${value}</li>`);
  });
  list.innerHTML = items.join("");
}

const colourOf = (series) => (typeof series.stroke === "function" ? series.stroke() : series.stroke);

// The value at a place, or that of the last place before it where the series has one.
function near(chart, series, idx) {
  const values = chart.data[series];
  while (idx >= 0 && values[idx] == null) idx--;
  return idx >= 0 ? values[idx] : null;
}

function escaped(text) {
  const holder = document.createElement("span");
  holder.textContent = text;
  return holder.innerHTML;
}

// -- zoom: by dragging (uPlot's own), by buttons, by two fingers ---------------------------------

const along = (chart) => (chart.own.x.log ? [Math.log, Math.exp] : [Number, Number]);

function zoom(chart, factor, middle = 0.5) {
  const [to, from] = along(chart), { min, max } = chart.scales.x;
  const low = to(min), high = to(max), centre = low + (high - low) * middle, half = (high - low) * factor;
  const x = chart.data[0];
  const least = to(x[0]), most = to(x[x.length - 1]);
  const begin = Math.max(centre - half * middle, least), end = Math.min(centre + half * (1 - middle), most);
  if (factor > 1 && begin === least && end === most) return reset(chart);
  chart.zoomed = true;
  chart.setScale("x", { min: from(begin), max: from(end) });
}
function reset(chart) {
  chart.zoomed = false;
  chart.setData(chart.data);
}

function pinch(chart) {
  const fingers = new Map();
  let apart = 0;
  const distance = () => { const [a, b] = [...fingers.values()]; return Math.max(Math.abs(a - b), 1); };
  chart.over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size === 2) apart = distance();
  });
  chart.over.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    const edge = chart.over.getBoundingClientRect();
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()], now = distance();
      zoom(chart, apart / now, Math.min(Math.max(((a + b) / 2 - edge.left) / edge.width, 0), 1));
      apart = now;
    } else chart.setCursor({ left: event.clientX - edge.left, top: event.clientY - edge.top });
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"])
    chart.over.addEventListener(name, (event) => fingers.delete(event.pointerId));
}

function tools(figure) {
  const bar = document.createElement("div");
  bar.className = "tools";
  const chart = () => charts.get(figure.dataset.plot);
  for (const [text, title, act] of [
    ["+", "zoom in", () => zoom(chart(), ZOOM)],
    ["−", "zoom out", () => zoom(chart(), 1 / ZOOM)],
    ["all", "show all", () => reset(chart())],
  ]) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: text, title, onclick: act });
    button.setAttribute("aria-label", title);
    bar.append(button);
  }
  figure.append(bar);
}

// -- theme -------------------------------------------------------------------------------------

const figures = [...document.querySelectorAll("figure.plot")];
const redraw = () => figures.forEach(draw);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (ROOT.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";

function remember(theme) { try { localStorage.setItem("ghostcard-theme", theme); } catch { /* a page may not */ } }
function remembered() { try { return localStorage.getItem("ghostcard-theme"); } catch { return null; } }

const button = document.getElementById("theme");
function named() { button.textContent = isDark() ? "Light" : "Dark"; }
button.addEventListener("click", () => {
  ROOT.dataset.theme = isDark() ? "light" : "dark";
  remember(ROOT.dataset.theme);
  named();
  redraw();
});
prefersDark.addEventListener("change", () => { named(); redraw(); });
if (remembered()) ROOT.dataset.theme = remembered();

// Paper is white, whatever the screen.
let screenTheme;
addEventListener("beforeprint", () => { screenTheme = ROOT.dataset.theme; ROOT.dataset.theme = "light"; redraw(); });
addEventListener("afterprint", () => {
  if (screenTheme) ROOT.dataset.theme = screenTheme; else delete ROOT.dataset.theme;
  redraw();
});

// -- tables ------------------------------------------------------------------------------------

function cells(key) {
  const { columns, rows, half_widths: halves } = DATA.tables[key];
  const wide = columns.map((_, n) => halves.some((row) => row[n] != null));
  const spread = (row, more) => row.flatMap((cell, n) => (wide[n] ? [cell, more(n)] : [cell]));
  return [spread(columns, (n) => `${columns[n]} ±`), ...rows.map((row, r) => spread(row, (n) => halves[r][n]))];
}
const plain = (cell) => (cell == null ? "" : String(cell));
const quoted = (cell) => (/[",\n]/.test(plain(cell)) ? `"${plain(cell).replaceAll('"', '""')}"` : plain(cell));
const asText = (key) => cells(key).map((row) => row.map(plain).join("\t")).join("\n") + "\n";
const asCsv = (key) => cells(key).map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
Object.assign(window.ghostcard, { asText, asCsv, zoom, reset });

async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here: the older way */ }
  const area = document.createElement("textarea");
  area.value = text;
  area.style.cssText = "position:fixed;opacity:0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
function say(target, text) {
  const before = target.dataset.name || (target.dataset.name = target.textContent);
  target.textContent = text;
  setTimeout(() => { target.textContent = before; }, 1200);
}
document.addEventListener("click", async (event) => {
  const target = event.target.closest("[data-copy], [data-csv]");
  if (!target) return;
  const key = target.closest("[data-table]").dataset.table;
  if ("copy" in target.dataset) return say(target, (await copy(asText(key))) ? "Copied" : "Not allowed");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([asCsv(key)], { type: "text/csv" }));
  link.download = `${key}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
});

// -- beginning ---------------------------------------------------------------------------------

figures.forEach(tools);
named();
redraw();
let wide = innerWidth;
addEventListener("resize", () => { if (innerWidth !== wide) { wide = innerWidth; redraw(); } });
ROOT.dataset.ready = "";
})();
