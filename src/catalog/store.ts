import type { Kysely } from 'kysely';
import type { DB } from '../db/types.ts';
import { type CatalogDescription, describeCatalog } from './describe.ts';
import type { Catalog } from './types.ts';

export type KeptVersion = { version: string; content: CatalogDescription; servedFrom: Date };

/** Keeps a catalog that is about to be served. A version that was kept before stays as it was first. */
export async function keepVersion(db: Kysely<DB>, catalog: Catalog, now: Date): Promise<void> {
  await db
    .insertInto('CatalogVersion')
    .values({
      version: catalog.version,
      content: JSON.stringify(describeCatalog(catalog)),
      servedFrom: now,
    })
    .onConflict((conflict) => conflict.column('version').doNothing())
    .execute();
}

/** A catalog that was served once: decisions name the version that they were made with. */
export async function readVersion(db: Kysely<DB>, version: string): Promise<KeptVersion | undefined> {
  const row = await db
    .selectFrom('CatalogVersion')
    .selectAll()
    .where('version', '=', version)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, content: row.content as CatalogDescription };
}
