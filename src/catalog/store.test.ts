import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testDatabase } from '../../test/database.ts';
import { sampleConfig } from '../../test/fixtures/catalog.ts';
import { describeCatalog } from './describe.ts';
import { parseCatalog } from './parse.ts';
import { keepVersion, readVersion } from './store.ts';

const database = await testDatabase();
after(() => database.drop());

test('a version that served is kept as it was first served', async () => {
  const catalog = parseCatalog(sampleConfig());
  const first = new Date('2026-01-31T10:00:00Z');
  await keepVersion(database.db, catalog, first);
  await keepVersion(database.db, catalog, new Date('2026-02-28T10:00:00Z'));
  assert.deepEqual(await readVersion(database.db, catalog.version), {
    version: catalog.version,
    content: describeCatalog(catalog),
    servedFrom: first,
  });
});

test('another content is kept beside it', async () => {
  const config = sampleConfig();
  config.plans.FREE.name = 'Gratis';
  const catalog = parseCatalog(config);
  await keepVersion(database.db, catalog, new Date());
  assert.equal((await readVersion(database.db, catalog.version))?.content.plans[0]?.name, 'Gratis');
});

test('processes that start at once keep one version without a conflict', async () => {
  const catalog = parseCatalog({ ...sampleConfig(), currency: 'jpy' });
  await Promise.all(Array.from({ length: 8 }, () => keepVersion(database.db, catalog, new Date())));
  assert.notEqual(await readVersion(database.db, catalog.version), undefined);
});

test('a version that never served is not there', async () => {
  assert.equal(await readVersion(database.db, 'cat_000000000000'), undefined);
});
