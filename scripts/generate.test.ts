import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { generateTypes } from './generate.ts';

const ROOT = join(import.meta.dirname, '..');

test('src/db/types.ts is what the schema generates', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const schema = join(folder, 'prisma', 'schema.prisma');
  cpSync(join(ROOT, 'prisma', 'schema.prisma'), schema);
  await generateTypes(schema);
  const types = (root: string) => readFileSync(join(root, 'src', 'db', 'types.ts'), 'utf8');
  assert.equal(types(ROOT), types(folder), 'run `npm run generate` and commit the result');
});
