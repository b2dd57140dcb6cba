/** What stands beside the image: classes, note, guess, progress. */

import { $, make, percent, say } from "./dom.js";

export const CANNOT_TELL = "cannot tell", NONE = "none";

export class Panel {
  /** `answer(label)` is called with what the reader chose. */
  constructor(answer) {
    this.answer = answer;
    $("form").onsubmit = (event) => {
      event.preventDefault();
      this.submit();
    };
    $("cannot").onclick = () => this.answer(CANNOT_TELL);
  }

  begin(classes, several) {
    this.classes = classes;
    this.several = several;
    $("ask").textContent = several ? "What is there?" : "Which is it?";
    $("next").hidden = !several;
    $("choices").replaceChildren(...classes.map((name, k) => (several ? this.toggle(name, k) : this.button(name, k))));
  }

  badge(k) {
    return k < 9 ? [make("kbd", {}, k + 1)] : [];
  }

  button(name, k) {
    const button = make("button", { type: "button", class: "choice", "aria-pressed": "false" }, ...this.badge(k), make("span", {}, name));
    button.onclick = () => this.answer(name);
    return button;
  }

  toggle(name, k) {
    const box = make("input", { type: "checkbox" });
    box.onchange = () => this.name();
    return make("label", { class: "choice" }, box, ...this.badge(k), make("span", {}, name));
  }

  /** By the class's number: a key. */
  press(k) {
    const choice = $("choices").children[k];
    if (!choice || this.unseen) return;
    if (this.several) {
      choice.control.click();
      say(`${this.classes[k]}: ${choice.control.checked ? "yes" : "no"}`);
    } else choice.click();
  }

  chosen() {
    return this.classes.filter((_, k) => $("choices").children[k].control?.checked);
  }

  /** Say on the button what it will keep. */
  name() {
    const chosen = this.chosen();
    $("next").textContent = chosen.length ? `Next: ${chosen.join(", ")}` : "Next: none of these";
  }

  submit() {
    if (this.unseen) return;
    if (this.several) this.answer(this.chosen().join(";") || NONE);
    else if (this.label) this.answer(this.label); // a changed note
  }

  /** Nothing can be chosen before the image is there, and the answer on the disk. */
  wait(is) {
    $("fields").toggleAttribute("inert", is);
    $("fields").setAttribute("aria-busy", is);
  }

  loading(is) {
    $("waiting").hidden = !is;
    $("unreadable").hidden = true;
  }

  note() {
    return $("note").value;
  }

  /** A question and what the reader has answered. */
  show(place, total, about, unreadable) {
    this.loading(false);
    $("answers").scrollTop = 0;
    this.label = about.answer?.label;
    $("unreadable").hidden = !unreadable;
    $("unreadable").textContent = unreadable;
    this.unseen = Boolean(unreadable); // then nobody can say what it shows
    $("choices").toggleAttribute("inert", this.unseen);
    $("next").disabled = this.unseen;
    $("note").value = about.answer?.note ?? "";
    this.mark();
    this.names(about);
    this.hideGuess(about.has_guess);
    this.wait(false);
    const told = this.label ? `answered: ${this.label}` : "not answered";
    $("stage").setAttribute("aria-label", `Image ${place + 1} of ${total}, ${told}`);
    say(unreadable || `Image ${place + 1} of ${total}, ${told}.`);
    if (!$("help").open) $("stage").focus({ preventScroll: true });
  }

  mark() {
    const labels = (this.label ?? "").split(";");
    $("cannot").setAttribute("aria-pressed", this.label === CANNOT_TELL);
    this.classes.forEach((name, k) => {
      const choice = $("choices").children[k];
      if (this.several) choice.control.checked = labels.includes(name);
      else choice.setAttribute("aria-pressed", this.label === name);
    });
    if (this.several) this.name();
  }

  names({ name, patient }) {
    $("names").hidden = name === undefined;
    const pairs = [["File", name], ["Patient", patient]].filter(([, value]) => value);
    $("names").replaceChildren(...pairs.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, value)]));
  }

  hideGuess(is) {
    $("guessing").hidden = !is;
    $("guesses").hidden = true;
    $("guesses").replaceChildren();
    $("guess").setAttribute("aria-expanded", "false");
  }

  showGuess(guess) {
    const sorted = [...guess].sort((a, b) => b[1] - a[1]);
    $("guesses").replaceChildren(...sorted.map(([name, share]) =>
      make("li", {}, make("span", {}, name), make("progress", { max: 1, value: share, "aria-hidden": "true" }), percent(share))));
    $("guesses").hidden = false;
    $("guess").setAttribute("aria-expanded", "true");
    $("guesses").scrollIntoView({ block: "nearest" });
    say(`The model’s guess: ${sorted.map(([name, share]) => `${name} ${percent(share)}`).join(", ")}`);
  }

  progress({ round, done, total, seconds_left: left }) {
    $("where").textContent = round === null || round === undefined ? "" : `round ${round}`;
    $("bar").hidden = $("count").hidden = total === undefined;
    if (total === undefined) return;
    $("bar").max = total;
    $("bar").value = done;
    $("count").textContent = `${done} of ${total}${remaining(left)}`;
  }
}

function remaining(seconds) {
  if (!seconds) return "";
  if (seconds < 60) return " · under a minute";
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? ` · ${minutes} min left` : ` · ${(minutes / 60).toFixed(1)} h left`;
}
