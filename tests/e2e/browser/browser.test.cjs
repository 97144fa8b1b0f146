// One person in a real browser: a banner asks for consent, they log in and out, go back, open a second tab, come from another site, and
// withdraw their consent; and a tester, who opens a link. burgee stands behind an edge that speaks TLS and knows who is logged in, as it does in production; without
// TLS a browser says nothing of where a request comes from. In: $BURGEE, $CHROMIUM. Out: node's test report.
"use strict";
const { after, before, beforeEach, afterEach, test } = require("node:test");
const assert = require("node:assert/strict");
const { execFileSync, spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP *.example 127.0.0.1"];
const TOGGLES = `version: 1
user: [header.x-user-id]
anonymous: {cookie: visitor, max-age: 30d, for: everybody, when: {cookie.consent: given}}
override: {from: query.ff, key: env.QA_KEY, remember: qa_flags}
features:
  basket: {variants: [old, new], serve: old}
  funnel: {by: visitor, variants: [control, treatment, third, fourth], default: control, serve: {treatment: 34%, third: 33%, fourth: 33%}}
  account: {variants: [control, a, b, c], default: control, serve: {a: 34%, b: 33%, c: 33%}}
`;
const ID = /^[0-9a-f]{32}$/;
const cookie = (request, name) => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(request.headers.cookie ?? "")?.[1];

// What the application was told, request by request.
let asked = [];
const told = (request) => ({
  path: request.url, consent: cookie(request, "consent"), visitor: cookie(request, "visitor"), user: request.headers["x-user-id"],
  ahead: request.headers["sec-purpose"], funnel: request.headers["x-feature-funnel"], account: request.headers["x-feature-account"],
  basket: request.headers["x-feature-basket"],
});
// A shop: each page says what it was told, and asks for four parts at once.
const page = (request) => `<!doctype html><title>shop</title><link rel="icon" href="data:,"><p id="told">${JSON.stringify(told(request))}</p>
<a href="/cart">cart</a> <img src="/image"><script>
addEventListener("pageshow", (event) => { window.restored = event.persisted; });
Promise.all([1, 2, 3, 4].map((part) => fetch("/part/" + part).then((answer) => answer.json()))).then((parts) => { window.parts = parts; });
</script>`;
const application = http.createServer((request, response) => {
  asked.push(told(request));
  const to = (place, session) => response.writeHead(303, { Location: place, "Set-Cookie": `session=${session}; Path=/; HttpOnly; Secure` }).end();
  if (request.url.startsWith("/login?")) return to("/cart", `${request.url.split("=")[1]}; Max-Age=3600`);
  if (request.url === "/logout") return to("/", "; Max-Age=0");
  if (request.url.startsWith("/part/")) return response.setHeader("Content-Type", "application/json"), response.end(JSON.stringify(told(request)));
  response.setHeader("Content-Type", request.url === "/image" ? "image/gif" : "text/html").end(request.url === "/image" ? "" : page(request));
});
// What is on another site.
const elsewhere = (url) => `<!doctype html><title>elsewhere</title><link rel="icon" href="data:,">${{
  "/frame": `<iframe src="${shop}/"></iframe>`,
  "/image": `<img src="${shop}/image"><script>fetch("${shop}/part/1", { mode: "no-cors", credentials: "include" })</script>`,
  "/link": `<a href="${shop}/">shop</a>`,
  "/tester": `<iframe src="${url === "/tester" && link("basket=new")}"></iframe>`,
}[url] ?? ""}`;
// As a tester's colleague makes it, where the key is.
const QA = { QA_KEY: "a key of this test" };
const link = (what) => {
  const flags = ["override", "--key-env", "QA_KEY", "--toggles", path.join(folder, "toggles.yaml"), "--url", `${shop}/`, what];
  return execFileSync(process.env.BURGEE, flags, { env: { ...process.env, ...QA }, encoding: "utf8" }).split("\n")[1];
};

let browser, burgee, context, edge, folder, shop, other;

// TLS ends here, and the session becomes a user; whatever a client sends as one is dropped.
const gate = (request, response) => {
  if (request.headers.host.startsWith("other")) return response.setHeader("Content-Type", "text/html").end(elsewhere(request.url));
  const [host, port] = burgee.listen.split(":");
  const headers = { ...request.headers, "x-forwarded-proto": "https" };
  delete headers["x-user-id"];
  if (cookie(request, "session")) headers["x-user-id"] = cookie(request, "session");
  const onwards = http.request({ host, port, path: request.url, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onwards.on("error", () => response.destroy());
  request.pipe(onwards);
};
const listening = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

before(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "burgee-browser-"));
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(folder, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=shop.example", "-keyout", key, "-out", cert], { stdio: "ignore" });
  edge = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, gate);
  const port = await listening(edge);
  [shop, other] = ["shop", "other"].map((host) => `https://${host}.example:${port}`);
  const toggles = path.join(folder, "toggles.yaml");
  fs.writeFileSync(toggles, TOGGLES);
  const flags = ["run", "--toggles", toggles, "--upstream", `http://127.0.0.1:${await listening(application)}`, "--log-format", "json", "--workers", "1"];
  for (const door of ["listen", "admin-listen", "api-listen"]) flags.push(`--${door}`, "127.0.0.1:0");
  burgee = await new Promise((resolve, reject) => {
    const child = spawn(process.env.BURGEE, flags, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...QA } });
    let text = "";
    child.stderr.on("data", (data) => {
      text += data;
      for (const line of text.split("\n")) if (line.includes("burgee listens")) resolve({ child, ...JSON.parse(line) });
    });
    child.on("exit", (code) => reject(new Error(`burgee ended with ${code}: ${text}`)));
  });
  // whoever drives a browser turns off pages that come back whole; people do not
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});
after(async () => {
  await browser?.close();
  burgee?.child.removeAllListeners("exit");
  burgee?.child.kill();
  for (const server of [edge, application]) server?.close(), server?.closeAllConnections();
  fs.rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  asked = [];
  context = await browser.newContext({ ignoreHTTPSErrors: true });
});
afterEach(() => context.close());

