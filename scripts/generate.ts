// npm run generate: writes what is made from prisma/schema.prisma, src/db/types.ts and docs/ERD.md, and what is made
// from the OpenAPI document, sdk/client/types.ts.
import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { writeClientTypes } from './client-types.ts';
import { writeErd } from './erd.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules', '.bin');
const PRISMA = join(ROOT, 'node_modules', 'prisma', 'build', 'index.js');

/** Writes the types of a schema to where its generator says, relative to the schema. Offline. */
export async function generateTypes(schema: string): Promise<void> {
  await promisify(execFile)(process.execPath, [PRISMA, 'generate', '--schema', schema], {
    cwd: ROOT,
    env: {
      ...process.env,
      // Where Prisma looks for prisma-kysely.
      PATH: `${BIN}${delimiter}${process.env.PATH}`,
      // Prisma downloads its engine unless it is told of one. Generating types never runs it: any executable will do.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      // Neither telemetry nor a look for newer versions.
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
    },
  });
}

if (import.meta.main) {
  await generateTypes(join(ROOT, 'prisma', 'schema.prisma'));
  await writeErd();
  await writeClientTypes();
}
