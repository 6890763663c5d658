// What the tests in a browser share: a server of their own, a headless Chromium, a check that says what it saw.
//
// Needs playwright-core in the working directory's node_modules, and chromium on the PATH.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");
export const root = resolve(import.meta.dirname, "../..");
const binary = resolve(process.argv[2] ?? join(root, "target/release/usher"));

export function check(holds, what) {
  if (!holds) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}

/** A fresh usher on a free port; `settings` are environment variables. */
export async function startUsher(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "usher-browser-"));
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("USHER__")));
  const environment = { ...inherited, ...settings };
  const server = spawn(binary, ["serve", "--bind", "127.0.0.1:0"], { cwd: folder, env: environment, stdio: ["ignore", "pipe", "ignore"] });
  const stopped = new Promise((done) => server.on("exit", done));
  const stop = async () => {
    server.kill();
    await stopped;
    rmSync(folder, { recursive: true });
  };
  for await (const line of createInterface({ input: server.stdout })) {
    const found = line.match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found) return { origin: found[0], stop };
  }
  throw new Error("the server did not say where it listens");
}

export function startChromium() {
  const executablePath = execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"];
  return chromium.launch({ executablePath, args });
}

/** A request from no browser. */
export async function post(url, body, headers = {}) {
  const sent = { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
  const answer = await fetch(url, sent);
  return { status: answer.status, headers: answer.headers, ...(await answer.json()) };
}

/** Runs the test, and stops what it has started. */
export async function withCleanUp(test) {
  const started = [];
  try {
    await test((one, stop) => {
      started.unshift(stop);
      return one;
    });
  } finally {
    for (const stop of started) await stop();
  }
}
