// What each client is made to do.
import { KEYLESS, byHand, signIn } from './stage.mjs';

// What follows the first bar in the ids of both accounts.
export const IDS = [
  '5457edea1b8f22891a000004', 'conn|jo', 'jo@ex.com', 'my conn', 'a+b', 'eip155:5:0xD70b', 'jo/hn', '%41', '50%', 'x%2Fy', 'what?', 'c#1',
  'https://idp.example/jo', 'zoë', '🦊', 'a;b=c', 'a&b', "~*('!)", 'CORP\\jo', 'a/../b',
];

const MALLORY = 'auth0|mallory';

const first = ({ providers }, id) => `${providers[0]}|${id}`;
const second = ({ providers }, id) => `${providers[1]}|${id}`;

// The people of the tenant.
export const people = (clients) => [MALLORY, ...clients.flatMap((client) => IDS.flatMap((id) => [first(client, id), second(client, id)]))]
  .map((id) => ({ user_id: id, password: 'pw' }));

// A client signed in to both of its accounts of an id, with what a call needs.
async function signedIn(world, client, id) {
  const [mine, other] = await Promise.all([first(client, id), second(client, id)].map((account) => signIn(world, account)));
  const call = { id: first(client, id), token: mine.access, proof: other.id, provider: client.providers[1], of: id, fields: 'identities' };
  return { mine, call };
}

const lists = (identities, { provider, of }) => identities.some((one) => one.provider === provider && one.user_id === of);

// Whether the value of a call is what it should be.
const RIGHT = {
  get: (user, { id }) => user.user_id === id,
  fields: (user) => Object.keys(user).join() === 'identities' && user.identities.length === 1,
  link: (identities, call) => identities.length === 2 && lists(identities, call),
  unlink: (identities, call) => identities.length === 1 && !lists(identities, call),
};

async function tried(running, op, call) {
  const { value, error } = await running.call({ ...call, op });
  if (error) return error;
  if (!RIGHT[op](value, call)) throw new Error(`${call.id}: ${op} came to ${JSON.stringify(value)}`);
  return 'ok';
}

// All calls with each id, without the gate and through it. By hand the accounts are linked for a client that could not link
// them, and unlinked for one that could not do that: each call is judged on its own.
export async function ids(world, client, running) {
  const rows = [];
  for (const id of IDS) {
    const { call } = await signedIn(world, client, id);
    const row = { id };
    for (const where of ['direct', 'gate']) row[where] = await round(world, client, running, { ...call, domain: world[where] });
    rows.push(row);
  }
  return rows;
}

async function round(world, client, running, call) {
  const identities = `/api/v2/users/${encodeURIComponent(call.id)}/identities`;
  const headers = { authorization: `Bearer ${call.token}`, 'content-type': 'application/json' };
  const seen = {};
  for (const op of client.ops) {
    if (op === 'unlink' && seen.link !== 'ok') await byHand(world, 'POST', identities, headers, JSON.stringify({ link_with: call.proof }));
    seen[op] = await tried(running, op, call);
  }
  if (seen.unlink !== 'ok') await byHand(world, 'DELETE', `${identities}/${call.provider}/${encodeURIComponent(call.of)}`, headers);
  return seen;
}

// Requests that are refused, without the gate and through it.
export async function denials(world, client, running) {
  const { mine, call } = await signedIn(world, client, IDS[0]);
  const [mallory, narrow] = await Promise.all([signIn(world, MALLORY), signIn(world, call.id, 'openid read:current_user')]);
  const seen = [];
  for (const [what, changed] of Object.entries({
    'links to the account of another user': { token: mallory.access },
    'links an account to itself': { proof: mine.id },
    'proves the second account with something else than a token': { proof: 'a.b.c' },
    'sends a token whose signature does not fit': { token: `${mine.access.slice(0, -8)}AAAAAAAA` },
    'sends a token without the scope': { token: narrow.access },
    'unlinks the main identity': { op: 'unlink', provider: client.providers[0] },
  })) {
    const op = changed.op || 'link';
    if (!client.ops.includes(op)) continue;
    const row = { what };
    for (const where of ['direct', 'gate']) row[where] = (await running.call({ ...call, op, ...changed, domain: world[where] })).error;
    seen.push(row);
  }
  return seen;
}

// A link through a gate whose upstream is down, and one whose token's keys it cannot fetch.
export async function outages(world, client, running) {
  const seen = {};
  for (const [what, id] of [['upstream', IDS[1]], ['keys', IDS[2]]]) {
    const { call } = await signedIn(world, client, id);
    const token = what === 'keys' ? ofKeyless(call.token, world) : call.token;
    const { error, ms } = await running.call({ ...call, op: 'link', token, domain: world.down });
    seen[what] = { id: call.id, error, ms };
  }
  return seen;
}

// The token of another issuer. Its signature does not fit, which is not found out: there is no key to try it with.
function ofKeyless(token, { audience }) {
  const [head, claims, signature] = token.split('.');
  const own = { ...JSON.parse(Buffer.from(claims, 'base64url')), iss: KEYLESS, aud: audience };
  return [head, Buffer.from(JSON.stringify(own)).toString('base64url'), signature].join('.');
}
