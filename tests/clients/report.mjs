// The page `docs/clients.md`, from what was seen.

// Ids that the gate refuses on purpose, and that a client may get through without it.
const ON_PURPOSE = {
  'CORP\\jo': 'A backslash that is not escaped is a slash to some servers.',
  'a/../b': 'However it is escaped: behind the gate, something may unescape a path before it takes `..` out of it.',
};

const EMPTY = '-';

export const page = (seen, decided) => `${INTRODUCTION}
${idTable(seen)}
${AFTER_IDS}
${refusals(seen)}
${onPurpose()}
## What a refusal looks like

An application finds what the gate answers where it finds what the API answers:

${members(seen)}
Each refusal, without the gate and through it. \`text\` is the same in every client.

${denials(seen)}
The classes of these errors:

${classes(seen)}
## How long an outage takes

A link through a gate whose upstream is down, and through one that cannot fetch the issuer's keys, minutes after that began. Some
clients ask again by themselves after the time that \`Retry-After\` names: 1 s in the first case, 10 s in the second. Until
then their call does not return.

${outages(seen, decided)}`;

const INTRODUCTION = `# Clients

Written by \`tests/hosts/tests/clients.rs\`; do not edit. Real clients call a simulated tenant through the reference gateway and
without it.

## Ids

Each client signs in to two accounts, reads the first one, reads its identities alone (\`fields\`), links the second one to it and
unlinks it again. The ids of both accounts hold, behind their first bar, what is in the first column. The policy has
\`encoded_slashes: in-ids\`; without it, ids with a slash or a backslash are refused.

- \`ok\`: all calls work, with and without the gate.
- Calls in words fail without the gate as well: the client does not escape the id, so it asks for something else.
- **Calls in bold** fail through the gate alone.
`;

const AFTER_IDS = `auth0.js can neither unlink nor choose fields.

These calls fail, without the gate / through it:
`;

const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');

const code = (text) => `\`${text.replaceAll('|', '\\|')}\``;

const title = ({ client }) => client.title;

// Whether the gate alone is in the way of a call.
const gateAlone = (row, op) => row.direct[op] === 'ok' && row.gate[op] !== 'ok';
const both = (row, op) => row.direct[op] === 'ok' && row.gate[op] === 'ok';

// Calls that work on one side alone, and should not.
export const unexplained = (seen) => seen.flatMap(({ client, ids }) => ids.flatMap((row) => client.ops
  .filter((op) => (gateAlone(row, op) ? !(row.id in ON_PURPOSE) : row.direct[op] !== 'ok' && row.gate[op] === 'ok'))
  .map((op) => `${client.title}: ${op}, ${row.id}: ${answer(row.direct[op])} / ${answer(row.gate[op])}`)));

function idTable(seen) {
  const cell = ({ client }, row) => {
    const failed = client.ops.filter((op) => !both(row, op));
    return failed.map((op) => (gateAlone(row, op) ? `**${op}**` : op)).join(', ') || 'ok';
  };
  const rows = seen[0].ids.map(({ id }, at) => [code(id), ...seen.map((played) => cell(played, played.ids[at]))]);
  return table(['id', ...seen.map(title)], rows);
}

// An outcome in short.
const answer = (seen) => (seen === 'ok' ? 'ok' : seen.status ? `${seen.status}${seen.code ? ` ${code(seen.code)}` : ''}` : `not sent: ${seen.text}`);

// What fails, by client and outcome.
function refusals(seen) {
  const rows = seen.flatMap((played) => {
    const groups = new Map();
    for (const row of played.ids) {
      for (const op of played.client.ops.filter((one) => !both(row, one))) {
        const outcome = `${answer(row.direct[op])} / ${answer(row.gate[op])}`;
        const group = groups.get(outcome) || new Map();
        group.set(row.id, [...(group.get(row.id) || []), op]);
        groups.set(outcome, group);
      }
    }
    return [...groups].map(([outcome, group]) => [title(played), outcome, [...byCalls(group)].map(([ops, list]) => `${ops}: ${list.map(code).join(' ')}`).join('; ')]);
  });
  return table(['client', 'answers', 'calls and ids'], rows);
}

// Ids by the calls that fail with them.
function byCalls(group) {
  const calls = new Map();
  for (const [id, ops] of group) calls.set(ops.join(', '), [...(calls.get(ops.join(', ')) || []), id]);
  return calls;
}

const onPurpose = () => `Refused on purpose, although a client gets through without the gate:

${Object.entries(ON_PURPOSE).map(([id, why]) => `- ${code(id)}. ${why}\n`).join('')}`;

function members(seen) {
  const rows = seen.map(({ client: { title: name, reads } }) => [name, code(reads.status), code(reads.code), code(reads.text)]);
  return table(['client', 'status', '`errorCode`', 'text'], rows);
}

// The same for all clients, or each that is different by name.
function agreed(list) {
  const groups = new Map();
  for (const [name, value] of list) groups.set(value, [...(groups.get(value) || []), name]);
  const [[usual], ...others] = [...groups].sort(([, one], [, other]) => other.length - one.length);
  return [usual, ...others.map(([value, names]) => `${value} (${names.join(', ')})`)].join('; ');
}

function denials(seen) {
  const said = (error) => `${error.status} ${error.text}`;
  const rows = longest(seen).map(({ what }) => {
    const those = seen.flatMap((played) => played.denials.filter((row) => row.what === what).map((row) => [title(played), row]));
    const column = (made) => agreed(those.map(([name, row]) => [name, made(row)]));
    return [what, column((row) => said(row.direct)), column((row) => said(row.gate)), column((row) => (row.gate.code ? code(row.gate.code) : EMPTY))];
  });
  return table(['the client', 'without the gate', 'through it', '`errorCode`'], rows);
}

const longest = (seen) => seen.map((played) => played.denials).reduce((one, other) => (other.length > one.length ? other : one));

function classes(seen) {
  const rows = seen.map((played) => {
    const errors = [...played.denials.map((row) => row.gate), played.outages.upstream.error, played.outages.keys.error];
    return [title(played), ...[400, 401, 403, 502, 503].map((status) => [...new Set(errors.filter((error) => error.status === status).map((error) => code(error.name)))].join(', '))];
  });
  return table(['client', '400', '401', '403', '502', '503'], rows);
}

function outages(seen, decided) {
  const cell = ({ id, error, ms }, after) => {
    const path = `/api/v2/users/${id}/identities`;
    const times = decided.filter(({ method, path: asked }) => method === 'POST' && decodeURIComponent(asked) === path).length;
    return [`${error.status} ${code(error.code)}`, times, blocked(ms, (times - 1) * after)];
  };
  const rows = seen.map((played) => [title(played), ...cell(played.outages.upstream, 1), ...cell(played.outages.keys, 10)]);
  return table(['client', 'upstream down', 'requests', 'blocks for', 'keys out of reach', 'requests', 'blocks for'], rows);
}

// How long a call took, where it is about what `Retry-After` asks for; the machine may be busy.
function blocked(ms, asked) {
  const seconds = ms / 1000;
  if (seconds < asked || seconds > asked * 1.25 + 5) return `${seconds.toFixed(1)} s, and not the ${asked} s that were asked for`;
  return asked ? `${asked} s` : 'at once';
}
