// The clients, and the processes that they run in.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));

// Where an application finds what is in an error. `name` says what kind of error it is.
const READS = {
  npm2: { name: 'name', status: 'statusCode', code: 'originalError.response.body.errorCode', text: 'message' },
  npm4: { name: 'name', status: 'statusCode', code: 'errorCode', text: 'message' },
  npm5: { name: 'name', status: 'statusCode', code: 'body.errorCode', text: 'body.message' },
  pypi4: { name: 'name', status: 'status_code', code: 'error_code', text: 'message' },
  pypi5: { name: 'name', status: 'status_code', code: 'body.errorCode', text: 'body.message' },
  auth0js: { name: 'code', status: 'statusCode', code: 'original.response.body.errorCode', text: 'original.response.body.message' },
  jquery: { name: 'statusText', status: 'status', code: 'responseJSON.errorCode', text: 'responseJSON.message' },
};

const OPS = ['get', 'fields', 'link', 'unlink'];

// Each client has accounts of its own, so that all of them run at once: with one provider its first accounts, with the other its
// second ones.
const LIST = [
  { package: 'auth0', npm: 'auth0-2', reads: 'npm2', providers: ['auth0', 'github'] },
  { package: 'auth0', npm: 'auth0-3', reads: 'npm2', providers: ['oidc', 'dropbox'] },
  { package: 'auth0', npm: 'auth0-4', reads: 'npm4', providers: ['samlp', 'bitbucket'] },
  { package: 'auth0', npm: 'auth0-newest', reads: 'npm5', providers: ['oauth2', 'linkedin'] },
  { package: 'auth0-python', pypi: 0, reads: 'pypi4', providers: ['waad', 'twitter'] },
  { package: 'auth0-python', pypi: 1, reads: 'pypi5', providers: ['adfs', 'facebook'] },
  { package: 'auth0-python', pypi: 2, reads: 'pypi5', providers: ['ad', 'apple'] },
  { package: 'auth0-js', npm: 'auth0-js', page: 'auth0-js', reads: 'auth0js', providers: ['okta', 'line'], ops: ['get', 'link'] },
  { package: 'jQuery', npm: 'jquery', page: 'jquery', note: ', ids as they are', reads: 'jquery', providers: ['sharepoint', 'amazon'] },
  { package: 'jQuery', npm: 'jquery', page: 'jquery', escapes: true, note: ', ids escaped', reads: 'jquery', providers: ['pingfederate', 'paypal'] },
];

// With the versions that are installed: npm's by its lock, each of Python's in a folder of its own.
export function clients({ packages, python }) {
  const load = createRequire(`${packages}/`);
  return LIST.map((client) => {
    const { version, folder } = client.npm ? load(join(packages, 'node_modules', client.npm, 'package.json')) : python[client.pypi];
    const title = `${client.package} ${version}${client.note || ''}`;
    return { ops: OPS, ...client, title, folder, reads: READS[client.reads] };
  });
}

// A client in a process of its own. It makes one call after another.
export class InProcess {
  constructor({ npm, folder, title, reads }, { packages, trust }) {
    const [program, ...args] = npm ? ['node', join(HERE, 'npm.mjs'), npm, packages] : ['python3', join(HERE, 'pypi.py')];
    const trusting = { NODE_EXTRA_CA_CERTS: trust, SSL_CERT_FILE: trust, REQUESTS_CA_BUNDLE: trust };
    const env = { ...process.env, ...trusting, ...(folder && { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1' }) };
    this.child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
    this.outcomes = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    Object.assign(this, { title, reads });
  }

  async call(call) {
    this.child.stdin.write(`${JSON.stringify({ ...call, reads: this.reads })}\n`);
    const { value, done } = await this.outcomes.next();
    if (done) throw new Error(`${this.title}: its process ended`);
    return JSON.parse(value);
  }

  // It reads to the end of its input.
  end() {
    this.child.stdin.end();
  }
}
