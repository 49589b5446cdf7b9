// What a person does at each page.

const ALICE = { id: 'auth0|alice-5f7c8ec7', email: 'alice@example.com', password: 'alice-pw' };
const BOB = { id: 'auth0|bob-60d1f2a4', email: 'bob@example.com', password: 'bob-pw' };
const CAROL = 'auth0|carol-61aa03bc';

const REFUSED = 'User to be acted on does not match subject in bearer token.';

function expect(condition, message) {
  if (!condition) throw new Error(message.replace(/eyJ[\w.-]+/g, '<token>'));
}

// The code that the tenant made for a phone, from its log.
const codeFor = (world, phone, from) =>
  world.tenant.line(new RegExp(`one-time code for \\${phone}: (\\d{6})`), from);

// The seed's page: Lock 9, Lock Passwordless 2, jQuery; a `kind: id-token` gate.
const seed = {
  async signIn(world, way, as, phone, button) {
    const { page } = world;
    await page.click(button);
    if (way === 'password') {
      await page.fill('#a0-signin_easy_email', as.email);
      await page.fill('#a0-signin_easy_password', as.password);
      await page.click('#a0-signin_easy_password >> xpath=ancestor::form >> button[type=submit]');
      return;
    }
    const from = world.tenant.said.length;
    await page.fill('.auth0-lock input[name="phoneNumber"], .auth0-lock input[type=tel]', phone.slice(2));
    await page.click('.auth0-lock button[type=submit]');
    const code = await codeFor(world, phone, from);
    await page.fill('.auth0-lock input[name="vcode"], .auth0-lock input[autocomplete=off]', code);
    await page.click('.auth0-lock button[type=submit]');
  },

  // Waits for an alert.
  alerted(world) {
    return new Promise((done) => world.page.once('dialog', async (dialog) => {
      const text = dialog.message();
      await dialog.accept();
      done(text);
    }));
  },

  async begin(world, first) {
    await world.page.goto(`${world.site}/seed.html`);
    if (first === 'SMS') {
      // The seed's first sign-in is Lock's. With Lock Passwordless it is the same callback, which keeps the same two items.
      await world.page.evaluate(() => {
        window.linkAccount = (idToken) => {
          localStorage.setItem('id_token', idToken);
          localStorage.setItem('user_id', JSON.parse(atob(idToken.split('.')[1].replace(/-/g, '+').replace(/_/g, '/'))).sub);
          location.reload();
        };
      });
      await seed.signIn(world, 'SMS', ALICE, world.phone, '#link-sms');
      await world.page.waitForFunction(() => document.querySelector('#user')?.textContent.startsWith('sms|'));
    } else {
      await seed.signIn(world, 'password', ALICE, null, '#password');
      await world.page.waitForFunction((id) => document.querySelector('#user')?.textContent === id, ALICE.id);
    }
  },

  async second(world, second) {
    const alerted = seed.alerted(world);
    await seed.signIn(world, second, BOB, world.otherPhone, second === 'SMS' ? '#link-sms' : '#link-password');
    return alerted;
  },

  async link(world, first, second) {
    await seed.begin(world, first);
    const text = await seed.second(world, second);
    expect(text === 'linked!', `the page said: ${text}`);
    const identities = await world.page.textContent('#identities');
    const [provider, ...rest] = identities.split(' ').at(-1).split('|');
    expect(identities.includes(second === 'SMS' ? 'sms|' : BOB.id), `the page shows: ${identities}`);
    const alerted = seed.alerted(world);
    await world.page.evaluate(([one, other]) => unlinkAccount(one, other), [provider, rest.join('|')]);
    const unlinked = await alerted;
    expect(unlinked === 'unlinked!', `the page said: ${unlinked}`);
    expect((await world.page.textContent('#identities')).split(' ').length === 1, 'an identity is still shown');
    return ['ok', 'ok'];
  },

  async takeover(world, first, second) {
    await seed.begin(world, first);
    await world.page.evaluate((id) => localStorage.setItem('user_id', id), CAROL);
    const text = await seed.second(world, second);
    expect(text.startsWith('Error linking Accounts: 403 ') && text.includes(REFUSED), `the page said: ${text}`);
    return ['ok'];
  },
};

// Pages that share `common.js`; `signIn` is what the library's own form asks for.
function shared(library, path, signIn, version) {
  const address = (world) => `${world.site}${path}`;
  const outcome = async (world) => {
    await world.page.waitForFunction(() => /linked!|Error/.test(document.querySelector('#outcome')?.textContent || ''));
    return world.page.textContent('#outcome');
  };
  const begin = async (world, first) => {
    await world.page.goto(address(world));
    await signIn(world, first, ALICE, world.phone);
    await world.page.waitForFunction(() => document.querySelector('#user')?.textContent.includes('|'));
  };
  return {
    library, path, kind: 'access-token', version,
    async link(world, first, second) {
      await begin(world, first);
      await signIn(world, second, BOB, world.otherPhone);
      const text = await outcome(world);
      expect(text === 'linked!', `the page said: ${text}`);
      const before = (await world.page.evaluate(() => identities())).split(' ');
      const other = before.find((id) => (second === 'SMS' ? id.startsWith('sms|') : id === BOB.id));
      expect(before.length === 2 && other, `the page shows: ${before}`);
      await world.page.evaluate((id) => unlink(id), other);
      const after = await world.page.evaluate(() => identities());
      expect(!after.includes(' '), `after unlinking the page shows: ${after}`);
      return ['ok', 'ok'];
    },
    async takeover(world, first, second) {
      await begin(world, first);
      await world.page.evaluate((id) => sessionStorage.setItem('victim', id), CAROL);
      await signIn(world, second, BOB, world.otherPhone);
      const text = await outcome(world);
      expect(text.includes('403') && text.includes(REFUSED) && !text.includes('undefined'), `the page said: ${text}`);
      return ['ok'];
    },
  };
}

