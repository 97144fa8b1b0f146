// The page of the loopback API, used as people use it: by keyboard, on a phone, in the dark; with a file that breaks and an
// application that fails. In: $BURGEE, $CHROMIUM. Out: node's test report; pictures in $SCREENSHOTS.
"use strict";
const { after, before, beforeEach, afterEach, test } = require("node:test");
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const GOOD = `version: 1
attributes: {country: header.x-country, plan: header.x-plan}
segments:
  staff: {user: [ann, bo]}
  us-pro: {country: [US, CA], plan: pro}
features:
  dark-mode: on
  checkout:
    description: Does a <b>green</b> button sell more? <img src=x onerror="document.title='taken over'">
    variants: {control: {color: blue}, treatment: {color: green}}
    rules:
      - {when: staff, serve: treatment}
      - {when: {path: {prefix: /legacy}}, serve: off}
    serve: {control: 50%, treatment: 50%}
  pro-only: {when: us-pro, serve: on}
  someday: {status: draft, rollout: 10%}
  gone: {status: paused, rollout: 50%}
`;

// An application that fails one in four with the treatment, one in ten for professionals, and says what it used.
let turn = 0, professional = 0;
const application = http.createServer((request, response) => {
  if (request.headers["x-feature-checkout"] === "treatment" && turn++ % 4 === 0) response.statusCode = 500;
  if (request.headers["x-plan"] === "pro" && professional++ % 10 === 0) response.statusCode = 500;
  response.setHeader("X-Feature-Used", "checkout");
  if (request.url === "/buy") response.setHeader("X-Feature-Goal", "purchase");
  response.end("ok");
});

let browser, burgee, context, page, file, at, seen;

const start = (toggles, upstream, more = []) => new Promise((resolve, reject) => {
  const flags = ["run", "--toggles", toggles, "--upstream", upstream, "--log-format", "json", "--poll", "100ms", "--workers", "1", ...more];
  for (const door of ["listen", "admin-listen", "api-listen"]) flags.push(`--${door}`, "127.0.0.1:0");
  const child = spawn(process.env.BURGEE, flags, { stdio: ["ignore", "ignore", "pipe"], env: {} });
  let text = "";
  child.stderr.on("data", (data) => {
    text += data;
    for (const line of text.split("\n")) if (line.includes("burgee listens")) resolve({ child, ...JSON.parse(line) });
  });
  child.on("exit", (code) => reject(new Error(`burgee ended with ${code}: ${text}`)));
});
const write = (text) => {
  fs.writeFileSync(`${file}.next`, text);
  fs.renameSync(`${file}.next`, file);
};
const visit = (user, url = "/", fields = {}) => new Promise((resolve, reject) => {
  const [host, port] = burgee.listen.split(":");
  http.get({ host, port, path: url, headers: { "x-user-id": user, ...fields } }, (response) => response.resume().on("end", resolve)).on("error", reject);
});
const open = async (options = {}, state = /^in force/) => {
  context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  page = await context.newPage();
  seen = { errors: [], origins: new Set() };
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  page.on("dialog", (dialog) => { seen.errors.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => seen.origins.add(request.url().startsWith("data:") ? "data:" : new URL(request.url()).origin));
  await page.goto(at);
  await page.getByRole("status").filter({ hasText: state }).waitFor();
};
const picture = async (name) => {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
};
const until = (what, holds, argument) => page.waitForFunction(holds, argument, { timeout: 20000 }).catch((error) => assert.fail(`never: ${what}: ${error.message}`));

before(async () => {
  await new Promise((resolve) => application.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
});
after(async () => {
  await browser?.close();
  application.close();
  application.closeAllConnections();
});
beforeEach(async () => {
  file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "burgee-page-")), "toggles.yaml");
  write(GOOD);
  burgee = await start(file, `http://127.0.0.1:${application.address().port}`);
  at = `http://${burgee.api}/`;
});
afterEach(async () => {
  await context?.close();
  burgee.child.removeAllListeners("exit");
  burgee.child.kill();
  fs.rmSync(path.dirname(file), { recursive: true });
});

test("somebody types a user and reads the variant and why", async () => {
  await open();
  await page.getByLabel("User").fill("ann");
  await page.getByRole("button", { name: "Show the decisions" }).click();
  const row = page.locator('[data-feature="checkout"]');
  await row.getByText("treatment", { exact: true }).waitFor();
  assert.match(await row.textContent(), /TARGETING_MATCH.*rule 1 matches: in segment staff \(user is ann\)/);
  assert.equal(await page.locator('[data-feature="pro-only"] .pill').textContent(), "off");
  await page.getByLabel("country").fill("US");
  await page.getByLabel("plan").fill("pro");
  await page.keyboard.press("Enter");
  await page.locator('[data-feature="pro-only"]').getByText("on", { exact: true }).waitFor();
  assert.equal(await page.locator('[data-feature="someday"]').count(), 0, "a draft has no variant");
  assert.deepEqual(seen.errors, []);
});

