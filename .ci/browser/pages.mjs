// The pages that mails link to, in headless Chromium as a person would use them: by keyboard, in light and dark, on a
// narrow screen, with every answer that the API can give. The pages come from the real server; in front of it stands
// one that gives the answers of the API, and remembers what the browser sent.
//
// usage: node .ci/browser/pages.mjs [path of the usher binary]
// SCREENSHOTS=<folder>: writes pictures of the main states there.
//
// Needs axe-core, too, in the working directory's node_modules.
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { check, post, startChromium, startUsher, withCleanUp } from "./support.mjs";

const TOKEN = "Zy_-".repeat(16);
const OTHER_TOKEN = "aB3-".repeat(16);
const PASSWORD = "Correct-horse-7-battery";
const RESET = "/auth/reset-password/confirm";
const VERIFY = "/auth/verify-email";
const PATHS = { "reset-password": RESET, "accept-invitation": RESET, "verify-email": VERIFY };
const axe = readFileSync(join(process.cwd(), "node_modules/axe-core/axe.min.js"), "utf8");

// Answers of the API.
const done = { status: 200, json: { success: true, data: {}, error: null } };
const refused = (status, code, details = [], headers = {}) => {
  const error = { code, message: "as the server says it", details, request_id: "0198c0de-0000-7000-8000-000000000001" };
  return { status, headers, json: { success: false, data: null, error } };
};
const expired = refused(400, "INVALID_OR_EXPIRED_TOKEN");
const weak = (field) =>
  refused(422, "WEAK_PASSWORD", [
    { field, code: "too_short", message: "must have at least 12 characters" },
    { field, code: "missing_digit", message: "must hold at least a digit" },
  ]);
const passwordNeeded = refused(422, "VALIDATION_FAILED", [{ field: "password", code: "required", message: "must be there" }]);
const tooMany = (wait) => refused(429, "TOO_MANY_ATTEMPTS", [], { "Retry-After": wait });
const busy = refused(503, "BUSY", [], { "Retry-After": "1" });
const broken = refused(500, "INTERNAL");
const gateway = { status: 502, text: "<h1>Bad gateway</h1>" };
const lost = "lost";

/** What stands in front of usher. `answers` are given to posts, one after the other; a function is waited for. */
function makeFront() {
  const front = { usher: "", answers: [], posts: [], requests: [] };
  front.server = http.createServer(async (request, answer) => {
    front.requests.push(request);
    answer.shouldKeepAlive = false; // On a connection that was used before, the browser itself sends again what was lost.
    if (request.method !== "POST") {
      const onward = http.request(front.usher + request.url, { headers: request.headers }, (response) => {
        answer.writeHead(response.statusCode, response.headers);
        response.pipe(answer);
      });
      return onward.end();
    }
    let body = "";
    for await (const part of request) body += part;
    front.posts.push({ path: request.url, headers: request.headers, body: JSON.parse(body) });
    const next = front.answers.shift() ?? broken; // More posts than answers: the checks count them.
    const given = typeof next === "function" ? await next() : next;
    if (given === lost) return request.socket.destroy();
    const { status, headers = {}, json, text } = given;
    answer.writeHead(status, { "Content-Type": json ? "application/json" : "text/html", ...headers });
    answer.end(text ?? JSON.stringify(json));
  });
  return front;
}

/** What each state is called, where it is, what the API answers on the way to it, what is then shown. */
const STATES = [
  ...["reset-password", "accept-invitation"].flatMap((name) => [
    { name, state: "form", answers: [], shows: { "reset-password": "Choose a new password", "accept-invitation": "Welcome" }[name] },
    { name, state: "done", answers: [done], shows: { "reset-password": "signed out everywhere", "accept-invitation": "Your account is ready" }[name] },
    { name, state: "weak", answers: [weak("new_password")], shows: "The password must have at least 12 characters." },
    { name, state: "expired", answers: [expired], shows: "no longer works" },
    { name, state: "too-many", answers: [tooMany("125")], shows: "Try again in 3 minutes." },
    { name, state: "busy", answers: [busy], shows: "Try again in 1 second" },
    { name, state: "offline", answers: [lost], shows: "could not be reached" },
    { name, state: "broken", answers: [broken], shows: "0198c0de-0000-7000-8000-000000000001" },
    { name, state: "no-token", token: "", answers: [], shows: "Please open the link in the mail" },
  ]),
  ...[
    { state: "form", answers: [], shows: "Confirm this address" },
    { state: "done", answers: [done], shows: "Your address is confirmed" },
    { state: "password", answers: [passwordNeeded], shows: "One more step" },
    { state: "password-weak", answers: [passwordNeeded, weak("password")], shows: "The password must hold at least a digit." },
    { state: "password-too-many", answers: [passwordNeeded, tooMany("40")], shows: "Try again in 40 seconds." },
    { state: "account-made", answers: [passwordNeeded, done], shows: "Your account is ready" },
    { state: "username-taken", answers: [passwordNeeded, refused(409, "USERNAME_TAKEN")], shows: "This username is taken" },
    { state: "email-taken", answers: [refused(409, "EMAIL_TAKEN")], shows: "This address already has an account" },
    { state: "expired", answers: [expired], shows: "no longer works" },
    { state: "expired-late", answers: [passwordNeeded, expired], shows: "no longer works" },
    { state: "too-many", answers: [tooMany("7200")], shows: "Try again in 2 hours." },
    { state: "busy", answers: [busy], shows: "Try again in 1 second" },
    { state: "offline", answers: [lost], shows: "could not be reached" },
    { state: "gateway", answers: [gateway], shows: "Something went wrong" },
    { state: "no-token", token: "", answers: [], shows: "Please open the link in the mail" },
  ].map((state) => ({ name: "verify-email", ...state })),
];