// What a page and its four parts were told: all the same, or it fails.
const read = async (tab) => {
  await tab.waitForFunction(() => window.parts);
  const said = JSON.parse(await tab.locator("#told").textContent());
  const parts = await tab.evaluate(() => window.parts);
  for (const part of parts) assert.deepEqual([part.funnel, part.account, part.basket], [said.funnel, said.account, said.basket]);
  return { ...said, parts };
};
const open = async (tab, url = `${shop}/`) => {
  await tab.goto(url);
  return read(tab);
};
const consent = (tab, more = "") => tab.evaluate((more) => { document.cookie = `consent=given; Path=/; Secure${more}`; }, more);
const withdraw = (tab) => tab.evaluate(() => { document.cookie = "consent=; Path=/; Secure; Max-Age=0"; });
const jar = async () => (await context.cookies()).filter((one) => one.name === "visitor");
// The one visitor cookie that the browser has, anywhere.
const visitor = async () => {
  const cookies = await jar();
  assert.equal(cookies.length, 1, JSON.stringify(cookies));
  return cookies[0].value;
};
const nobody = async () => {
  assert.deepEqual(await jar(), []);
  assert.deepEqual(asked.filter((one) => one.funnel !== "control"), []);
};
// A tab whose person has consented.
const consenting = async (more) => {
  const tab = await context.newPage();
  await open(tab);
  await consent(tab, more);
  return [tab, await open(tab)];
};

test("before consent there is no cookie and no answer by visitor", async () => {
  const tab = await context.newPage();
  for (const place of ["/", "/cart", "/login?user=mia", "/logout"]) await open(tab, shop + place);
  await nobody();
  assert.deepEqual(asked.filter((one) => one.visitor), []);
});

test("with consent the next page has an id, in a cookie that is this host's, no script's and no other site's", async () => {
  const [tab, first] = await consenting();
  assert.notEqual(first.funnel, "control");
  const [{ value, expires, ...where }] = await jar();
  assert.match(value, ID);
  assert.deepEqual(where, { name: "visitor", domain: "shop.example", path: "/", httpOnly: true, secure: true, sameSite: "Lax" });
  assert.ok(Math.abs(expires - Date.now() / 1000 - 30 * 86400) < 300, `${expires}`);
  assert.doesNotMatch(await tab.evaluate(() => document.cookie), /visitor/);
  // all that came after the page came with it
  for (const part of first.parts) assert.equal(part.visitor, value);
});

