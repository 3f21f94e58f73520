import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { ConfigError } from '../lib/config.ts';
import { loadCatalog } from './load.ts';
import { parseCatalog } from './parse.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tollgate-catalog-'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
});
after(() => rm(folder, { recursive: true, force: true }));

const config = JSON.stringify(sampleConfig());

for (const [file, text] of [
  ['typed.ts', `const config: object = ${config}; export default config;`],
  ['plain.js', `export default ${config}`],
  ['module.mjs', `export default ${config}`],
  ['data.json', config],
] as const) {
  test(`${file} is read, and is the same catalog as any other file of that content`, async () => {
    await writeFile(join(folder, file), text);
    assert.deepEqual(await loadCatalog(join(folder, file)), parseCatalog(sampleConfig()));
  });
}

for (const [file, text, reason] of [
  ['missing.ts', null, ': the catalog cannot be read. Create it, or name another with TOLLGATE_CONFIG.'],
  ['syntax.ts', 'const a = 1;\nexport default = 2;', ':2: Expression expected'],
  ['enum.ts', 'enum A { B }\nexport default {}', ':1: TypeScript enum is not supported in strip-only mode'],
  ['syntax.mjs', 'export default { a: 1,, }', ": Unexpected token ','"],
  ['throws.ts', "\n\nthrow new Error('no rates today\\nand more')", ':3: no rates today'],
  ['throws-text.mjs', "throw 'no rates today'", ': no rates today'],
  [
    'no-default.ts',
    'export const config = {}',
    ': there is no default export. Write export default { … } satisfies CatalogConfig.',
  ],
  [
    'syntax.json',
    '{"a": 1,}',
    ': Expected double-quoted property name in JSON at position 8 (line 1 column 9)',
  ],
  ['other.yaml', 'a: 1', ': Unknown file extension ".yaml"'],
  [
    'mistake.json',
    '[]',
    ': the catalog must be an object with currency, features, plans, subscriptions, credits, ai',
  ],
  [
    'mistake.mjs',
    `export default { ...${config}, extra: 1 }`,
    ': extra: is unknown here; known are currency, features, plans, subscriptions, credits',
  ],
] as const) {
  test(`${file} is refused in one line that names the file: ${reason}`, async () => {
    const path = join(folder, file);
    if (text !== null) await writeFile(path, text);
    await assert.rejects(loadCatalog(path), (error) => {
      assert(error instanceof ConfigError);
      assert(error.message.startsWith(`${path}${reason}`), error.message);
      assert(!error.message.includes('\n'));
      return true;
    });
  });
}
