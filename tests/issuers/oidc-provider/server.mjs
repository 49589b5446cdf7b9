// An OpenID Provider on loopback, with browsers of its own that sign people in.
//
// It is npm's `oidc-provider`, as its users run it: authorization code flow with PKCE, resource indicators
// (RFC 8707) for access tokens as JWTs (RFC 9068), ID tokens by client. Only the login page is simulated: it
// signs in whoever `login_hint` names.
//
// Prints one line, `{"issuer": "http://127.0.0.1:PORT"}`, then serves until it is ended. Beside the provider:
//
//   GET /test/sign-in?account=ID&client=ID&algorithm=NAME  →  {"access_token", "id_token"}, from a whole flow
//   GET /test/rotate?overlap=true|false                    →  new keys; the old ones stay published, or go

import { createServer } from 'node:http';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { Provider } from 'oidc-provider';

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const APPS = ['spa', 'other'];
const CALLBACK = 'https://app.example/callback';
const API = 'https://api.example/';
const SCOPE = 'update:current_user_identities';

let generation = 0;

/** A private key for each kind of signature. RS256 and PS256 share one, which names neither. */
function newKeys() {
  generation += 1;
  const pairs = [
    ['rsa', { modulusLength: 2048 }],
    ['ec', { namedCurve: 'P-256' }],
    ['ed25519', {}],
  ];
  return pairs.map(([type, options]) => {
    const { privateKey } = generateKeyPairSync(type, options);
    return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: `${type}-${generation}` };
  });
}

function client(app, algorithm) {
  return {
    client_id: `${app}-${algorithm}`,
    application_type: 'web',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [CALLBACK],
    id_token_signed_response_alg: algorithm,
  };
}

function provider(issuer, keys) {
  const made = new Provider(issuer, {
    clients: APPS.flatMap((app) => ALGORITHMS.map((algorithm) => client(app, algorithm))),
    jwks: { keys },
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: 'a@example.com' }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, indicator) => ({
          scope: SCOPE,
          audience: API,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: new URL(indicator).searchParams.get('algorithm') } },
        }),
        useGrantedResource: () => true,
      },
    },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid');
      for (const resource of [ctx.oidc.params.resource].flat()) grant.addResourceScope(resource, SCOPE);
      await grant.save();
      return grant;
    },
  });
  return made;
}

/** The login page, which asks for nothing. */
async function signInAtOnce(op, request, response) {
  const { params } = await op.interactionDetails(request, response);
  const login = { accountId: params.login_hint };
  await op.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}

/** A browser that keeps cookies and follows redirects until it is sent to the app. */
async function codeFor(issuer, query) {
  const jar = new Map();
  let url = `${issuer}/auth?${query}`;
  for (let hops = 0; hops < 10; hops += 1) {
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(';')[0].split('=');
      jar.set(name, value);
    }
    const location = answer.headers.get('location');
    if (!location) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
    url = new URL(location, url).href;
    if (url.startsWith(CALLBACK)) break;
  }
  const code = new URL(url).searchParams.get('code');
  if (!code) throw new Error(`no code in ${url}`);
  return code;
}

async function signIn(issuer, { account, client: app, algorithm }) {
  const verifier = randomBytes(32).toString('base64url');
  const resource = `${API}?algorithm=${algorithm}`;
  const code = await codeFor(issuer, new URLSearchParams({
    client_id: `${app}-${algorithm}`,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: `openid ${SCOPE}`,
    resource,
    login_hint: account,
    max_age: '0',
    nonce: randomBytes(8).toString('hex'),
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }));
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      client_id: `${app}-${algorithm}`,
      grant_type: 'authorization_code',
      redirect_uri: CALLBACK,
      code_verifier: verifier,
      code,
      resource,
    }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(body));
  return { access_token: body.access_token, id_token: body.id_token };
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let keys = newKeys();
  let op = provider(issuer, keys);

  const controls = {
    '/test/sign-in': (query) => signIn(issuer, query),
    '/test/rotate': async ({ overlap }) => {
      keys = overlap === 'true' ? [...newKeys(), ...keys] : newKeys();
      op = provider(issuer, keys);
      return {};
    },
  };

  server.on('request', async (request, response) => {
    const url = new URL(request.url, issuer);
    const control = controls[url.pathname];
    try {
      if (control) {
        const body = await control(Object.fromEntries(url.searchParams));
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(body));
      } else if (url.pathname.startsWith('/interaction/')) {
        await signInAtOnce(op, request, response);
      } else {
        op.callback()(request, response);
      }
    } catch (error) {
      console.error(error);
      response.statusCode = 500;
      response.end(`${error}`);
    }
  });
  console.log(JSON.stringify({ issuer }));
});
