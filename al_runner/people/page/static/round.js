/** The questions of a round, as one reader goes through them. */

import { Refused, get, pixels, post } from "./api.js";
import { complain, say } from "./dom.js";
import { Picture, Shelf } from "./picture.js";

const SHELVES = 6;

export class Round {
  /** What is shown is told to `panel`, `view` and `tools`; when nothing is left to show, `left` is called. */
  constructor(panel, view, tools, left) {
    Object.assign(this, { panel, view, tools, left });
    this.serial = 0;
    this.busy = true;
    this.shelf = new Shelf(async (place, values) => new Picture(await pixels(this.round, place, values)), SHELVES);
    document.addEventListener("visibilitychange", () => this.pauseClock());
  }

  /** Begin with what the server says. */
  begin(told, by) {
    this.by = by;
    this.round = told.round;
    this.several = told.several;
    this.classes = told.classes;
    this.history = told.mine;
    this.at = this.history.length;
    this.shelf.clear();
    this.take(told);
    this.panel.begin(told.classes, told.several);
  }

  /** The state that came with an answer. */
  take(told) {
    this.told = told;
    this.queue = told.queue ?? [];
    this.panel.progress(told);
  }

  /** The question to be shown; undefined = none. */
  get place() {
    return this.at < this.history.length ? this.history[this.at] : this.queue[0];
  }

  get isLeft() {
    return this.place === undefined;
  }

  key(place, values = {}) {
    return [place, values.plane, values.slice].join(" ");
  }

  load(place, values = {}) {
    return this.shelf.get(this.key(place, values), place, values);
  }

  /** Show the question whose turn it is. */
  async show() {
    if (this.isLeft) {
      this.clear();
      return this.left();
    }
    const { place } = this, serial = ++this.serial;
    this.busy = true;
    this.panel.wait(true);
    const slow = setTimeout(() => serial === this.serial && this.clear(true), 80);
    const [picture, about] = await Promise.allSettled([this.load(place), get(`question/${this.round}/${place}`, { by: this.by })]);
    clearTimeout(slow);
    if (serial !== this.serial) return;
    if (about.status === "rejected") return this.failed(about.reason);
    this.appear(place, picture, about.value);
    for (const next of this.queue.filter((each) => each !== place)) this.load(next).catch(() => {});
  }

  appear(place, picture, about) {
    const unreadable = picture.status === "rejected" ? `Image ${place + 1} cannot be shown: ${picture.reason.message}.` : "";
    this.about = about;
    this.tools.offer(picture.value, place);
    picture.value?.reset(); // it may have been seen before, through another window
    this.view.show(picture.value ?? null);
    this.panel.show(place, this.told.total, about, unreadable);
    this.busy = false;
    this.started = performance.now();
    this.passed = 0;
    document.body.dataset.shown = place;
  }

  clear(loading = false) {
    this.view.show(null);
    this.tools.offer(null);
    this.panel.loading(loading);
    delete document.body.dataset.shown;
  }

  /** Another slice of the volume that is shown. */
  async slice(values, same) {
    const { place, serial } = this;
    const cut = (this.cut = {});
    try {
      const picture = await this.load(place, values);
      if (serial === this.serial && cut === this.cut) this.view.show(picture, same);
    } catch (error) {
      complain(error.message);
    }
    for (const by of [1, -1]) if (same) this.load(place, { ...values, slice: Math.max(0, values.slice + by) }).catch(() => {});
  }

  /** Time in which nobody looks at the page does not count. */
  pauseClock() {
    if (document.hidden) this.passed += performance.now() - this.started;
    else this.started = performance.now();
  }

  seconds() {
    return Math.min(86400, (this.passed + performance.now() - this.started) / 1000);
  }

  /** Keep an answer, then show what is next. */
  async answer(label) {
    if (this.busy || this.isLeft) return;
    const { place } = this;
    const sent = { by: this.by, round: this.round, place, label, note: this.panel.note(), seconds: this.seconds() };
    const told = await this.send("answer", sent);
    if (!told) return;
    if (!this.history.includes(place)) this.history.push(place);
    this.at = this.at < this.history.length - 1 ? this.at + 1 : this.history.length;
    this.take(told);
    say(`Kept: ${label}.`);
    await this.show();
  }

  async undo() {
    if (this.busy && !this.isLeft) return;
    const told = await this.send("undo", { by: this.by, round: this.round });
    if (!told) return;
    this.take(told);
    if (told.place === null) return say("There is nothing to undo.");
    this.history = this.history.filter((place) => place !== told.place);
    this.at = this.history.length;
    say("The last answer was taken back.");
    await this.show();
  }

  /** What the server answers; undefined, once the reader was told, if it refuses. */
  async send(path, values) {
    this.busy = true;
    this.panel.wait(true);
    try {
      const told = await post(path, values);
      complain("");
      return told;
    } catch (error) {
      await this.failed(error, path);
      return undefined;
    } finally {
      this.busy = false;
      this.panel.wait(false);
    }
  }

  /** It was not kept, or cannot be shown. */
  async failed(error, path = "") {
    if (!(error instanceof Refused)) throw error;
    this.busy = false;
    this.panel.wait(false);
    if (error.code === 409) return this.left();
    complain(path === "answer" ? `Not kept: ${error.message}` : error.message);
  }

  go(by) {
    const at = Math.min(this.history.length, Math.max(0, this.at + by));
    if (at === this.at) return;
    this.at = at;
    complain("");
    this.show();
  }

  /** Of the question that is shown. */
  async guess() {
    const { guess } = await get(`guess/${this.round}/${this.place}`, { by: this.by });
    return guess;
  }
}
