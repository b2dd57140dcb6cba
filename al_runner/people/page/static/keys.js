/** Keys that work wherever the focus is, except in text. */

import { $ } from "./dom.js";

const STEP = 0.03, FAR = 60;

export function listen(round, panel, view, tools, guess) {
  const always = { "?": () => $("help").showModal() };
  const keys = {
    "0": () => $("cannot").click(), x: () => $("cannot").click(),
    u: () => round.undo(), n: () => $("note").focus(), g: guess,
    ArrowLeft: () => round.go(-1), ArrowRight: () => round.go(1),
    "+": () => view.zoomBy(1.25), "=": () => view.zoomBy(1.25), "-": () => view.zoomBy(0.8),
    r: () => view.reset(), i: () => view.invert(), m: () => tools.mode(),
    w: () => view.windowBy(-STEP, 0), s: () => view.windowBy(STEP, 0),
    a: () => view.windowBy(0, -STEP), d: () => view.windowBy(0, STEP),
    ",": () => tools.step(-1), ".": () => tools.step(1), p: () => tools.turn(),
  };
  const moves = { ArrowLeft: [FAR, 0], ArrowRight: [-FAR, 0], ArrowUp: [0, FAR], ArrowDown: [0, -FAR] };

  function action(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !$("work").hidden) return keys.u;
    if (event.ctrlKey || event.metaKey || event.altKey || !$("keys-on").checked) return undefined;
    if (always[event.key]) return always[event.key];
    if ($("work").hidden) return event.key === "u" && !$("pause-undo").hidden ? keys.u : undefined;
    if (event.shiftKey && moves[event.key]) return () => view.moveBy(...moves[event.key]);
    if (event.key === "Enter") return enter(event);
    if (/^[1-9]$/.test(event.key)) return () => panel.press(Number(event.key) - 1);
    return keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  }

  /** The next one, where several labels are chosen; on a button, Enter presses it. */
  function enter(event) {
    return panel.several && !event.target.closest("button, summary") ? () => panel.submit() : undefined;
  }

  document.addEventListener("keydown", (event) => {
    if ($("help").open || event.isComposing || (event.repeat && /^([0-9]|x|u|Enter)$/.test(event.key))) return;
    if (event.target.matches("input[type=text]")) return leave(event);
    if (event.target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
    const act = action(event);
    if (!act) return;
    event.preventDefault();
    act();
  });

  /** Escape leaves the note as it is; Enter too, and keeps it where the question has its answer. */
  function leave(event) {
    if (event.target.id !== "note" || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    $("stage").focus();
    if (event.key === "Enter" && !panel.several) panel.submit();
  }
}
