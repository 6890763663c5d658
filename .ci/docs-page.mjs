// Opens /docs in headless Chromium as a person would: every resource from our own origin, not one console message,
// and *Authorize* with a real token makes a real call.
//
// usage: node .ci/docs-page.mjs [path of the usher binary]    needs: npm install playwright-core, chromium on the PATH
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");
const root = resolve(import.meta.dirname, "..");
const binary = resolve(process.argv[2] ?? join(root, "target/release/usher"));
const folder = mkdtempSync(join(tmpdir(), "usher-docs-"));
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("USHER__")));
const server = spawn(binary, ["serve", "--bind", "127.0.0.1:0"], { cwd: folder, env: environment, stdio: ["ignore", "pipe", "ignore"] });
const stopped = new Promise((done) => server.on("exit", done));

function check(holds, what) {
  if (!holds) throw new Error(what);
  console.log(`ok: ${what}`);
}

async function address() {
  for await (const line of createInterface({ input: server.stdout })) {
    const found = line.match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found) return found[0];
  }
  throw new Error("the server did not say where it listens");
}

let browser;
try {
  const origin = await address();
  const login = await fetch(`${origin}/api/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "admin", password: "admin" }),
  });
  const token = (await login.json()).data.access_token;

  const executablePath = execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"];
  browser = await chromium.launch({ executablePath, args });
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
  await page.click(".auth-btn-wrapper button.authorize");
  await page.click(".auth-btn-wrapper .btn-done");
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
} finally {
  await browser?.close();
  server.kill();
  await stopped;
  rmSync(folder, { recursive: true });
}
