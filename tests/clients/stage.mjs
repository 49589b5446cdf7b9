// The simulated tenant, a gate in front of it, and a gate whose upstream and some of whose keys are out of reach: the shipped
// binary, over TLS, on ports that the system chooses.
import { Agent, request } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Process } from '../node/process.mjs';

// The issuer whose keys cannot be had.
export const KEYLESS = 'https://keys.example/';

const SCOPES = 'openid read:current_user update:current_user_identities';

export async function stage(input, scratch, users) {
  const at = (name) => join(scratch, name);
  writeFileSync(at('users.json'), JSON.stringify({ users }));
  const page = await listening((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html>'));
  const tenant = new Process(input.linkgate, [
    'tenant', '--listen', '127.0.0.1:0', '--users', at('users.json'), '--page', page, '--policy-out', at('policy.json'),
    '--tls', '--tls-ca-out', at('ca.pem'),
  ]);
  const direct = await tenant.line(/listening on https:\/\/(\S+)\/$/);
  await tenant.line(/^ {2}(CA) /);
  writeFileSync(at('trust.pem'), [at('ca.pem'), input.certificate].map((file) => readFileSync(file)).join(''));

  const policy = { ...JSON.parse(readFileSync(at('policy.json'))), encoded_slashes: 'in-ids' };
  writeFileSync(at('gate.json'), JSON.stringify(policy));
  writeFileSync(at('down.json'), JSON.stringify({ ...policy, issuers: [...policy.issuers, await keyless(policy.issuers[0])] }));
  const serve = (name, upstream) => new Process(input.linkgate, [
    'serve', '--config', at(`${name}.json`), '--upstream', upstream, '--ca', at('ca.pem'), '--listen', '127.0.0.1:0', '--instances', '1',
    '--component', input.component, '--tls-cert', input.certificate, '--tls-key', input.key, '--log', at(`${name}.log`),
  ]);
  // Nothing listens at the second gate's upstream: it is a port that no program may take.
  const gates = [serve('gate', `https://${direct}`), serve('down', 'http://127.0.0.1:1')];
  const address = async (gate) => `localhost:${await gate.line(/listening on https:\/\/127\.0\.0\.1:(\d+),/)}`;
  const [gate, down] = await Promise.all(gates.map(address));
  return {
    direct, gate, down, page, audience: policy.issuers[0].audiences[0], trust: at('trust.pem'), agent: new Agent({ ca: readFileSync(at('ca.pem')), keepAlive: true }),
    // What the second gate decided: all of it, once it has ended.
    async decided() {
      await ended(gates[1]);
      return readFileSync(at('down.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    },
  };
}

// An issuer like this one whose key endpoint answers that it wants to be left alone for a while. So the outage is the same for
// each client.
async function keyless({ audiences }) {
  const address = await listening((_, response) => response.writeHead(503, { 'retry-after': '280' }).end());
  return { issuer: KEYLESS, audiences, keys: { jwks_uri: `${address}keys`, hosts: ['localhost'] } };
}

// A server that answers all requests alike, and its address.
async function listening(answers) {
  const server = createServer(answers);
  await new Promise((done) => server.listen(0, 'localhost', done));
  server.unref();
  return `http://localhost:${server.address().port}/`;
}

function ended(gate) {
  const over = new Promise((done) => gate.child.on('exit', done));
  gate.end();
  return over;
}

// A request to the tenant by hand.
export function byHand({ direct, agent }, method, path, headers, body) {
  return new Promise((done, failed) => {
    const sent = request(`https://${direct}${path}`, { method, headers, agent }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += chunk;
      done({ status: answer.statusCode, text });
    });
    sent.on('error', failed).end(body);
  });
}

// Both tokens that a sign-in gives, by the id of an account.
export async function signIn(world, username, scope = SCOPES) {
  const form = new URLSearchParams({ grant_type: 'password', client_id: 'spa', username, password: 'pw', audience: world.audience, scope });
  const { status, text } = await byHand(world, 'POST', '/oauth/token', { 'content-type': 'application/x-www-form-urlencoded' }, String(form));
  if (status !== 200) throw new Error(`${username} does not sign in: ${status} ${text}`);
  const { access_token: access, id_token: id } = JSON.parse(text);
  return { access, id };
}
