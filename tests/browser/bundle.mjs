// Makes of each library one script for a page. Their packages hold sources for bundlers; Lock 9's are for browserify with
// three transforms, which the plugin below does in its place.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { mkdirSync, readFileSync } from 'node:fs';

const [cache, out] = process.argv.slice(2);
const load = createRequire(join(cache, 'package.json'));
const esbuild = load('esbuild');
mkdirSync(out, { recursive: true });

const ejs = load(load.resolve('ejs', { paths: [dirname(load.resolve('ejsify'))] }));

// What browserify adds by itself: of `util` the libraries use `format` alone.
const shims = {
  util: "exports.format = (text, ...rest) => String(text).replace(/%[sdj]/g, () => String(rest.shift())); exports.inherits = (a, b) => Object.setPrototypeOf(a.prototype, b.prototype);",
  'package.version': 'module.exports = "9.2.3";',
  // What Lock asks for inside of a Cordova app, which this is not.
  'auth0-js/dist/cordova-auth0-plugin.min': `module.exports = class { version = '${load(join(cache, 'node_modules/auth0-js/package.json')).version}'; setWebAuth() {} supports() { return false; } }; module.exports.default = module.exports; module.exports.__esModule = true;`,
};

const asBrowserify = {
  name: 'as browserify',
  setup(build) {
    // The package says that all of its files are modules, and its entry for `require` is none.
    build.onResolve({ filter: /^auth0-js(-10)?$/ }, ({ path, importer }) =>
      /auth0-lock-(9|passwordless-2)/.test(importer)
        ? undefined
        : { path: join(cache, 'node_modules', path, 'dist/auth0.min.esm.js') });
    build.onResolve({ filter: /^(util|package\.version|auth0-js\/dist\/cordova-auth0-plugin\.min(\.js)?)$/ }, ({ path }) => ({ path: path.replace(/\.js$/, ''), namespace: 'shim' }));
    build.onLoad({ filter: /.*/, namespace: 'shim' }, ({ path }) => ({ contents: shims[path], loader: 'js' }));
    build.onLoad({ filter: /\.ejs$/ }, ({ path }) => {
      const template = ejs.compile(readFileSync(path, 'utf8'), { client: true, compileDebug: false, filename: path });
      return { contents: `module.exports = (${template})`, loader: 'js' };
    });
    build.onLoad({ filter: /insert-css\/index\.js$/ }, ({ path }) => {
      const style = readFileSync(join(dirname(path), '../css/main.min.css'), 'utf8');
      const contents = readFileSync(path, 'utf8')
        .replace(/fs\.readFileSync\([^)]*\)/, () => JSON.stringify(style))
        .replace(/var fs *= *require\('fs'\);?/, '');
      return { contents, loader: 'js' };
    });
  },
};

const libraries = {
  'lock-9': "window.Auth0Lock = require('auth0-lock-9');",
  'lock-passwordless-2': "const it = require('auth0-lock-passwordless-2'); window.Auth0LockPasswordless = it.default || it;",
  'lock-11': "const it = require('auth0-lock-11'); window.Auth0Lock = it.default || it.Auth0Lock; window.Auth0LockPasswordless = it.Auth0LockPasswordless;",
  'lock-14': "const it = require('auth0-lock-14'); window.Auth0Lock = it.default || it.Auth0Lock; window.Auth0LockPasswordless = it.Auth0LockPasswordless;",
  'auth0-js-10': "window.auth0 = require('auth0-js-10').default;",
  'spa-js-1': "const it = require('auth0-spa-js-1'); window.createAuth0Client = it.default || it;",
  'spa-js-2': "window.createAuth0Client = require('auth0-spa-js-2').createAuth0Client;",
  jquery: "window.$ = window.jQuery = require('jquery');",
};

for (const [name, contents] of Object.entries(libraries)) {
  await esbuild.build({
    stdin: { contents, resolveDir: cache, loader: 'js' },
    outfile: join(out, `${name}.js`),
    bundle: true,
    format: 'iife',
    platform: 'browser',
    mainFields: ['browser', 'main', 'module'],
    define: { global: 'window', 'process.env.NODE_ENV': '"production"' },
    logLevel: 'error',
    plugins: [asBrowserify],
  });
}
