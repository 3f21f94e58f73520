import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import about from '../../package.json' with { type: 'json' };
import { ROOT } from './pages.ts';

/** Checks the types of code as a reader puts it together, in a project that has what ours has. */
export async function assertTyped(code: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-docs-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'page.ts'), code.join('\n'));
    const settings = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { paths: sourcesByName() },
      include: ['page.ts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
    const tsc = promisify(execFile)(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', folder]);
    await tsc.catch(({ stdout }) => assert.fail(stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Where what a user imports is in this checkout. */
function sourcesByName(): Record<string, string[]> {
  const entries = Object.entries(about.exports);
  return Object.fromEntries(
    entries.map(([name, { 'tollgate-source': source }]) => [join('tollgate', name), [join(ROOT, source)]]),
  );
}
