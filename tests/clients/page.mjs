// Libraries in pages of a real browser.
import { createRequire } from 'node:module';
import { member } from './member.mjs';

const SCRIPTS = { 'auth0-js': 'auth0-js/dist/auth0.min.js', jquery: 'jquery/dist/jquery.min.js' };

// The tenant lets no page of another origin call its API, as the gate does. Without the gate the browser has to look away.
export async function browsers({ packages, chromium: executablePath }) {
  const { chromium } = createRequire(`${packages}/`)('playwright-core');
  const args = ['--no-sandbox', '--ignore-certificate-errors'];
  const [strict, lax] = await Promise.all([args, [...args, '--disable-web-security']].map((given) => chromium.launch({ executablePath, args: given })));
  return { strict, lax };
}

// A library in a page of each browser. It makes one call after another.
export class InPage {
  constructor({ page: library, escapes, reads }, { strict, lax }, { packages, page, direct }) {
    const script = createRequire(`${packages}/`).resolve(SCRIPTS[library]);
    const opened = async (browser) => {
      const tab = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
      await tab.goto(page);
      await tab.addScriptTag({ path: script });
      return tab;
    };
    Object.assign(this, { library, escapes, reads, direct, strict: opened(strict), lax: opened(lax) });
  }

  async call(call) {
    const tab = await (call.domain === this.direct ? this.lax : this.strict);
    const began = performance.now();
    const { value, error } = await tab.evaluate(made, { library: this.library, escapes: this.escapes, call });
    return { value, error: error && member(error, this.reads), ms: performance.now() - began };
  }

  end() {}
}

// Runs in the page: the value of a call, or its error with the members that a page can hand over.
async function made({ library, escapes, call }) {
  const { op, id, proof, provider, of, fields, domain, token } = call;
  const auth0js = () => {
    const api = new window.auth0.Management({ domain, token });
    const asked = (make) => new Promise((done, failed) => make((error, value) => (error ? failed(error) : done(value))));
    return { link: () => asked((heard) => api.linkUser(id, proof, heard)), get: () => asked((heard) => api.getUser(id, heard)) };
  };
  // As Auth0's first article has it, with or without `encodeURIComponent` around each id.
  const jquery = () => {
    const escaped = escapes ? encodeURIComponent : (text) => text;
    const user = `https://${domain}/api/v2/users/${escaped(id)}`;
    const ajax = (type, url, data) => window.$.ajax({ type, url, data, headers: { Authorization: `Bearer ${token}` } });
    return {
      link: () => ajax('POST', `${user}/identities`, { link_with: proof }),
      unlink: () => ajax('DELETE', `${user}/identities/${provider}/${escaped(of)}`),
      get: () => ajax('GET', user),
      fields: () => ajax('GET', `${user}?fields=${fields}&include_fields=true`),
    };
  };
  const calls = { 'auth0-js': auth0js, jquery }[library]();
  try {
    return { value: await calls[op]() };
  } catch ({ status, statusText, responseJSON, statusCode, code, original }) {
    const body = original?.response?.body;
    return { error: { status, statusText, responseJSON, statusCode, code, original: { response: { body } } } };
  }
}