test("every feature is there with its sentence", async () => {
  await open();
  for (const sentence of [
    "dark-mode: everybody gets on.",
    "checkout: staff get treatment; requests whose path begins with /legacy get off; of everybody else, half get control, half get treatment.",
    "pro-only: us-pro get on; everybody else gets off.",
    "someday (draft: no header without an override): 10% get on, the rest off.",
    "gone is paused: everybody gets off.",
  ]) await page.getByText(sentence, { exact: true }).waitFor();
});

test("a broken file shows its problems, what was good stays, and a mended file takes over", async () => {
  await open();
  const revision = await page.locator("#facts code").textContent();
  write(GOOD.replace("rollout: 10%", "rollout: 110%").replace("dark-mode: on", "dark-mode: maybe"));
  await until("two problems", () => document.querySelectorAll("#problems li.bad").length === 2);
  const problems = await page.locator("#problems").textContent();
  assert.match(problems, /toggles\.yaml:7:14: .*dark-mode/);
  assert.match(problems, /toggles\.yaml:16:\d+: .*110%/);
  assert.match(await page.getByRole("status").textContent(), /the last reload was refused: 2 problems/);
  assert.equal(await page.locator("#facts code").textContent(), revision);
  await picture("refused");
  write(GOOD.replace("dark-mode: on", "dark-mode: on\n  brand-new: 25%"));
  await page.getByText("brand-new: 25% get on, the rest off.").waitFor();
  assert.equal(await page.locator("#problems li").count(), 0);
  assert.notEqual(await page.locator("#facts code").textContent(), revision);
});

test("an operator sees within seconds which variant fails", async () => {
  await open();
  for (let user = 0; user < 400; user++) await visit(`user-${user}`, user % 10 ? "/" : "/buy");
  const card = page.locator('article:has(h3:text-is("checkout"))');
  await card.getByText(/treatment compared with control: fails more often\. \+[\d.]+ points of errors, between \+[\d.]+ and \+[\d.]+\./).waitFor();
  assert.match(await card.locator('tr[data-variant="control"]').textContent(), /exposed \d+ · purchase \d+/);
  const arm = (variant) => card.locator(`tr[data-arm="${variant}"]`);
  assert.match(await arm("control").textContent(), /\d+ \d+ requests0% 0.*p50/);
  assert.match(await arm("treatment").textContent(), /\d+ requests2\d(\.\d)?% \d+.*p50/);
  assert.equal(await arm("treatment").locator("svg").count(), 2);
  await until("three rates are drawn", () => document.querySelector("tr[data-variant] polyline").points.length > 2);
  await page.getByLabel("Counts").selectOption("minute");
  await until("the last minute is counted", () => document.querySelectorAll("tr[data-variant]").length > 0);
  await page.getByLabel("Counts").selectOption("start");
  await page.getByLabel("User").fill("mia");
  await page.keyboard.press("Enter");
  await page.locator('[data-feature="checkout"]').waitFor();
  await picture("desktop");
  assert.deepEqual(seen.errors, []);
});

test("a healthy feature is not accused of what fails for those whom it reaches", async () => {
  write(GOOD.replace("pro-only: {when: us-pro, serve: on}", "pro-only: {when: us-pro, rollout: 50%}"));
  await open();
  await page.getByText(/^pro-only: 50% of us-pro/).waitFor();
  for (let user = 0; user < 300; user++) await visit(`user-${user}`, "/", user % 3 ? {} : { "x-country": "US", "x-plan": "pro" });
  const card = page.locator('article:has(h3:text-is("pro-only"))');
  await card.getByText("Not compared: 200 not eligible.").waitFor();
  await card.getByText(/on compared with off: (too few to tell|no difference seen: at most [\d.]+ points?)\./).waitFor();
  assert.doesNotMatch(await card.textContent(), /often/);
  assert.deepEqual(seen.errors, []);
});

