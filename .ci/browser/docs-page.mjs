// Opens /docs in headless Chromium as a person would: every resource from our own origin, not one console message,
// and *Authorize* with a real token makes a real call.
//
// usage: node .ci/browser/docs-page.mjs [path of the usher binary]
import { check, post, startChromium, startUsher, withCleanUp } from "./support.mjs";

await withCleanUp(async (until) => {
  const usher = await startUsher();
  until(usher, usher.stop);
  const { origin } = usher;
  const token = (await post(`${origin}/api/v1/auth/login`, { username: "admin", password: "admin" })).data.access_token;

  const browser = await startChromium();
  until(browser, () => browser.close());
  const page = await browser.newPage();
  const [messages, elsewhere] = [[], []];
  page.on("console", (message) => messages.push(message.text()));
  page.on("pageerror", (error) => messages.push(String(error)));
  page.on("request", (request) => request.url().startsWith(origin) || request.url().startsWith("data:") || elsewhere.push(request.url()));

  for (const path of ["/docs", "/docs/"]) {
    await page.goto(origin + path);
    await page.waitForSelector("#operations-own_account-get_me, [id$='-get_me']");
    check((await page.locator(".opblock").count()) > 5, `${path} lists the operations`);
  }
  await page.click("button.authorize");
  await page.fill("input[aria-label='auth-bearer-value'], .auth-container input", token);
  await page.locator(".auth-btn-wrapper button.authorize").first().click();
  await page.locator(".auth-btn-wrapper .btn-done").first().click();
  const operation = page.locator("[id$='-get_me']").first();
  await operation.locator(".opblock-summary-control").click();
  await operation.locator(".try-out__btn").click();
  await operation.locator(".execute").click();
  const status = operation.locator(".live-responses-table .response-col_status").filter({ hasText: /\d{3}/ });
  await status.first().waitFor();
  check((await status.first().textContent()).trim().startsWith("200"), "Authorize, then GET /users/me: 200");
  check(elsewhere.length === 0, `nothing is fetched from elsewhere ${elsewhere}`);
  check(messages.length === 0, `the console stays empty ${messages.join("\n")}`);
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: false });
});
