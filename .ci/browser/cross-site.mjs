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

/** What stands in front of usher: sees what the browser sends, passes it on, and hides the rest on demand. */
function makeFront() {
  const front = { usher: "", hides: false, last: null };
  front.server = http.createServer((request, answer) => {
    front.last = { path: request.url, headers: request.headers };
    const headers = front.hides ? asOfNoBrowser(request.headers) : request.headers;
    const onward = http.request(front.usher + request.url, { method: request.method, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    request.pipe(onward);
  });
  return front;
}

function asOfNoBrowser(headers) {
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith("sec-fetch-") && name !== "origin");
  return { ...Object.fromEntries(kept), "x-requested-with": "proxy" };
}

/** What a hostile page can send without asking first: a simple request, with whatever cookies the browser adds. */
async function attack(page, front, url) {
  const answered = page.waitForResponse((response) => response.url() === url);
  await page.evaluate((target) => fetch(target, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => {}), url);
  const status = (await answered).status();
  const { headers } = front.last;
  return { status, cookie: headers.cookie ?? "", site: headers["sec-fetch-site"] };
}

/** A form that a hostile page submits by itself. */
async function submitForm(context, address, url) {
  const page = await context.newPage();
  await page.goto(address);
  const navigated = page.waitForNavigation();
  await page.evaluate((target) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: target });
    document.body.append(form);
    form.submit();
  }, url);
  const status = (await navigated).status();
  await page.close();
  return status;
}

await withCleanUp(async (until) => {
  const front = makeFront();
  const origin = `http://127.0.0.1:${await listen(front.server)}`;
  until(front, () => front.server.close());
  const usher = await startUsher({ USHER__HTTP__PUBLIC_URL: origin, USHER__PASSWORD__BCRYPT_COST: "10" });
  until(usher, usher.stop);
  front.usher = usher.origin;
  const api = `${origin}/api/v1`;
  const pages = emptyPage();
  const pagePort = await listen(pages);
  until(pages, () => pages.close());
  const browser = await startChromium();
  until(browser, () => browser.close());

  const context = await browser.newContext();
  const own = await context.newPage();
  await own.goto(`${origin}/docs`); // The one page of ours that may send requests.
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
  const cookie = async () => (await context.cookies(origin)).find((one) => one.name === "refresh_token")?.value;

  check((await refreshes()) === 200, "our own page refreshes with its cookie");
  check((await own.evaluate(() => document.cookie)) === "", "and no script sees it");

  const sameSite = await context.newPage();
  await sameSite.goto(`http://127.0.0.1:${pagePort}/`);
  const otherSite = await context.newPage();
  await otherSite.goto(`http://localhost:${pagePort}/`);
  for (const path of ["/auth/refresh", "/auth/refresh_token", "/auth/logout"]) {
    const before = await cookie();
    const near = await attack(sameSite, front, api + path);
    check(near.site === "same-site" && near.cookie.includes("refresh_token="), `${path} from another port: the browser sends the cookie`);
    check(near.status === 403, `${path} from another port: 403`);
    const far = await attack(otherSite, front, api + path);
    check(far.site === "cross-site" && far.cookie === "", `${path} from another host: the browser keeps the cookie back`);
    check(far.status === 403, `${path} from another host: 403`);
    check((await cookie()) === before, `${path}: the cookie is as it was`);
  }
  check((await refreshes()) === 200, "the session is alive, and no token was used up");

  for (const [page, where] of [[sameSite, "another port"], [otherSite, "another host"]]) {
    const status = await submitForm(context, page.url(), `${api}/auth/logout`);
    check([403, 415].includes(status), `a form from ${where}: ${status}`);
  }
  check((await refreshes()) === 200, "and the session is alive");

  front.hides = true;
  const control = await attack(sameSite, front, `${api}/auth/refresh`);
  check(control.status === 200, "control: the same request, without what the check looks at, refreshes");
  const logout = await attack(sameSite, front, `${api}/auth/logout`);
  front.hides = false;
  check(logout.status === 200, "control: and logs out");
  check((await refreshes()) === 401, "after which the session is dead");
});
