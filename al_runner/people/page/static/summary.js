/** What the run has learned: its curve, its confusions, and how far the readers agree. */

import { draw, make, percent } from "./dom.js";

const WIDTH = 640, HEIGHT = 300, LEFT = 56, RIGHT = 16, TOP = 12, BOTTOM = 44;

export function summary({ curve, confusion, agreements, metrics }) {
  const parts = [];
  if (curve.length) parts.push(learning(curve, metrics));
  if (confusion) parts.push(confusion.labels ? labels(confusion) : confusions(confusion));
  if (agreements.length) parts.push(readers(agreements));
  return parts;
}

function section(title, ...children) {
  return make("section", {}, make("h3", {}, title), ...children);
}

const word = (metric) => ({ "test/accuracy": "Accuracy", "test/auroc": "AUROC", "test/balanced_accuracy": "Balanced accuracy", "test/f1": "F1" })[metric] ?? metric;

function learning(curve, metrics) {
  const shown = metrics.filter((metric) => curve.some((point) => metric in point.metrics));
  const last = curve.at(-1), main = shown[0];
  const others = shown.slice(1).filter((metric) => metric in last.intervals).map((metric) => ` ${said(last, metric)}.`);
  const limit = main in last.intervals && last.tested ? `: ${last.tested} test images can tell no more` : "";
  const told = `${said(last, main, ` after ${last.n_labeled} labels`)}${limit}.${others.join("")}`;
  const rows = curve.map((point) => [point.n_labeled, ...shown.map((metric) => cell(point, metric))]);
  const details = make("details", {}, make("summary", {}, "As a table"), table("", ["Labels", ...shown.map(word)], rows));
  return section("Learning curve", make("p", {}, told), chart(curve, main), details);
}

const number = (metric, value, digits = 0) => metric === "test/accuracy" ? percent(value, digits) : value.toFixed(3);

function said(point, metric, after = "") {
  const bounds = point.intervals[metric]?.map((end) => number(metric, end));
  return `${word(metric)} ${number(metric, point.metrics[metric] ?? NaN)}${after}${bounds ? `, 95 % interval ${bounds.join(" to ")}` : ""}`;
}

function cell(point, metric) {
  const value = point.metrics[metric], bounds = point.intervals[metric];
  if (value === undefined) return "";
  return bounds ? `${number(metric, value, 1)} (${bounds.map((end) => number(metric, end)).join("–")})` : value.toFixed(3);
}

function chart(curve, metric) {
  const points = curve.filter((point) => metric in point.metrics);
  const band = (point) => point.intervals[metric] ?? [point.metrics[metric], point.metrics[metric]];
  const lowest = Math.min(...points.map((point) => band(point)[0]));
  const step = lowest > 0.6 ? 0.1 : 0.2, low = Math.max(0, step * Math.floor(lowest / step + 1e-9));
  const first = points[0].n_labeled, last = points.at(-1).n_labeled;
  const x = (n) => LEFT + (last > first ? (n - first) / (last - first) : 0.5) * (WIDTH - LEFT - RIGHT - 20) + 10;
  const y = (value) => HEIGHT - BOTTOM - ((value - low) / (1 - low || 1)) * (HEIGHT - TOP - BOTTOM);
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${word(metric)} over labels; the table below has the numbers` });
  for (let value = low; value < 1.001; value += step) {
    svg.append(draw("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(draw("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, percent(value)));
  }
  const every = Math.ceil(points.length / 8);
  points.forEach((point, k) => {
    if (k % every === 0) svg.append(draw("text", { x: x(point.n_labeled), y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" }, point.n_labeled));
    const [from, to] = band(point);
    svg.append(draw("line", { class: "interval", x1: x(point.n_labeled), x2: x(point.n_labeled), y1: y(from), y2: y(to) }));
  });
  svg.append(draw("text", { x: WIDTH / 2, y: HEIGHT - 6, "text-anchor": "middle" }, "labels"));
  svg.append(draw("polyline", { class: "curve", points: points.map((point) => `${x(point.n_labeled)},${y(point.metrics[metric])}`).join(" ") }));
  for (const point of points) svg.append(draw("circle", { r: 4, cx: x(point.n_labeled), cy: y(point.metrics[metric]) }));
  return svg;
}

function confusions({ round, classes, matrix }) {
  const wrong = classes.flatMap((truth, i) => classes.map((said, j) => ({ truth, said, n: matrix[i][j], of: matrix[i].reduce((a, b) => a + b, 0), i, j })))
    .filter(({ i, j, n }) => i !== j && n).sort((a, b) => b.n - a.n);
  const told = wrong.length
    ? `Most often mistaken: ${wrong.slice(0, 3).map(({ truth, said, n, of }) => `${truth} for ${said} (${n} of ${of})`).join("; ")}.`
    : "No test image was mistaken.";
  const rows = classes.map((name, i) => [name, ...matrix[i]]);
  const right = (i, j) => j === i + 1;
  return section("What the model confuses", make("p", {}, told), table(`Round ${round}: rows as labeled, columns as the model says`, ["", ...classes], rows, right));
}

function labels({ round, labels: found }) {
  const rows = found.map(({ label, found: yes, missed, wrong, rightly_not: no }) => [label, `${yes} of ${yes + missed}`, `${wrong} of ${wrong + no}`]);
  return section("What the model misses", table(`Round ${round}, test images`, ["Label", "Found, of those that have it", "Given, of those that do not"], rows));
}

function readers(agreements) {
  const rows = agreements.map(({ readers: pair, samples, same, kappa }) => [pair.join(" and "), samples, percent(same), kappa === null ? "–" : kappa.toFixed(2)]);
  return section("Agreement of readers", table("“Cannot tell” counts as a label", ["Readers", "Images", "Same label", "Cohen’s kappa"], rows));
}

function table(caption, columns, rows, isRight = () => false) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)));
  const body = rows.map((row, i) => make("tr", {}, ...row.map((value, j) =>
    j ? make("td", isRight(i, j) ? { class: "right" } : {}, value) : make("th", { scope: "row" }, value))));
  const whole = make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
  const about = caption ? [make("p", { class: "about" }, caption)] : [];
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption || "Numbers" }, ...about, whole);
}
