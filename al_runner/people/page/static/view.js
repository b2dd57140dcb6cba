/** The stage: an image that can be zoomed, moved, and looked at through a window. */

import { $ } from "./dom.js";

const SMALLEST = 0.2, LARGEST = 40;

export class View {
  constructor() {
    this.stage = $("stage");
    this.canvas = $("canvas");
    this.context = this.canvas.getContext("2d");
    this.picture = null;
    this.moves = false;
    this.pointers = new Map();
    this.home();
    new ResizeObserver(() => this.fit()).observe(this.canvas);
    this.listen();
  }

  /** Show a picture; null = nothing. With `keep`, as the one before was seen: another slice of it. */
  show(picture, keep = false) {
    const before = this.picture;
    this.picture = picture;
    if (picture && keep && before) {
      picture.now = { ...before.now };
      picture.paint();
    } else {
      this.home();
    }
    this.changed();
  }

  home() {
    this.zoom = 1;
    this.x = this.y = 0;
  }

  /** As when the image appeared. */
  reset() {
    this.home();
    this.picture?.reset();
    this.changed();
  }

  /** Follow the size of the window. */
  fit() {
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * scale));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * scale));
    this.draw();
  }

  /** Draw soon, and say how the image is seen now. */
  changed() {
    this.told?.();
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** Canvas pixels per pixel of the image, at zoom 1: all of it is seen. */
  scale() {
    const { width, height, aspect } = this.picture;
    return Math.min(this.canvas.width / width, this.canvas.height / (height * aspect));
  }

  draw() {
    const { context, canvas, picture } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!picture) return;
    const scale = this.scale() * this.zoom;
    const width = picture.width * scale, height = picture.height * picture.aspect * scale;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture.canvas, (canvas.width - width) / 2 + this.x, (canvas.height - height) / 2 + this.y, width, height);
  }

  /** Zoom by a factor; a place on the stage (in canvas pixels from its center) stays where it is. */
  zoomBy(factor, x = 0, y = 0) {
    const zoom = Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    const truly = zoom / this.zoom;
    this.x = x + (this.x - x) * truly;
    this.y = y + (this.y - y) * truly;
    this.zoom = zoom;
    this.changed();
  }

  moveBy(x, y) {
    this.x += x;
    this.y += y;
    this.changed();
  }

  /** Shift the level and widen the window, in shares of the range of values. */
  windowBy(level, width) {
    if (!this.picture) return;
    const [low, high] = this.picture.range, range = high - low || 1;
    const { from, to } = this.picture.now;
    this.setWindow((from + to) / 2 + level * range, (to - from) * Math.exp(2 * width));
  }

  setWindow(center, width) {
    const { picture } = this;
    if (!picture) return;
    const [low, high] = picture.range;
    const within = Math.min(2 * (high - low), Math.max(picture.step, width));
    picture.now.from = Math.min(high, Math.max(low, center)) - within / 2;
    picture.now.to = picture.now.from + within;
    this.repaint();
  }

  invert() {
    if (!this.picture) return;
    this.picture.now.inverted = !this.picture.now.inverted;
    this.repaint();
  }

  /** All pixels once more, at most once for each frame. */
  repaint() {
    this.stale ??= requestAnimationFrame(() => {
      this.stale = undefined;
      this.picture?.paint();
      this.draw();
    });
    this.told?.();
  }

  listen() {
    const { stage } = this;
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.turns && !event.ctrlKey) return this.turns(Math.sign(event.deltaY));
      this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...this.fromCenter(event));
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => this.isImage(event) && this.reset());
    stage.addEventListener("pointerdown", (event) => {
      if (!this.isImage(event)) return;
      stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
    });
    stage.addEventListener("pointermove", (event) => this.pointers.has(event.pointerId) && this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
  }

  isImage(event) {
    return !event.target.closest("#slices");
  }

  /** A pointer's place, in canvas pixels from the center. */
  fromCenter(event) {
    const box = this.canvas.getBoundingClientRect(), scale = window.devicePixelRatio || 1;
    return [(event.clientX - box.left - box.width / 2) * scale, (event.clientY - box.top - box.height / 2) * scale];
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    const scale = window.devicePixelRatio || 1;
    const x = event.clientX - before.clientX, y = event.clientY - before.clientY;
    if (this.pointers.size === 2) {
      const other = [...this.pointers.values()].find((each) => each.pointerId !== event.pointerId);
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      this.moveBy((x * scale) / 2, (y * scale) / 2);
      this.zoomBy(apart(event) / apart(before), ...this.fromCenter(event));
    } else if (this.moves || event.shiftKey || event.buttons & 6) {
      this.moveBy(x * scale, y * scale);
    } else {
      this.windowBy(y / this.stage.clientHeight, x / this.stage.clientWidth);
    }
    this.pointers.set(event.pointerId, event);
  }
}
