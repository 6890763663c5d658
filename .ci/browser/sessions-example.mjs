// The example of docs/sessions.md, as it stands there, in a page of another origin that usher knows.
//
// usage: node .ci/browser/sessions-example.mjs [path of the usher binary]
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { check, post, root, startChromium, startUsher, withCleanUp } from "./support.mjs";

const PASSWORD = "Correct-horse-7-battery";
const document = readFileSync(join(root, "docs/sessions.md"), "utf8");
const example = document.match(/```js\n(\/\/ session\.js[\s\S]*?)```/)[1];

await withCleanUp(async (until) => {
  let api = "";
  const site = http.createServer((request, answer) => {
    if (request.url === "/session.js") {
      const script = example.replace(/const api = "[^"]*"/, `const api = "${api}"`);
      return answer.setHeader("Content-Type", "text/javascript").end(script);
    }
    answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>app</title>");
  });
  const port = await new Promise((done) => site.listen(0, "127.0.0.1", () => done(site.address().port)));
  until(site, () => site.close());
  const app = `http://127.0.0.1:${port}`;
  const usher = await startUsher({ USHER__HTTP__CORS_ORIGINS: app, USHER__AUTH__ACCESS_TTL: "1s", USHER__PASSWORD__BCRYPT_COST: "10" });
  until(usher, usher.stop);
  api = `${usher.origin}/api/v1`;
  const first = await post(`${api}/auth/login`, { identifier: "admin", password: "admin" });
  const bearer = { Authorization: `Bearer ${first.data.access_token}` };
  await post(`${api}/users/me/password`, { current_password: "admin", new_password: PASSWORD }, bearer);

  const browser = await startChromium();
  until(browser, () => browser.close());
  const context = await browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    await page.goto(app);
    return page;
  };
  const renewals = (page) => {
    const seen = [];
    page.on("request", (request) => request.url().endsWith("/auth/refresh") && request.method() === "POST" && seen.push(request));
    return seen;
  };
  const me = (page) => page.evaluate(async () => (await (await import("/session.js")).request("/users/me")).username);

  const page = await open();
  const wrong = await page.evaluate(async () => {
    const { signIn } = await import("/session.js");
    return signIn("admin", "wrong").catch((error) => error.code);
  });
  check(wrong === "INVALID_CREDENTIALS", "a wrong password is an error with its code");
  const user = await page.evaluate(async (password) => (await import("/session.js")).signIn("admin", password), PASSWORD);
  check(user.username === "admin", "signed in");
  check((await me(page)) === "admin", "a request carries the access token");

  const seen = renewals(page);
  await page.waitForTimeout(7000); // The access token lives a second, and clocks may be five apart.
  const many = await page.evaluate(async () => {
    const { request } = await import("/session.js");
    return Promise.all([1, 2, 3, 4, 5].map(async () => (await request("/users/me")).username));
  });
  check(many.every((name) => name === "admin"), "after the access token has expired, five requests at once succeed");
  check(seen.length === 1, `with one renewal for all of them (${seen.length})`);

  const tabs = await Promise.all([open(), open(), open(), open()]);
  check((await Promise.all(tabs.map(me))).every((name) => name === "admin"), "four tabs that open at once are signed in, from the cookie");
  check((await Promise.all([page, ...tabs].map(me))).every((name) => name === "admin"), "and all five stay so");

  await tabs[0].evaluate(async () => (await import("/session.js")).signOut());
  const after = await open();
  check((await after.evaluate(async () => (await import("/session.js")).resume())) === false, "after signing out in one of them a new one is not");
  const error = await after.evaluate(async () => (await import("/session.js")).request("/users/me").catch((refusal) => refusal.code));
  check(error === "UNAUTHENTICATED", "and its requests say so");
});
