// The page of page.jsx in headless Chromium. In: JSON on standard input, one test a run, named by `test`. Out: what the page says, JSON.
import { createServer } from 'node:http';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const request = JSON.parse(readFileSync(0));
const bundle = await build({ entryPoints: ['page.jsx'], bundle: true, write: false, jsx: 'automatic', define: { 'process.env.NODE_ENV': '"production"' } });
const script = bundle.outputFiles[0].text;
const server = createServer((asked, answer) => {
  const isScript = asked.url === '/page.js';
  answer.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  answer.end(isScript ? script : '<!doctype html><div id="root"></div><script src="/page.js"></script>');
});
await new Promise((ready) => server.listen(request.port, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: request.chromium,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage();
const traffic = [];
page.on('response', (response) => {
  const { pathname } = new URL(response.url());
  if (pathname.startsWith('/ofrep/')) traffic.push([response.request().method(), pathname, response.status()]);
});
const start = (more) => page.evaluate((options) => window.app.start(options), { base: request.base, token: request.token, user: 'user-1', ...more });
const details = (flag, fallback) => page.evaluate(([flag, fallback]) => window.app.details(flag, fallback), [flag, fallback]);
const shown = () => page.textContent('#flags').then(JSON.parse);

const tests = {
  async types() {
    await start();
    const flags = ['switch', 'banner', 'limit', 'ratio', 'colors'];
    const answers = {};
    for (const flag of flags) answers[flag] = await details(flag);
    return { answers, shown: await shown() };
  },
  // the provider sends the ETag of the old context again: a tag made of the files alone would answer 304
  async context() {
    await start();
    const before = await details('targeted');
    await page.evaluate(() => window.app.become({ targetingKey: 'user-1', country: 'US' }));
    // it shows what it kept for this key first, and asks behind that
    await page.waitForFunction(() => window.app.details('targeted').value, undefined, { timeout: 20000 });
    return { before, after: await details('targeted'), traffic };
  },
  async errors() {
    await start({ user: '' });
    return { unknown: await details('unknown'), mismatch: await details('everyone', 'text'), missing: await details('switch') };
  },
  async refused() {
    return start().then(() => 'started', (error) => String(error));
  },
  async reload() {
    await start();
    const before = await shown();
    const asked = () => traffic.filter(([method]) => method === 'POST').length;
    const first = asked();
    writeFileSync(`${request.toggles}.next`, readFileSync(request.toggles, 'utf8').replaceAll(request.edit[0], request.edit[1]));
    renameSync(`${request.toggles}.next`, request.toggles);
    const began = Date.now();
    await fetch(`http://${request.api}/reload`, { method: 'POST' });
    await page.waitForFunction((before) => document.getElementById('flags').textContent !== before, JSON.stringify(before), { timeout: 20000 });
    return { before, after: await shown(), requests: asked() - first, milliseconds: Date.now() - began, traffic };
  },
  async users() {
    await start({ cacheMode: 'disabled' });
    return page.evaluate(([users, flags]) => window.app.variants(users, flags), [request.users, request.flags]);
  },
};

try {
  await page.goto(`${origin}/`);
  process.stdout.write(JSON.stringify(await tests[request.test]()));
} finally {
  await browser.close();
  server.close();
}