test("what is drawn by the visitor stays through login, another user's login, and logout", async () => {
  const [tab, stranger] = await consenting();
  const id = await visitor();
  const accounts = new Set([stranger.account]);
  for (const user of ["mia", "quentin", "ann"]) {
    const inside = await open(tab, `${shop}/login?user=${user}`);
    assert.deepEqual([inside.user, inside.path, inside.funnel], [user, "/cart", stranger.funnel]);
    accounts.add(inside.account);
    const outside = await open(tab, `${shop}/logout`);
    assert.deepEqual([outside.user, outside.funnel, outside.account], [undefined, stranger.funnel, stranger.account]);
    assert.equal(await visitor(), id);
  }
  // what is drawn by the user does not: not everybody is in the same of three
  assert.ok(accounts.size > 1);
});

test("back and forward show pages whole, and what they ask for then is answered as before", async () => {
  const [tab, first] = await consenting();
  const id = await visitor();
  await tab.click("text=cart");
  await tab.waitForURL("**/cart");
  await open(tab, `${shop}/login?user=mia`);
  // a page that comes from memory does not load: no field of burgee's forbids that
  const go = async (steps, place) => {
    await tab.evaluate((steps) => { history.go(steps); }, steps);
    await tab.waitForFunction((place) => location.pathname === place && window.restored, place);
  };
  await go(-2, "/");
  const again = () => tab.evaluate(() => fetch("/part/5").then((answer) => answer.json()));
  assert.equal((await read(tab)).funnel, first.funnel);
  assert.equal((await again()).funnel, first.funnel);
  await go(2, "/cart");
  assert.equal((await again()).funnel, first.funnel);
  assert.equal(await visitor(), id);
});

test("a second tab is the same visitor, and two that open at once agree from the next page on", async () => {
  const [tab, first] = await consenting();
  const second = await context.newPage();
  assert.equal((await open(second, `${shop}/cart`)).funnel, first.funnel);
  await open(second, `${shop}/login?user=mia`);
  assert.equal((await open(tab)).funnel, first.funnel);
  await context.clearCookies({ name: "visitor" });
  // each opens with an id of its own, and the browser keeps the one that comes last
  await Promise.all([tab.goto(`${shop}/`), second.goto(`${shop}/`)]);
  const id = await visitor();
  const both = await Promise.all([open(tab), open(second)]);
  assert.deepEqual(both.map((one) => one.visitor), [id, id]);
  assert.equal(both[0].funnel, both[1].funnel);
});

test("a frame, an image and a script of another site bring no id, and take none", async () => {
  // a profile that lets other sites' pages have cookies, as browsers did for long and some still do: here it is SameSite alone that decides
  await context.close();
  fs.mkdirSync(path.join(folder, "profile/Default"), { recursive: true });
  fs.writeFileSync(path.join(folder, "profile/Default/Preferences"), JSON.stringify({ profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }));
  context = await chromium.launchPersistentContext(path.join(folder, "profile"), { executablePath: process.env.CHROMIUM, args: FLAGS, ignoreHTTPSErrors: true });
  const tab = await context.newPage();
  // consent that even another site's frame would send
  await context.addCookies([{ name: "consent", value: "given", domain: "shop.example", path: "/", secure: true, sameSite: "None" }]);
  const stranger = async () => {
    asked = [];
    await tab.goto(`${other}/frame`);
    const said = JSON.parse(await tab.frames()[1].locator("#told").textContent());
    await tab.goto(`${other}/image`, { waitUntil: "networkidle" });
    assert.ok(asked.length >= 7, "a page with its parts and image in the frame, an image and a script");
    assert.deepEqual(asked.filter((one) => !one.consent), []);
    return said;
  };
  assert.equal((await stranger()).visitor, undefined);
  await nobody();
  const first = await open(tab);
  const id = await visitor();
  assert.deepEqual([(await stranger()).visitor, await visitor()], [undefined, id]);
  assert.deepEqual(asked.filter((one) => one.visitor), []);
  assert.equal((await open(tab)).funnel, first.funnel);
});

