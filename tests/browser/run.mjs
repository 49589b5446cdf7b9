// Drives real pages in a real browser: tenant and gate are the shipped binary, the gate over TLS and on another origin
// than the pages. Prints a table, and ends with 1 if a cell of it is not `ok`.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as net from 'node:net';
import { Process } from '../node/process.mjs';
import { flows } from './flows.mjs';

const input = JSON.parse(process.env.LINKGATE_BROWSER);
const { chromium } = createRequire(join(input.cache, 'package.json'))('playwright-core');
const here = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'linkgate-browser-'));
const clientId = 'spa';

// The pages of our own begin alike; the seed's is whole.
const read = (name) => readFileSync(join(here, 'pages', name), 'utf8');
const page = (name) => (/^(?!seed).*\.html$/.test(name) ? read('head.html') : '') + read(name);

const types = { html: 'text/html', js: 'text/javascript' };
let domain;
const pages = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const version = new URL(request.headers.referer || 'http://localhost/').searchParams.get('version')
    || new URL(request.headers.referer || 'http://localhost/').pathname.split('/')[1];
  const [, first, ...rest] = url.pathname.split('/');
  const config = {
    domain, clientId, audience: `https://${domain}/api/v2/`, version,
    scope: 'openid profile email read:current_user update:current_user_identities',
  };
  try {
    const body = first === 'config.js' ? `const CONFIG = ${JSON.stringify(config)};`
      : first === 'lib' ? readFileSync(join(input.libraries, rest.join('/')))
      : page(url.pathname.split('/').at(-1));
    response.setHeader('content-type', types[url.pathname.split('.').at(-1)] || 'text/plain');
    response.setHeader('referrer-policy', 'same-origin');
    response.end(body);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((done) => pages.listen(0, 'localhost', done));
const site = `http://localhost:${pages.address().port}`;

// A port that was free a moment ago: the issuer has the gate's port in it, and the tenant starts first.
const free = () => new Promise((done) => {
  const server = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

// What `linkgate demo --stay` offers: its lines for a shell hold tokens, and are not looked at.
async function demo() {
  const it = new Process(input.linkgate, ['demo', '--stay', '--component', input.component]);
  const tenant = await it.line(/simulated tenant at (http\S+)/);
  const address = await it.line(/links and unlinks: (http\S+)/);
  await it.line(/^stop with/);
  it.said.length = 0;
  return { address, codes: `${tenant}/__codes`, tenant: it, gate: it };
}

// A tenant, and a gate that serves all of it over TLS.
async function stage(kind, addresses) {
  if (kind === 'demo') return demo();
  const [port, behind] = [await free(), await free()];
  const issuer = `https://localhost:${port}/`;
  const file = join(scratch, `${kind}.json`);
  const tenant = new Process(input.linkgate, [
    'tenant', '--listen', `127.0.0.1:${behind}`, '--issuer', issuer, '--policy-out', file,
    ...addresses.flatMap((path) => ['--page', site + path]),
    ...(kind === 'id-token' ? ['--legacy-id-tokens'] : []),
  ]);
  await tenant.line(/listening on /);
  const upstream = `http://127.0.0.1:${behind}`;
  const policy = JSON.parse(readFileSync(file));
  policy.cors.origins = [site];
  policy.pass = ['/authorize', '/oauth', '/co', '/usernamepassword', '/user', '/passwordless', '/tokeninfo', '/userinfo',
    '/client', '/login', '/u', '/dbconnections', '/.well-known', '/v2/logout'];
  if (kind === 'id-token') Object.assign(policy.issuers[0], { kind, audiences: [clientId] });
  writeFileSync(file, JSON.stringify(policy));
  const gate = new Process(input.linkgate, [
    'serve', '--config', file, '--upstream', upstream, '--listen', `127.0.0.1:${port}`, '--component', input.component,
    '--tls-cert', input.certificate, '--tls-key', input.key,
  ]);
  await gate.line(/listening on https:/);
  return { domain: `localhost:${port}`, tenant, gate };
}

const wanted = process.env.LINKGATE_BROWSER_ONLY;
const chosen = flows.filter(({ library }) => !wanted || library.includes(wanted));
const addresses = [...new Set(flows.flatMap((flow) => flow.path || []))];
const stages = {};
for (const kind of new Set(chosen.map((flow) => flow.kind))) {
  stages[kind] = await stage(kind, addresses);
}
const browser = await chromium.launch({ executablePath: input.chromium, args: ['--no-sandbox', '--ignore-certificate-errors'] });

// What is in a log or on a screen stays: no token, code or ticket may be there.
const secrets = /eyJ|login_ticket=|verification_code=|[?&]code=|id_token=|access_token=/;

const rows = [['library', 'second way in', 'primary', 'link', 'unlink', 'refused takeover']];
let failures = 0;
let phone = 15550100;
for (const flow of chosen) {
  const { kind } = flow;
  ({ domain } = stages[kind]);
  for (const [second, first] of [['password', 'password'], ['SMS', 'password'], ['password', 'SMS']]) {
    const row = [flow.library, second, first];
    for (const step of ['link', 'takeover']) {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      context.setDefaultTimeout(input.patience || 20000);
      const page = await context.newPage();
      const seen = [];
      page.on('console', (message) => seen.push(message.text()));
      page.on('pageerror', (error) => seen.push(String(error)));
      const world = { ...stages[kind], context, page, site, phone: `+${phone += 1}`, otherPhone: `+${phone += 1}` };
      try {
        const cells = await flow[step](world, first, second);
        if (secrets.test(await page.innerText('body'))) throw new Error('the page shows what is secret');
        row.push(...cells);
      } catch (error) {
        failures += 1;
        row.push('FAILED');
        console.log(`${flow.library}, ${second} to ${first}, ${step}: ${String(error.stack || error).slice(0, 1500)}`);
        console.log(seen.slice(-8).join('\n').replace(/eyJ[\w.-]+/g, '<token>'));
        if (step === 'link') row.push('-');
      }
      if (input.shots) await page.screenshot({ path: join(input.shots, `${flow.library}-${second}-${first}-${step}.png`.replaceAll(' ', '-')) });
      await context.close();
    }
    rows.push(row);
  }
}

for (const { tenant, gate } of Object.values(stages)) {
  const leaked = [...tenant.said, ...gate.said].filter((line) => secrets.test(line));
  failures += leaked.length;
  if (leaked.length) console.log(`a log has what is secret: ${leaked[0].replace(/eyJ[\w.-]+/g, '<token>').slice(0, 300)}`);
}

const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => (row[at] || '').length)));
console.log(rows.map((row) => row.map((cell, at) => cell.padEnd(widths[at])).join('  ').trimEnd()).join('\n'));
await browser.close();
for (const { tenant, gate } of Object.values(stages)) {
  gate.end();
  tenant.end();
}
pages.close();
process.exit(failures ? 1 : 0);
