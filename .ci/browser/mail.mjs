// What a person does with the mails of usher, in headless Chromium: opens their links, proves an address, sets a lost
// password anew, accepts an invitation, changes the address. Mails come from the real server by SMTP, to a mail server
// that is none of ours.
//
// usage: node .ci/browser/mail.mjs [path of the usher binary]
//
// Needs smtp-server and postal-mime, too, in the working directory's node_modules.
import { createRequire } from "node:module";
import { join } from "node:path";
import { check, post, startChromium, startUsher, withCleanUp } from "./support.mjs";

const require = createRequire(join(process.cwd(), "package.json"));
const { SMTPServer } = require("smtp-server");
const PostalMime = require("postal-mime");

const FIRST = "Analytical-3ngine";
const SECOND = "Difference-3ngine";
const PATIENCE = 20_000;

/** A mail server that keeps what it gets. */
async function startMailServer() {
  const mails = [];
  const onData = async (stream, session, done) => {
    const parts = [];
    for await (const part of stream) parts.push(part);
    const mail = await PostalMime.parse(Buffer.concat(parts));
    mails.push({ ...mail, to: session.envelope.rcptTo.map((to) => to.address) });
    done();
  };
  const server = new SMTPServer({ disabledCommands: ["AUTH", "STARTTLS"], onData });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const stop = () => new Promise((closed) => server.close(closed));
  return { url: `smtp://127.0.0.1:${server.server.address().port}?tls=none`, mails, stop };
}

/** The first mail to this address whose subject fits, once it has come. */
async function mailTo(mails, address, subject) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((wait) => setTimeout(wait, 50))) {
    const found = mails.find((mail) => mail.to.includes(address) && subject.test(mail.subject));
    if (found) return found;
  }
  throw new Error(`no mail ${subject} to ${address} among ${mails.map((mail) => `${mail.subject} to ${mail.to}`).join(", ")}`);
}

/** The link of a mail: the same in the text and in the HTML. */
function linkIn(mail) {
  const link = mail.text.match(/http\S+#token=\S+/)[0];
  check(mail.html.replaceAll("&#x2f;", "/").includes(`href="${link}"`), `the HTML of "${mail.subject}" has the same link`);
  return link;
}

const settings = (url) => ({
  USHER__MAIL__TRANSPORT: "smtp",
  USHER__MAIL__FROM: "Example <no-reply@example.com>",
  USHER__MAIL__SMTP__URL: url,
  USHER__REGISTRATION__MODE: "verified",
});

await withCleanUp(async (started) => {
  const mailServer = await startMailServer();
  started(mailServer, mailServer.stop);
  const usher = await startUsher(settings(mailServer.url));
  started(usher, usher.stop);
  const browser = await startChromium();
  started(browser, () => browser.close());
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));

  const api = `${usher.origin}/api/v1`;
  const { mails } = mailServer;
  const login = async (identifier, password) => post(`${api}/auth/login`, { identifier, password, token_delivery: "body" });
  const choosePassword = async (password) => {
    await page.fill("input[autocomplete=new-password]", password);
    await page.keyboard.press("Enter");
  };
  const heading = (text) => page.getByRole("heading", { name: text }).waitFor();

  const wish = await post(`${api}/auth/signup`, { username: "ada", email: "ada@example.org" });
  check(wish.status === 202, "a sign-up is taken up");
  await page.goto(linkIn(await mailTo(mails, "ada@example.org", /Confirm your address/)));
  check((await login("ada", FIRST)).status === 401, "there is no account before the address is proven");
  await page.getByRole("button", { name: /confirm/i }).click();
  await page.waitForSelector("input[autocomplete=new-password]:visible");
  await choosePassword(FIRST);
  await heading("Your account is ready");
  const ada = await login("ada", FIRST);
  check(ada.status === 200 && ada.data.user.email_verified, "the page has made the account, its address proven");

  await post(`${api}/auth/reset-password`, { email: "ada@example.org" });
  await page.goto(linkIn(await mailTo(mails, "ada@example.org", /Set a new password/)));
  await choosePassword("short");
  await page.getByText(/at least 8 characters/).waitFor();
  await choosePassword(SECOND);
  await heading("Your password is changed");
  await mailTo(mails, "ada@example.org", /was changed/);
  check((await login("ada", FIRST)).status === 401, "the old password is no good any more");
  const again = await login("ada", SECOND);
  check(again.status === 200, "the password that the page has set is");

  const bearer = { Authorization: `Bearer ${again.data.access_token}` };
  const change = { email: "lovelace@example.org", current_password: SECOND };
  check((await post(`${api}/users/me/email`, change, bearer)).status === 202, "a change of address is taken up");
  await mailTo(mails, "ada@example.org", /to get another address/);
  await page.goto(linkIn(await mailTo(mails, "lovelace@example.org", /Confirm your new address/)));
  await page.getByRole("button", { name: /confirm/i }).click();
  await heading("Your address is confirmed");
  await mailTo(mails, "ada@example.org", /has another address/);
  check((await login("lovelace@example.org", SECOND)).status === 200, "the new address is in force");

  const first = await login("admin", "admin");
  const passwords = { current_password: "admin", new_password: "Correct-horse-7-battery" };
  const changed = await post(`${api}/users/me/password`, passwords, { Authorization: `Bearer ${first.data.access_token}` });
  const admin = { Authorization: `Bearer ${changed.data.access_token}` };
  const invited = await post(`${api}/users`, { username: "grace", email: "grace@example.org" }, admin);
  check(invited.status === 201, "somebody is invited");
  await page.goto(linkIn(await mailTo(mails, "grace@example.org", /Your account/)));
  await choosePassword(FIRST);
  await heading("Your account is ready");
  check((await login("grace", FIRST)).status === 200, "and has chosen a password");
  const unexpected = complaints.filter((text) => !/status of (400|409|422)/.test(text));
  check(unexpected.length === 0, `the browser has nothing to complain of: ${unexpected.join("; ")}`);
});