test("a link from another site does not end consent that browsers keep from such links", async () => {
  const [tab, first] = await consenting("; SameSite=Strict");
  const id = await visitor();
  await tab.goto(`${other}/link`);
  await tab.click("text=shop");
  await tab.waitForURL(`${shop}/`);
  // the gate cannot see the consent, so nothing is drawn; nor is anything taken away
  assert.equal(JSON.parse(await tab.locator("#told").textContent()).funnel, "control");
  assert.equal(await visitor(), id);
  assert.equal((await open(tab, `${shop}/cart`)).funnel, first.funnel);
});

test("withdrawn consent deletes the cookie at the next page, logged in or not, and a new consent begins a new id", async () => {
  const [tab] = await consenting();
  for (const place of ["/cart", "/login?user=mia"]) {
    const id = await visitor();
    await withdraw(tab);
    asked = [];
    await open(tab, shop + place);
    await nobody();
    await consent(tab);
    await open(tab);
    assert.notEqual(await visitor(), id);
  }
});

test("a page that is fetched ahead is no visit", async () => {
  const tab = await context.newPage();
  await open(tab);
  await consent(tab);
  asked = [];
  // one after the other: of two that one rule names, Chromium now and then never sends the second
  for (const place of ["/ahead/1", "/ahead/2"]) {
    await tab.evaluate((place) => {
      const rules = { prefetch: [{ urls: [place], eagerness: "immediate" }] };
      document.head.append(Object.assign(document.createElement("script"), { type: "speculationrules", textContent: JSON.stringify(rules) }));
    }, place);
    await eventually(() => asked.some((one) => one.ahead && one.path === place));
  }
  await nobody();
  await open(tab, `${shop}/cart`);
  assert.match(await visitor(), ID);
});

test("a tester's link holds for ten clicks and in a second tab, in a cookie that is this host's and no script's, until it is cleared", async () => {
  const kept = async () => (await context.cookies()).filter((one) => one.name === "qa_flags");
  const tab = await context.newPage();
  assert.equal((await open(tab)).basket, "old");
  // from a page of another site, as from a chat
  await tab.goto(`${other}/link`);
  await tab.evaluate((link) => { document.querySelector("a").href = link; }, link("basket=new"));
  await tab.click("text=shop");
  await tab.waitForURL(`${shop}/?ff=*`);
  assert.equal((await read(tab)).basket, "new");
  const [{ value, ...where }] = await kept();
  assert.match(value, /^basket=new%2C%20exp=\d+%2C%20sig=:/);
  assert.deepEqual(where, { name: "qa_flags", domain: "shop.example", path: "/", expires: -1, httpOnly: true, secure: true, sameSite: "Lax" });
  assert.doesNotMatch(await tab.evaluate(() => document.cookie), /qa_flags/);
  for (let click = 0; click < 10; click++) {
    await tab.click("text=cart");
    await tab.waitForURL(`${shop}/cart`);
    assert.equal((await read(tab)).basket, "new", `click ${click}`);
  }
  assert.equal((await open(await context.newPage(), `${shop}/login?user=mia`)).basket, "new");
  assert.equal((await kept())[0].value, value);
  assert.equal((await open(tab, link("--clear"))).basket, "old");
  assert.deepEqual(await kept(), []);
  assert.equal((await open(tab)).basket, "old");
});

test("a tester's link in a frame of another site forces that one page, and is not kept", async () => {
  const tab = await context.newPage();
  await tab.goto(`${other}/tester`, { waitUntil: "networkidle" });
  assert.equal(JSON.parse(await tab.frames()[1].locator("#told").textContent()).basket, "new");
  assert.deepEqual(asked.filter((one) => one.path.startsWith("/part/")).map((one) => one.basket), ["old", "old", "old", "old"]);
  assert.deepEqual((await context.cookies()).filter((one) => one.name === "qa_flags"), []);
  assert.equal((await open(tab)).basket, "old");
});

const eventually = async (holds) => {
  for (const end = Date.now() + 20000; !holds();) {
    assert.ok(Date.now() < end, JSON.stringify(asked));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
