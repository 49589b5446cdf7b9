// Calls the API through a gate and without it, by each client, and prints the page `docs/clients.md`. Ends with 1 where a
// call works on one side alone, without a reason that is known here.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InProcess, clients } from './clients.mjs';
import { InPage, browsers } from './page.mjs';
import { denials, ids, outages, people } from './plays.mjs';
import { page, unexplained } from './report.mjs';
import { stage } from './stage.mjs';

const input = JSON.parse(process.env.LINKGATE_CLIENTS);

// Longest run: a client that hangs is not waited for. Lowered, a busy machine fails the suite.
setTimeout(() => {
  console.error('a client has not answered for too long');
  process.exit(1);
}, 400_000).unref();

const scratch = mkdtempSync(join(tmpdir(), 'linkgate-clients-'));
const all = clients(input);
const [world, opened] = await Promise.all([stage(input, scratch, people(all)), browsers(input)]);

const seen = await Promise.all(all.map(async (client) => {
  const running = client.page ? new InPage(client, opened, { ...input, ...world }) : new InProcess(client, { ...input, ...world });
  const played = { client };
  for (const play of [ids, denials, outages]) played[play.name] = await play(world, client, running);
  running.end();
  return played;
}));

const decided = await world.decided();
rmSync(scratch, { recursive: true });
process.stdout.write(page(seen, decided));
const faults = unexplained(seen);
if (faults.length) console.error(`not the same without the gate / through it:\n${faults.join('\n')}`);
process.exit(faults.length ? 1 : 0);
