#!/usr/bin/env node
// Starts Tollgate: as it was built where it is installed as a package, from its sources in a checkout.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const at = (path) => new URL(`../${path}`, import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);
const runsTypeScript = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

// Node runs no TypeScript below node_modules.
if (import.meta.url.includes('/node_modules/')) await import(at('dist/src/main.js'));
else if (runsTypeScript) await import(at('src/main.ts'));
else {
  const args = [fileURLToPath(at('src/main.ts')), ...process.argv.slice(2)];
  const child = spawn(fileURLToPath(at('node_modules/.bin/node')), args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  process.on('SIGINT', () => {}); // the terminal has sent it to the child, too
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', () => {
    console.error(
      'Tollgate needs Node 22.18 or newer to run from its sources: run `npm ci`, which brings one.',
    );
    process.exitCode = 1;
  });
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
