/** The page: who labels, the round that waits, and what lies between the rounds. */

import { get } from "./api.js";
import { $, complain, showOnly } from "./dom.js";
import { listen } from "./keys.js";
import { Panel } from "./panel.js";
import { Pause } from "./pause.js";
import { Round } from "./round.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";

const BY = "al-label by", OFTEN = 1000, SELDOM = 30000;
let by = "", timer = 0;

const view = new View();
const panel = new Panel((label) => round.answer(label));
const tools = new Tools(view, (values, same) => round.slice(values, same));
const round = new Round(panel, view, tools, () => look());
const pause = new Pause(reopen, () => round.undo().then(() => !round.isLeft && work()));

/** Ask the server for everything. */
async function start(initials) {
  const told = await get("start", initials ? { by: initials } : {});
  if (!told.by) return askWho();
  by = told.by;
  if (!told.fixed) localStorage.setItem(BY, by);
  $("reader").hidden = told.fixed;
  $("reader").textContent = by;
  $("reader").setAttribute("aria-label", `${by} labels; somebody else`);
  begin(told);
}

function begin(told) {
  panel.progress(told);
  if (told.classes) round.begin(told, by);
  if (["label", "full"].includes(told.state) && told.queue.length) work();
  else rest(told);
}

function askWho() {
  clearTimeout(timer);
  $("reader").hidden = true;
  showOnly(["who"], ["who", "work", "pause"]);
  $("initials").focus();
}

/** Show the question whose turn it is. */
function work() {
  pause.leave();
  showOnly(["work"], ["who", "work", "pause"]);
  watch(SELDOM);
  round.show();
}

/** Nothing is to be shown: say why, and look again soon. */
function rest(told) {
  pause.show(told, by, (round.history ?? []).length > 0);
  panel.progress(told);
  watch(OFTEN);
}

/** From the pause to the answers, or on with what the server says. */
function reopen(step, told) {
  if (told) return rest(told);
  pause.leave();
  showOnly(["work"], ["who", "work", "pause"]);
  round.go(step);
}

function watch(pace) {
  clearTimeout(timer);
  timer = setTimeout(look, pace);
}

/** What has changed meanwhile: that somebody is here is noted, too. */
async function look() {
  clearTimeout(timer);
  try {
    const told = await get("state", { by });
    complain("");
    await changed(told);
  } catch (error) {
    complain(error.message);
    watch(OFTEN);
  }
}

async function changed(told) {
  const isNew = told.round !== round.round;
  const working = !$("work").hidden && !round.isLeft && !isNew && ["label", "full", "failed"].includes(told.state);
  if (working) {
    round.told = told;
    panel.progress(told);
    return watch(SELDOM);
  }
  const asks = ["label", "full"].includes(told.state) && told.queue?.length;
  if (!asks) return rest(told);
  if (!isNew) {
    round.take(told);
    return work();
  }
  const whole = await get("start", { by });
  round.begin(whole, by);
  showOnly(["pause"], ["who", "work", "pause"]);
  return pause.ready(whole, work);
}

async function guess() {
  if ($("guessing").hidden) return;
  if (!$("guesses").hidden) return panel.hideGuess(true);
  try {
    panel.showGuess(await round.guess());
  } catch (error) {
    complain(error.message);
  }
}

$("who-form").onsubmit = (event) => {
  event.preventDefault();
  complain("");
  start($("initials").value.trim()).catch((error) => complain(error.message));
};
$("reader").onclick = askWho;
$("help-open").onclick = () => $("help").showModal();
$("back").onclick = () => round.go(-1);
$("forward").onclick = () => round.go(1);
$("undo").onclick = () => round.undo();
$("guess").onclick = guess;
listen(round, panel, view, tools, guess);
if (location.search) history.replaceState(null, "", "/"); // the token is in the cookie now
start(localStorage.getItem(BY)).catch((error) => complain(error.message));