// Lock 11 and 14.
async function lock(world, way, as, phone) {
  const { page } = world;
  await page.click(way === 'SMS' ? '#sms' : '#password');
  const form = '.auth0-lock.auth0-lock-opened, .auth0-lock-opened';
  await page.waitForSelector(form);
  if (way === 'password') {
    await page.fill('.auth0-lock input[name=email], .auth0-lock input[name=username]', as.email);
    await page.fill('.auth0-lock input[name=password]', as.password);
    await page.click('.auth0-lock button.auth0-lock-submit');
    return;
  }
  const from = world.tenant.said.length;
  await page.fill('.auth0-lock input[name=phoneNumber], .auth0-lock input[type=tel]', phone.slice(2));
  await page.click('.auth0-lock button.auth0-lock-submit');
  const code = await codeFor(world, phone, from);
  await page.fill('.auth0-lock input[name=vcode]', code);
  await page.click('.auth0-lock button.auth0-lock-submit');
}

// auth0.js with the page's own form.
async function auth0js(world, way, as, phone) {
  const { page } = world;
  if (way === 'password') {
    await page.fill('[name=name]', as.email);
    await page.fill('[name=secret]', as.password);
    await Promise.all([page.waitForNavigation(), page.click('#password')]);
    return;
  }
  const from = world.tenant.said.length;
  await page.fill('[name=name]', phone);
  await page.fill('[name=secret]', '');
  await page.click('#sms');
  await page.fill('[name=secret]', await codeFor(world, phone, from));
  await Promise.all([page.waitForNavigation(), page.click('#sms')]);
}

// auth0-spa-js: the tenant's own login page, in the window or in a popup.
async function spa(world, way, as, phone) {
  const { page } = world;
  const isSecond = await page.evaluate(() => !!kept());
  const popup = isSecond ? page.waitForEvent('popup') : null;
  await page.click(way === 'SMS' ? '#sms' : '#password');
  const login = isSecond ? await popup : page;
  if (way === 'password') {
    await login.fill('input[name=username]', as.email);
    await login.fill('input[name=password]', as.password);
    await login.click('button');
    return;
  }
  const from = world.tenant.said.length;
  await login.fill('label input[name=name]', phone);
  await login.click('button');
  await login.fill('label input[name=code]', await codeFor(world, phone, from));
  await login.click('button');
}

// The page of `linkgate demo --stay`, which needs no library, with the tenant's own login page.
const demo = {
  library: "the demo's page, no library",
  kind: 'demo',

  async signIn(world, way, as, phone) {
    const { page } = world;
    if (way === 'password') {
      await page.fill('input[name=username]', as.email);
      await page.fill('input[name=password]', as.password);
      await page.click('button:has-text("Continue")');
      return;
    }
    await page.fill('label input[name=name]', phone);
    await page.click('button:has-text("Get a code")');
    const codes = await world.context.newPage();
    await codes.goto(world.codes);
    const code = await codes.textContent(`tr:has-text("${phone}") code`);
    await codes.close();
    await page.fill('label input[name=code]', code);
    await page.click('button:has-text("Continue")');
  },

  // Signs in, and then once more by a button of the page's; what the page says of that.
  async twice(world, first, second, button) {
    const { page } = world;
    await page.goto(world.address);
    await page.click('#sign-in');
    await demo.signIn(world, first, ALICE, world.phone);
    await page.waitForSelector('#identities li');
    await page.click(button);
    await demo.signIn(world, second, BOB, world.otherPhone);
    return demo.said(world, /./);
  },

  async said({ page }, pattern) {
    await page.waitForFunction((source) => new RegExp(source).test(document.querySelector('#outcome')?.textContent || ''), pattern.source);
    return page.textContent('#outcome');
  },

  async link(world, first, second) {
    const text = await demo.twice(world, first, second, '#link');
    expect(text === 'Linked.', `the page said: ${text}`);
    await world.page.click('li:nth-child(2) button');
    await demo.said(world, /^Unlinked\.$/);
    await world.page.waitForFunction(() => document.querySelectorAll('#identities li').length === 1);
    return ['ok', 'ok'];
  },

  async takeover(world, first, second) {
    const text = await demo.twice(world, first, second, '#steal');
    expect(text.startsWith('Refused with 403: ') && text.includes(REFUSED), `the page said: ${text}`);
    return ['ok'];
  },
};

export const flows = [
  demo,
  { library: 'the seed: Lock 9, Passwordless 2', path: '/seed.html', kind: 'id-token', link: seed.link, takeover: seed.takeover },
  shared('Lock 11', '/11/lock.html', lock),
  shared('Lock 14', '/14/lock.html', lock),
  shared('auth0.js 10', '/auth0js.html', auth0js),
  shared('auth0-spa-js 1', '/1/spa.html', spa),
  shared('auth0-spa-js 2', '/2/spa.html', spa),
];