const PICTURES = ["reset-password-form", "reset-password-weak", "reset-password-done", "verify-email-form", "accept-invitation-form"];

const visible = (page) => page.locator("main").innerText();
const submitButton = (page) => page.locator("section:not([hidden]) [type=submit]");
const focused = (page) => page.evaluate(() => document.activeElement.tagName + (document.activeElement.id && `#${document.activeElement.id}`));

/** Presses Tab until what has the focus is this. */
async function tabTo(page, selector) {
  for (let presses = 0; presses < 10; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  throw new Error(`no Tab leads to ${selector}`);
}

await withCleanUp(async (until) => {
  const front = makeFront();
  await new Promise((listening) => front.server.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${front.server.address().port}`;
  until(front, () => front.server.close());
  const usher = await startUsher({ USHER__HTTP__PUBLIC_URL: origin });
  until(usher, usher.stop);
  front.usher = usher.origin;
  const browser = await startChromium();
  until(browser, () => browser.close());

  const problems = [];
  /** A page that notes whatever it should not do. */
  async function newPage(options = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    // That a request was refused is on the console whatever the script does; hints for developers are not for people.
    const isOurs = (message) => message.type() !== "verbose" && !message.text().startsWith("Failed to load resource");
    page.on("console", (message) => isOurs(message) && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("request", (request) => request.url().startsWith(`${origin}/`) || problems.push(`elsewhere: ${request.url()}`));
    await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`)));
    return page;
  }

  /** As by a click on a link. */
  async function open(page, name, token = TOKEN) {
    await page.goto("about:blank");
    const url = `${origin}/pages/${name}${token && `#token=${token}`}`;
    await Promise.all([page.waitForURL(`${origin}/**`), page.evaluate((target) => void setTimeout(() => location.assign(target)), url)]);
    await page.locator("#loading").waitFor({ state: "hidden" });
    Object.assign(front, { answers: [], posts: [] });
  }

  /** By keyboard alone: types the password if one is asked for, and sends. */
  async function send(page) {
    const answered = page.waitForEvent("requestfinished", (one) => one.method() === "POST").catch(() => {});
    const failed = page.waitForEvent("requestfailed", (one) => one.method() === "POST").catch(() => {});
    if (await page.locator("#password:visible").count()) {
      if (!(await page.evaluate(() => document.activeElement.id === "password"))) await tabTo(page, "#password");
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press("Enter");
    } else {
      await tabTo(page, "[type=submit]");
      await page.keyboard.press("Enter");
    }
    await Promise.race([answered, failed]);
    await page.locator("[role=status]:empty").waitFor({ state: "attached" });
  }

  for (const [width, scheme] of [[1280, "light"], [320, "dark"]]) {
    const page = await newPage({ colorScheme: scheme, viewport: { width, height: 720 } });
    for (const { name, state, token, answers, shows } of STATES) {
      const what = `${name}, ${state}, ${scheme}`;
      await open(page, name, token);
      front.answers = [...answers];
      for (const _ of answers) await send(page);
      const isRight = {
        "what it says": (await visible(page)).includes(shows),
        "where the token went": front.posts.every((one) => one.path === `/api/v1${PATHS[name]}` && one.body.token === TOKEN),
        "how often": front.posts.length === answers.length,
        "one heading": (await page.locator("h1:visible").count()) === 1,
        "the title": (await page.title()) === `${await page.locator("h1:visible").innerText()} - usher`,
        "the width": await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      };
      await page.evaluate(axe);
      for (const { impact, id, nodes } of (await page.evaluate(() => window.axe.run())).violations) {
        isRight[`${impact} ${id} at ${nodes.map((node) => node.html)}`] = false;
      }
      const wrong = Object.keys(isRight).filter((one) => !isRight[one]);
      check(wrong.length === 0, `${what}: says ${JSON.stringify(shows)}, accessible, no wider than ${width} pixels ${wrong.join("\n")}`);
    }
    await page.context().close();
  }

  const page = await newPage();
  await page.context().addCookies([{ name: "refresh_token", value: "x", url: origin }]);
  for (const name of Object.keys(PATHS)) {
    await open(page, `${name}/`);
    check((await page.locator("#start:visible").count()) === 1, `${name}/ is the same page`);
    await open(page, name);
    check(page.url() === `${origin}/pages/${name}`, `${name}: the address bar holds no token`);
    const session = await page.context().newCDPSession(page);
    const { entries } = await session.send("Page.getNavigationHistory");
    check(!JSON.stringify(entries.map((entry) => entry.url)).includes(TOKEN), `${name}: nor does the history`);
    const kept = () => JSON.stringify([document.documentElement.outerHTML, { ...localStorage }, { ...sessionStorage }, document.cookie, history.state]);
    check(!(await page.evaluate(kept)).includes(TOKEN), `${name}: nor document, storage or cookies`);
    await page.waitForTimeout(200);
    check(front.posts.length === 0, `${name}: opening it sends nothing`);

    await page.reload();
    check((await page.locator("#no-token:visible").count()) === 1, `${name}: after a reload it asks for the link`);
    await page.evaluate((token) => (location.hash = `#token=${token}`), OTHER_TOKEN);
    await page.locator("#start:visible").waitFor();
    check(page.url() === `${origin}/pages/${name}`, `${name}: another link in the same tab leaves no token either`);
    front.answers = [expired];
    await send(page);
    check(front.posts.at(-1).body.token === OTHER_TOKEN, `${name}: and its token is the one that counts`);
    for (const bad of [TOKEN.slice(1), `${TOKEN}x`, `${TOKEN.slice(1)}%2F`, `x${TOKEN.slice(1)}&a=b`.slice(0, 60)]) {
      await open(page, name, bad);
      check((await page.locator("#no-token:visible").count()) === 1, `${name}: ${bad} is no token`);
    }
    await page.goto(`${origin}/pages/${name}?token=${"q".repeat(64)}`);
    check((await page.locator("#no-token:visible").count()) === 1, `${name}: a token in the query does not count`);
  }

  for (const name of ["reset-password", "verify-email"]) {
    await open(page, name);
    let release;
    front.answers = [() => new Promise((answer) => (release = () => answer(done)))];
    if (name === "reset-password") await page.fill("#password", PASSWORD);
    const label = await submitButton(page).innerText();
    await submitButton(page).dblclick();
    await page.keyboard.press("Enter");
    await page.evaluate(() => document.forms[0].requestSubmit());
    check(await submitButton(page).isDisabled(), `${name}: while it waits, the button is disabled`);
    const waiting = await submitButton(page).innerText();
    check(waiting !== label && waiting.endsWith("…"), `${name}: and says what happens: ${waiting}`);
    check((await page.locator("[role=status]").innerText()) === waiting, `${name}: to those who listen, too`);
    while (!release) await page.waitForTimeout(20);
    release();
    await page.locator("#done:visible").waitFor();
    check(front.posts.length === 1, `${name}: a double click sends once`);
    check((await focused(page)) === "H1", `${name}: the focus is on what came of it`);
    const [sent] = front.posts;
    check(sent.headers["content-type"] === "application/json" && !sent.headers.cookie, `${name}: JSON, and no cookie`);
    check((await page.locator("#password").count()) === 0 || (await page.inputValue("#password")) === "", `${name}: the password is gone`);
  }

  await open(page, "reset-password");
  await tabTo(page, "#password");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outline);
  check(outline.includes("solid 3px"), `the focus is seen: ${outline}`);
  await page.keyboard.type("short");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  check((await page.getAttribute("#password", "type")) === "text", "Show shows the password");
  check((await page.locator(".reveal").textContent()) === "Hide password", "and then offers to hide it");
  await page.keyboard.press("Space");
  check((await page.getAttribute("#password", "type")) === "password", "Hide hides it");
  check((await page.getAttribute("#password", "autocomplete")) === "new-password", "a password manager knows what it is for");
  front.answers = [weak("new_password"), lost, busy, done];
  await tabTo(page, "[type=submit]");
  await page.keyboard.press("Enter");
  await page.locator("#faults li").first().waitFor();
  check((await page.inputValue("#password")) === "short", "a weak password stays as it was typed");
  check((await focused(page)) === "INPUT#password", "the focus is on it");
  check((await page.getAttribute("#password", "aria-invalid")) === "true", "it is marked");
  const description = await page.evaluate(() => {
    const ids = document.activeElement.getAttribute("aria-describedby").split(" ");
    return ids.map((id) => document.getElementById(id).innerText).join(" ");
  });
  check(description.includes("The password must hold at least a digit."), "and described by its faults");
  await page.keyboard.press("End");
  await page.keyboard.type("-but-longer-7");
  await page.keyboard.press("Enter");
  await page.getByText("could not be reached").waitFor();
  check((await page.locator("#faults li").count()) === 0 && !(await page.getAttribute("#password", "aria-invalid")), "old faults are gone");
  check((await page.evaluate(() => document.activeElement.className)) === "problem", "the focus is on the problem");
  await tabTo(page, "[type=submit]");
  await page.keyboard.press("Enter");
  await page.getByText("Try again in 1 second").waitFor();
  await tabTo(page, "[type=submit]");
  await page.keyboard.press("Enter");
  await page.locator("#done:visible").waitFor();
  const passwords = front.posts.map((one) => one.body.new_password);
  check(passwords.join() === `short${",short-but-longer-7".repeat(3)}`, "after a lost connection and a busy server nothing had to be typed again");
  check(front.posts.every((one) => Object.keys(one.body).join() === "token,new_password"), "and nothing else was sent");

  await open(page, "verify-email");
  front.answers = [passwordNeeded, done];
  await submitButton(page).click();
  await page.locator("#password-needed:visible").waitFor();
  check((await focused(page)) === "H1", "where a password is needed the focus is on what says so");
  await send(page);
  check(JSON.stringify(front.posts[0].body) === JSON.stringify({ token: TOKEN }), "the address is confirmed with the token alone");
  check(JSON.stringify(front.posts[1].body) === JSON.stringify({ token: TOKEN, password: PASSWORD }), "an account is made with token and password");

  await open(page, "reset-password");
  await submitButton(page).click();
  check(front.posts.length === 0 && (await focused(page)) === "INPUT#password", "an empty password is not sent");

  const still = await newPage({ reducedMotion: "reduce" });
  await open(still, "reset-password");
  check((await submitButton(still).evaluate((button) => getComputedStyle(button).transitionDuration)) === "0s", "nothing moves for those who want it so");
  const plain = await newPage({ javaScriptEnabled: false });
  await plain.goto(`${origin}/pages/reset-password#token=${TOKEN}`);
  check((await visible(plain)).includes("This page needs JavaScript") && !(await visible(plain)).includes("One moment"), "without scripts it says what is missing");
  const late = await newPage();
  await late.route("**/page.js", (route) => route.fulfill({ status: 404 }));
  await late.goto(`${origin}/pages/reset-password#token=${TOKEN}`);
  await late.getByText("One moment").waitFor();
  check((await visible(late)).includes("open the link in the mail again"), "and if the script does not come, what to do");

  const weights = [];
  const light = await newPage();
  light.on("response", async (response) => weights.push((await response.body()).length));
  await open(light, "verify-email");
  await light.waitForLoadState("networkidle");
  const weight = weights.reduce((sum, one) => sum + one, 0);
  check(weight > 5_000 && weight < 15_000, `a page with all that it needs has ${weight} bytes`);

  if (process.env.SCREENSHOTS) {
    for (const scheme of ["light", "dark"]) {
      const shown = await newPage({ colorScheme: scheme, viewport: { width: 560, height: 520 } });
      for (const { name, state, answers } of STATES) {
        if (!PICTURES.includes(`${name}-${state}`)) continue;
        await open(shown, name);
        front.answers = [...answers];
        for (const _ of answers) await send(shown);
        await shown.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${state}-${scheme}.png`) });
      }
    }
  }

  const referred = front.requests.filter((request) => request.headers.referer);
  check(referred.length === 0, "no request says where it came from");
  check(!front.requests.some((request) => [TOKEN, OTHER_TOKEN].some((token) => request.url.includes(token))), "no token is in any address that was asked for");
  check(problems.length === 0, `nothing on the console, nothing from elsewhere ${problems.join("\n")}`);

  for (const [path, body] of [[RESET, { token: TOKEN, new_password: PASSWORD }], [VERIFY, { token: TOKEN }]]) {
    const answer = await post(`${usher.origin}/api/v1${path}`, body);
    check(answer.status === 400 && answer.error.code === "INVALID_OR_EXPIRED_TOKEN", `${path} is there, and knows no such token`);
  }
});