test("it is readable on a phone and in the dark", async () => {
  for (const [name, options] of [
    ["phone", { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
    ["dark", { colorScheme: "dark" }],
    ["phone-dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark", isMobile: true, hasTouch: true }],
  ]) {
    await open(options);
    for (let user = 0; user < 60; user++) await visit(`user-${user}`);
    await page.getByLabel("User").fill("ann");
    await page.keyboard.press("Enter");
    await page.locator('[data-feature="checkout"]').waitFor();
    await page.locator("tr[data-variant]").first().waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= page.viewportSize().width, `${name}: ${width} wide`);
    const contrasts = await page.evaluate(contrast);
    assert.deepEqual(contrasts, [], name);
    await picture(name);
    await context.close();
  }
});

// WCAG 2.2, 1.4.3: 4.5 to 1 for every piece of text; runs in the page.
function contrast() {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const own = [...element.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || element.closest("svg, noscript, [hidden]") || !element.offsetParent) continue;
    const [a, b] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} "${element.textContent.slice(0, 30)}": ${ratio.toFixed(2)}`);
  }
  return faint;
}

test("a keyboard is enough", async () => {
  await open();
  const reached = [];
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => {
      const one = document.activeElement;
      const ring = getComputedStyle(one).outlineStyle !== "none";
      return `${one.labels?.[0]?.textContent.trim().split("\n")[0] || one.textContent.trim()}${ring ? "" : " without a ring"}`;
    }));
  }
  assert.deepEqual(reached.slice(0, 7), ["To the features", "Read the files again", "User", "country", "plan", "path", "Show the decisions"]);
  assert.match(reached[7], /^Counts/);
  await page.getByLabel("User").focus();
  await page.keyboard.type("bo");
  await page.keyboard.press("Enter");
  await page.locator('[data-feature="checkout"]').getByText("treatment", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Read the files again" }).focus();
  await page.keyboard.press("Space");
  await until("the files were read by the API", () => document.getElementById("facts").textContent.includes("api") || !document.getElementById("reload").disabled);
});

test("neither a file nor a user can write markup into it, and it asks nobody else", async () => {
  await open();
  const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
  await page.getByLabel("User").fill(evil);
  await page.keyboard.press("Enter");
  await page.getByText(`What ${evil} gets now`).waitFor();
  await page.getByText(`Does a <b>green</b> button sell more?`).waitFor();
  assert.equal(await page.locator("img, main script, b").count(), 0);
  assert.equal(await page.title(), "burgee");
  const refused = await page.evaluate(() => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
    const script = document.createElement("script");
    script.textContent = "document.title = 'taken over'";
    document.body.append(script);
  }));
  assert.equal(refused, "script-src-elem");
  assert.equal(await page.title(), "burgee");
  assert.deepEqual([...seen.origins].filter((origin) => origin !== "data:"), [at.slice(0, -1)]);
});

test("it says so when burgee is gone", async () => {
  await open();
  burgee.child.removeAllListeners("exit");
  burgee.child.kill("SIGKILL");
  await page.getByText("burgee does not answer").waitFor();
});

test("a start without a good file is said as loudly, and the first good one takes over", async () => {
  burgee.child.removeAllListeners("exit");
  burgee.child.kill();
  write("version: 1\nfeatures: {a: 110%}\n");
  burgee = await start(file, `http://127.0.0.1:${application.address().port}`, ["--on-bad-start", "forward"]);
  at = `http://${burgee.api}/`;
  await open({}, "degraded: no good toggles yet, requests pass without features");
  await until("the problem", () => document.querySelectorAll("#problems li.bad").length === 1);
  await page.getByText("No features.").waitFor();
  write(GOOD);
  await page.getByText("in force", { exact: true }).waitFor();
  await page.getByText("dark-mode: everybody gets on.").waitFor();
});

test("a thousand features are drawn as they are looked at", async () => {
  write("version: 1\nheaders: {prefix: X-F-}\nfeatures:\n" + Array.from({ length: 1000 }, (_, i) => `  f${i}: {rollout: 50%}\n`).join(""));
  await open();
  await until("all are listed", () => document.querySelectorAll("article").length === 1000);
  await visit("mia");
  await page.locator("tr[data-variant]").first().waitFor();
  const took = await page.evaluate(() => { const begun = performance.now(); showAgain(); return performance.now() - begun; });
  assert.ok(took < 200, `${took} ms`);
  await page.getByLabel("Find").fill("f777");
  await page.getByText("f777: 50% get on, the rest off.").waitFor();
  await page.locator('article:has(h3:text-is("f777")) tr[data-variant]').first().waitFor();
  await page.getByLabel("Find").fill("");
  await page.locator('article:has(h3:text-is("f999"))').scrollIntoViewIfNeeded();
  await page.getByText("f999: 50% get on, the rest off.").waitFor();
});
