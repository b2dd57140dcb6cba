/** The controls of the view: buttons, sliders, and the slices of volumes. */

import { $, make, say } from "./dom.js";

const SIDES = { axial: "R", coronal: "R", sagittal: "A" };
const STEPS = 1000;

export class Tools {
  constructor(view, slice) {
    this.view = view;
    this.slice = slice;
    this.volume = null;
    view.told = () => this.tell();
    $("in").onclick = () => view.zoomBy(1.25);
    $("out").onclick = () => view.zoomBy(0.8);
    $("reset").onclick = () => view.reset();
    $("invert").onclick = () => view.invert();
    $("mode").onclick = () => this.mode();
    for (const id of ["level", "width"]) $(id).oninput = () => this.slide();
    $("slice").oninput = () => this.cut(this.volume.plane, Number($("slice").value));
    $("view").open = matchMedia("(min-width: 50rem) and (min-height: 50rem)").matches;
  }

  mode() {
    this.view.moves = !this.view.moves;
    $("mode").setAttribute("aria-pressed", this.view.moves);
    $("stage").classList.toggle("moves", this.view.moves);
    say(this.view.moves ? "Dragging moves the image." : "Dragging changes level and window.");
  }

  slide() {
    const { picture } = this.view;
    if (!picture) return;
    const [low, high] = picture.range;
    const share = (id) => (Number($(id).value) / STEPS) * (high - low);
    this.view.setWindow(low + share("level"), share("width"));
  }

  /** Say how the image is seen. */
  tell() {
    const { picture, zoom } = this.view;
    if (!picture) {
      $("corner").textContent = $("side").textContent = "";
      return;
    }
    const [low, high] = picture.range, { from, to, inverted } = picture.now;
    const level = (from + to) / 2, width = to - from;
    const round = (value) => (picture.step < 0.5 ? Number(value.toPrecision(3)) : Math.round(value));
    $("level").value = (STEPS * (level - low)) / (high - low || 1);
    $("width").value = (STEPS * width) / (high - low || 1);
    $("level-value").textContent = round(level);
    $("width-value").textContent = round(width);
    $("invert").setAttribute("aria-pressed", inverted);
    const reduced = picture.reduced > 1 ? ` · shown at 1/${picture.reduced} of its size` : "";
    $("corner").textContent = `L ${round(level)} · W ${round(width)} · ${Math.round(100 * zoom)} %${reduced}`;
    $("side").textContent = this.volume ? SIDES[this.volume.plane] : "";
  }

  /** The slider of a volume's slices; none for an image. */
  offer(picture, place) {
    $("slices").hidden = !picture?.slices;
    if (!picture?.slices) {
      this.volume = null;
    } else if (this.volume?.place !== place) {
      const plane = "axial";
      this.volume = { place, plane, counts: picture.slices, at: {} };
      for (const [name, count] of Object.entries(picture.slices)) this.volume.at[name] = Math.floor(count / 2);
    }
    $("stage").classList.toggle("volume", Boolean(this.volume));
    this.view.turns = this.volume && ((by) => this.step(by)); // as radiologists know it
    if (this.volume) this.refresh();
    this.tell();
  }

  refresh() {
    const { plane, counts, at } = this.volume;
    $("planes").replaceChildren(...Object.keys(counts).map((name) => {
      const button = make("button", { type: "button", "aria-pressed": name === plane }, name);
      button.onclick = () => this.cut(name, at[name]);
      return button;
    }));
    $("slice").max = counts[plane] - 1;
    $("slice").value = at[plane];
    $("slice-number").textContent = `${at[plane] + 1} of ${counts[plane]}`;
  }

  /** Look at another slice. */
  cut(plane, number) {
    const { volume } = this;
    const same = plane === volume.plane;
    volume.plane = plane;
    volume.at[plane] = Math.min(volume.counts[plane] - 1, Math.max(0, number));
    this.refresh();
    this.slice({ plane, slice: volume.at[plane] }, same);
  }

  step(by) {
    if (this.volume) this.cut(this.volume.plane, this.volume.at[this.volume.plane] + by);
  }

  turn() {
    if (!this.volume) return;
    const names = Object.keys(this.volume.counts);
    const next = names[(names.indexOf(this.volume.plane) + 1) % names.length];
    this.cut(next, this.volume.at[next]);
  }
}
