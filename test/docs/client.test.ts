import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import about from '../../package.json' with { type: 'json' };
import { blocksOf, ROOT, readPage, tableOf } from './pages.ts';

test('what docs/client.md shows is typed as it says', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const code = blocksOf(readPage('docs/client.md')).filter(({ language }) => language === 'ts');
  assert.ok(code.length > 3);
  writeFileSync(join(folder, 'page.ts'), code.map(({ text }) => text).join('\n'));
  const settings = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      paths: sourcesByName(),
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    },
    include: ['page.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const tsc = promisify(execFile)(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', folder]);
  await tsc.catch(({ stdout }) => assert.fail(stdout));
});

test('docs/client.md names the limits that hold', () => {
  const client = readPage('sdk/client/client.ts');
  for (const [option, , otherwise] of tableOf(
    readPage('docs/client.md'),
    'option, of the client or of a call',
  )) {
    if (!/^\d+$/.test(otherwise!)) continue;
    const name = option!
      .replaceAll('`', '')
      .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase();
    const [, value] = new RegExp(`const ${name} = ([\\d_]+);`).exec(client)!;
    assert.equal(Number(value!.replaceAll('_', '')), Number(otherwise), option);
  }
});

/** Where what a user imports is in this checkout. */
function sourcesByName(): Record<string, string[]> {
  const entries = Object.entries(about.exports);
  return Object.fromEntries(
    entries.map(([name, { 'tollgate-source': source }]) => [join('tollgate', name), [join(ROOT, source)]]),
  );
}
