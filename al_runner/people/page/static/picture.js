/** Original pixels, and the canvas that shows them through a window. */

const BLACK = 0xff000000;

export class Picture {
  constructor({ told, buffer }) {
    Object.assign(this, told);
    this.pixels = this.kind === "gray16" ? new Uint16Array(buffer) : new Uint8Array(buffer);
    this.canvas = document.createElement("canvas");
    this.canvas.width = this.width;
    this.canvas.height = this.height;
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(this.width, this.height);
    this.shades = new Uint32Array(this.kind === "gray16" ? 65536 : 256);
    this.reset();
  }

  /** The window that the file asks for. */
  reset() {
    const first = { from: this.window[0], to: this.window[1], inverted: this.inverted };
    if (this.now && Object.keys(first).every((key) => first[key] === this.now[key])) return;
    this.now = first;
    this.paint();
  }

  /** The values that any window lies between. */
  get range() {
    const highest = this.low + this.step * (this.shades.length - 1);
    return [Math.min(this.low, this.window[0]), this.kind === "gray16" ? Math.max(this.window[1], Math.min(highest, this.most)) : highest];
  }

  /** The highest value that occurs. */
  get most() {
    if (this.found === undefined) {
      let most = 0;
      for (const pixel of this.pixels) if (pixel > most) most = pixel;
      this.found = this.low + this.step * most;
    }
    return this.found;
  }

  /** Put all pixels through the window. */
  paint() {
    this.shade();
    const target = new Uint32Array(this.image.data.buffer);
    const { pixels, shades } = this;
    if (this.kind === "rgb8") {
      for (let place = 0, at = 0; place < target.length; place++, at += 3) {
        const red = shades[pixels[at]] & 0xff, green = shades[pixels[at + 1]] & 0xff00, blue = shades[pixels[at + 2]] & 0xff0000;
        target[place] = BLACK | red | green | blue;
      }
    } else {
      for (let place = 0; place < target.length; place++) target[place] = shades[pixels[place]];
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** The gray of each pixel value, as four bytes. */
  shade() {
    const { from, to, inverted } = this.now;
    const width = Math.max(to - from, 1e-12);
    for (let value = 0; value < this.shades.length; value++) {
      const share = Math.min(1, Math.max(0, (this.low + this.step * value - from) / width));
      const gray = Math.round(255 * (inverted ? 1 - share : share));
      this.shades[value] = BLACK | (gray << 16) | (gray << 8) | gray;
    }
  }
}

/** The last pictures that were asked for: promises, by question and slice. */
export class Shelf {
  constructor(load, size) {
    this.load = load;
    this.size = size;
    this.kept = new Map();
  }

  get(key, ...values) {
    const found = this.kept.get(key) ?? this.load(...values);
    this.kept.delete(key);
    this.kept.set(key, found);
    found.catch(() => this.kept.delete(key));
    while (this.kept.size > this.size) this.kept.delete(this.kept.keys().next().value);
    return found;
  }

  clear() {
    this.kept.clear();
  }
}
