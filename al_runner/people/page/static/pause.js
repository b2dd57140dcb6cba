/** Between the rounds: all is answered, the run trains, or it is done. */

import { get, post } from "./api.js";
import { $, complain, say, showOnly } from "./dom.js";
import { summary } from "./summary.js";

const TITLES = {
  full: "All images of this round have an answer",
  training: "The model is training",
  finished: "The run is finished",
  failed: "The run has stopped",
  stopped: "The run asks for nothing now",
  label: "The last images are on another reader’s screen",
};
const SAID = {
  full: "The model can learn from them now. Then it asks for the next ones.",
  finished: "Nothing more is asked. This page can be closed; end al-label in the terminal with Ctrl-C.",
  stopped: "It was ended while it trained. Start the same al-run again; this page goes on by itself.",
  label: "They are free again if they are not answered within five minutes.",
};

const STOP = "Stop the run here? It ends with the rounds that it has, and asks for nothing more. This cannot be undone.";

const AT_ONCE = 400; // milliseconds in which a key was meant for the last image

export class Pause {
  /** `open()` shows the round again; `undo()` takes the last answer back. */
  constructor(open, undo) {
    this.open = open;
    $("train").onclick = () => this.begin("train");
    $("stop").onclick = () => confirm(STOP) && this.begin("stop");
    $("look-back").onclick = () => open(-1);
    $("pause-undo").onclick = undo;
  }

  async show(told, by, hasAnswers) {
    this.by = by;
    this.round = told.round;
    const before = this.state;
    this.state = told.state;
    showOnly(["pause"], ["who", "work", "pause"]);
    $("pause-title").textContent = TITLES[told.state];
    $("pause-said").textContent = this.words(told);
    $("training").hidden = told.state !== "training";
    $("train").hidden = !(told.state === "full" || (told.state === "failed" && told.done === told.total && told.total));
    $("train").textContent = told.state === "failed" ? "Try again" : "Train and ask next";
    $("go-on").hidden = true;
    $("stop").hidden = !told.can_stop;
    $("look-back").hidden = $("pause-undo").hidden = !(hasAnswers && ["full", "label", "failed"].includes(told.state));
    if (before !== told.state) {
      this.since = performance.now();
      say(TITLES[told.state]);
      ($("train").hidden ? $("pause-title") : $("train")).focus();
      await this.summarize();
    }
  }

  words(told) {
    const said = told.said || SAID[told.state] || "";
    const second = told.state === "full" && told.second_readings;
    return second ? `${said} ${second} of the images wait for a second reader; who trains now goes on without.` : said;
  }

  async summarize() {
    try {
      $("summary").replaceChildren(...summary(await get("summary")));
    } catch (error) {
      complain(error.message);
    }
  }

  /** The run asks again: first what it has learned, then its questions. */
  async ready(told, begin) {
    this.state = undefined;
    this.round = told.round;
    await this.summarize();
    $("pause-title").textContent = `Round ${told.round}: ${told.total - told.done} images to label`;
    $("pause-said").textContent = "This is what the model has learned so far.";
    showOnly(["go-on", ...(told.can_stop ? ["stop"] : [])], ["train", "training", "look-back", "pause-undo", "go-on", "stop"]);
    $("go-on").textContent = "Label the next images";
    $("go-on").onclick = begin;
    say($("pause-title").textContent);
    $("go-on").focus();
  }

  /** `what`: "train" lets the run go on, "stop" ends it. */
  async begin(what) {
    if (performance.now() - this.since < AT_ONCE) return;
    $(what).disabled = true;
    try {
      complain("");
      this.open(0, await post(what, { by: this.by, round: this.round }));
    } catch (error) {
      complain(error.message);
    } finally {
      $(what).disabled = false;
    }
  }

  leave() {
    this.state = undefined;
  }
}
