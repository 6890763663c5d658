// Pages of other origins cannot use the cookie of somebody who is signed in: refused by the server where the browser
// sends it (another port of the same host is the same site), not even sent from another site. The control is a proxy
// that hides from the server what the browser says about where the request comes from: with it, it goes through.
//
// usage: node .ci/browser/cross-site.mjs [path of the usher binary]
import http from "node:http";
import { check, startChromium, startUsher, withCleanUp } from "./support.mjs";

const PASSWORD = "Correct-horse-7-battery";

function listen(server) {
  return new Promise((done) => server.listen(0, () => done(server.address().port)));
}

/** An empty page, on every path. */
function emptyPage() {
  return http.createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>page</title>"));
}

/** Passes requests on to usher as those of a program that is no browser. */
function hidingProxy(usher) {
  return http.createServer((request, answer) => {
    const headers = { ...request.headers, host: new URL(usher).host, "x-requested-with": "proxy" };
    for (const name of Object.keys(headers)) {
      if (name.startsWith("sec-fetch-") || name === "origin" || name === "content-length") delete headers[name];
    }
    const onward = http.request(usher + request.url, { method: request.method, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    request.resume();
    onward.end();
  });
}

/** What a hostile page can send without asking first: a simple request, with whatever cookies the browser adds. */
async function attack(page, url) {
  const answered = page.waitForResponse((response) => response.url() === url);
  await page.evaluate((target) => fetch(target, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => {}), url);
  const answer = await answered;
  const sent = await answer.request().allHeaders();
  return { status: answer.status(), cookie: sent.cookie ?? "", site: sent["sec-fetch-site"] };
}

/** A form that a hostile page submits by itself. */
async function submitForm(page, url) {
  const answered = page.waitForResponse((response) => response.url() === url);
  await page.evaluate((target) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: target });
    document.body.append(form);
    form.submit();
  }, url);
  return (await answered).status();
}

await withCleanUp(async (until) => {
  const usher = await startUsher({ USHER__PASSWORD__BCRYPT_COST: "10" });
  until(usher, usher.stop);
  const api = `${usher.origin}/api/v1`;
  const pages = emptyPage();
  const pagePort = await listen(pages);
  until(pages, () => pages.close());
  const proxy = hidingProxy(usher.origin);
  const proxyPort = await listen(proxy);
  until(proxy, () => proxy.close());
  const browser = await startChromium();
  until(browser, () => browser.close());

  const context = await browser.newContext();
  const own = await context.newPage();
  await own.goto(`${usher.origin}/health/live`);
  const fetchOwn = (path, body, token) =>
    own.evaluate(
      async ([url, sent, bearer]) => {
        const headers = { "Content-Type": "application/json" };
        if (bearer) headers.Authorization = `Bearer ${bearer}`;
        const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(sent) });
        return { status: answer.status, ...(await answer.json()) };
      },
      [`/api/v1${path}`, body, token],
    );
  const first = await fetchOwn("/auth/login", { identifier: "admin", password: "admin" });
  await fetchOwn("/users/me/password", { current_password: "admin", new_password: PASSWORD }, first.data.access_token);
  const refreshes = async () => (await fetchOwn("/auth/refresh", {})).status;
  const cookie = async () => (await context.cookies(usher.origin)).find((one) => one.name === "refresh_token")?.value;

  check((await refreshes()) === 200, "our own page refreshes with its cookie");
  check((await own.evaluate(() => document.cookie)) === "", "and no script sees it");

  const sameSite = await context.newPage();
  await sameSite.goto(`http://127.0.0.1:${pagePort}/`);
  const otherSite = await context.newPage();
  await otherSite.goto(`http://localhost:${pagePort}/`);
  for (const path of ["/auth/refresh", "/auth/refresh_token", "/auth/logout"]) {
    const before = await cookie();
    const near = await attack(sameSite, api + path);
    check(near.site === "same-site" && near.cookie.includes("refresh_token="), `${path} from another port: the browser sends the cookie`);
    check(near.status === 403, `${path} from another port: 403`);
    const far = await attack(otherSite, api + path);
    check(far.site === "cross-site" && far.cookie === "", `${path} from another host: the browser keeps the cookie back`);
    check(far.status === 403, `${path} from another host: 403`);
    check((await cookie()) === before, `${path}: the cookie is as it was`);
  }
  check((await refreshes()) === 200, "the session is alive, and no token was used up");

  for (const [page, where] of [[sameSite, "another port"], [otherSite, "another host"]]) {
    const address = page.url();
    const status = await submitForm(page, `${api}/auth/logout`);
    check([403, 415].includes(status), `a form from ${where}: ${status}`);
    await page.goto(address);
  }
  check((await refreshes()) === 200, "and the session is alive");

  const control = await attack(sameSite, `http://127.0.0.1:${proxyPort}/api/v1/auth/refresh`);
  check(control.status === 200, "control: the same request, without what the check looks at, refreshes");
  const logout = await attack(sameSite, `http://127.0.0.1:${proxyPort}/api/v1/auth/logout`);
  check(logout.status === 200, "control: and logs out");
  check((await refreshes()) === 401, "after which the session is dead");
});
