// What the pages do that mails link to: take the token out of the address, send it when somebody says so, and show the
// view that fits the answer. The token is kept nowhere but here.

/** Milliseconds; beyond what the server takes for its answer. */
const PATIENCE = 30_000;

const api = document.documentElement.dataset.api;
const views = document.querySelectorAll("section");
const status = document.querySelector("[role=status]");
let token = "";

/** Starts, with the token that the address holds, which is taken out of it and of the history. */
function begin() {
  token = location.hash.match(/^#token=([\w-]{64})(?![\w-])/)?.[1] ?? "";
  history.replaceState(null, "", location.pathname);
  for (const form of document.forms) empty(form);
  show(token ? "start" : "no-token");
}

function show(name) {
  for (const view of views) view.hidden = view.id !== name;
  const heading = document.querySelector(`#${name} h1`);
  document.title = `${heading.textContent} - usher`;
  heading.focus();
}

function empty(form) {
  form.reset();
  if (form.elements.password) reveal(form, false);
  clear(form);
}

function clear(form) {
  form.querySelector(".problem").textContent = "";
  form.querySelector("#faults")?.replaceChildren();
  form.elements.password?.removeAttribute("aria-invalid");
}

function reveal(form, visible) {
  form.elements.password.type = visible ? "text" : "password";
  form.querySelector(".reveal").firstChild.data = visible ? "Hide" : "Show";
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const button = form.querySelector("[type=submit]");
  if (button.disabled) return;
  clear(form);
  const label = button.textContent;
  button.disabled = true;
  button.textContent = status.textContent = button.dataset.waiting;

  const sent = token;
  const input = form.elements.password;
  const answer = await post(api + form.dataset.path, input ? { token, [input.name]: input.value } : { token });
  button.disabled = false;
  button.textContent = label;
  status.textContent = "";
  if (sent === token) judge(form, answer);
}

/** What the server says; nothing if it could not be reached. */
async function post(url, body) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE);
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), credentials: "omit", signal: stop.signal });
    const { error } = await answer.json().catch(() => ({}));
    return { ok: answer.ok, status: answer.status, wait: Number(answer.headers.get("Retry-After")), error: error ?? {} };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function judge(form, answer) {
  if (answer?.ok) {
    token = "";
    empty(form);
    return show(form.dataset.done);
  }
  const { code, details = [] } = answer?.error ?? {};
  if ([...views].some((view) => view.id === code)) return show(code);
  const input = form.elements.password;
  if (!input && details.some((detail) => detail.field === "password" && detail.code === "required")) return show("password-needed");
  const faults = details.filter((detail) => detail.field === input?.name);
  if (faults.length > 0) return blame(form, faults);
  const problem = form.querySelector(".problem");
  problem.textContent = inWords(answer);
  problem.focus();
}

/** Says what is wrong with the password, and leaves it as it was typed. */
function blame(form, faults) {
  const items = faults.map((fault) => {
    const item = document.createElement("li");
    item.textContent = `The password ${fault.message}.`;
    return item;
  });
  form.querySelector("#faults").replaceChildren(...items);
  form.elements.password.setAttribute("aria-invalid", "true");
  form.elements.password.focus();
}

function inWords(answer) {
  if (!answer) return "The service could not be reached. See whether you are connected, then try again: nothing is lost.";
  const { status, wait, error } = answer;
  if (status === 429) return `That was tried too often. Try again in ${duration(wait)}.`;
  if (status === 503) return `The service is busy. Try again in ${duration(wait)}: nothing is lost.`;
  const trace = error.request_id ? ` and the number ${error.request_id}` : "";
  return `Something went wrong. Try again later; if it stays so, tell those who run this service${trace}.`;
}

function duration(seconds) {
  const [count, unit] = seconds < 100 ? [seconds, "second"] : seconds < 6000 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const whole = Math.ceil(count);
  if (!(whole > 0)) return "a moment";
  return whole === 1 ? `1 ${unit}` : `${whole} ${unit}s`;
}

for (const form of document.forms) {
  form.addEventListener("submit", submit);
  form.querySelector(".reveal")?.addEventListener("click", () => reveal(form, form.elements.password.type === "password"));
}
// Another link that is opened in the same tab loads nothing anew.
addEventListener("hashchange", () => location.hash && begin());
begin();
