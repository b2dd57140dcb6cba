/** Elements of the page. Text is always text: nothing that came from data is read as HTML. */

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Show some of the elements with these ids, and hide the others. */
export function showOnly(shown, all) {
  for (const id of all) $(id).hidden = !shown.includes(id);
}

/** For screen readers, without moving the focus. */
export function say(text) {
  $("said").textContent = text;
}

/** What went wrong, for everybody; "" = nothing any more. */
export function complain(text) {
  if ($("problem").textContent === text) return; // which a screen reader would read again
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
