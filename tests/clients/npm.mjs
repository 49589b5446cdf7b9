// npm's `auth0` in one version, as a process: `node npm.mjs PACKAGE FOLDER`. It answers calls, a line of JSON each.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { member } from './member.mjs';

const [name, folder] = process.argv.slice(2);
const { ManagementClient } = createRequire(`${folder}/`)(name);

// The calls as each version's documentation has them. Version 4 has the body of an answer in `data`.
const data = (call) => async (...given) => (await call(...given)).data;
const until3 = {
  link: (api, { id, proof }) => api.linkUsers(id, { link_with: proof }),
  unlink: (api, { id, provider, of }) => api.unlinkUsers({ id, provider, user_id: of }),
  get: (api, { id }) => api.getUser({ id }),
  fields: (api, { id, fields }) => api.getUser({ id, fields, include_fields: true }),
};
const in4 = {
  link: data((api, { id, proof }) => api.users.link({ id }, { link_with: proof })),
  unlink: data((api, { id, provider, of }) => api.users.unlink({ id, provider, user_id: of })),
  get: data((api, { id }) => api.users.get({ id })),
  fields: data((api, { id, fields }) => api.users.get({ id, fields, include_fields: true })),
};
const since5 = {
  link: (api, { id, proof }) => api.users.identities.link(id, { link_with: proof }),
  unlink: (api, { id, provider, of }) => api.users.identities.delete(id, provider, of),
  get: (api, { id }) => api.users.get(id),
  fields: (api, { id, fields }) => api.users.get(id, { fields, include_fields: true }),
};
const calls = { 'auth0-2': until3, 'auth0-3': until3, 'auth0-4': in4, 'auth0-newest': since5 }[name];

for await (const line of createInterface({ input: process.stdin })) {
  const call = JSON.parse(line);
  const began = performance.now();
  let outcome;
  try {
    outcome = { value: await calls[call.op](new ManagementClient({ domain: call.domain, token: call.token }), call) };
  } catch (error) {
    outcome = { error: member(error, call.reads) };
  }
  process.stdout.write(`${JSON.stringify({ ...outcome, ms: performance.now() - began })}\n`);
}
