/** What the server is asked. */

/** It answered that something cannot be done, and why. */
export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw new Refused(0, "al-label does not answer: is it still running in the terminal?");
  }
  if (!response.ok) throw new Refused(response.status, await response.text());
  return response;
}

export async function get(path, values = {}) {
  return (await ask(`/api/${path}?${new URLSearchParams(values)}`)).json();
}

export async function post(path, values) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(values) })).json();
}

/** An image's pixels and what is known of them. */
export async function pixels(round, place, values = {}) {
  const response = await ask(`/api/image/${round}/${place}?${new URLSearchParams(values)}`);
  return { told: JSON.parse(response.headers.get("X-Picture")), buffer: await response.arrayBuffer() };
}
