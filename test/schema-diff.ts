import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
// Prisma's schema engine as WebAssembly: unlike its binary it needs no download. Node imports it as it is.
import { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';

/** What separates a database from a Prisma schema, in Prisma's words; empty where nothing does. */
export async function diffSchema(url: string, schema: string): Promise<string> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => {}, adapt(pool));
  try {
    const { exitCode, stdout } = await engine.diff({
      from: {
        tag: 'schemaDatasource',
        files: [{ path: 'database', content: header(schema) }],
        configDir: '.',
      },
      to: { tag: 'schemaDatamodel', files: [{ path: 'schema', content: schema }] },
      script: false,
      exitCode: true,
      filters: { externalTables: ['public._tollgate_migration'], externalEnums: [] },
    });
    return exitCode === 0 ? '' : (stdout ?? 'They differ.');
  } finally {
    engine.free();
    await pool.end();
  }
}

/** Generator and datasource: Prisma sees a database's partial indexes only where the generator asks for them. */
function header(schema: string): string {
  return (schema.match(/^(generator|datasource) [^}]*\}/gm) ?? []).join('\n');
}

const CHAR = 18;
const CHAR_ARRAY = 1002;

/**
 * Prisma's adapter for pg refuses columns of Postgres' own type "char", and its schema engine asks for them. They go
 * through the adapter under the name of a type that nothing else here has, and come out as the characters they are.
 */
function adapt(pool: pg.Pool) {
  const query = pool.query.bind(pool) as (config: pg.QueryArrayConfig) => Promise<pg.QueryArrayResult>;
  pool.query = (async (config: pg.QueryArrayConfig) => {
    const result = await query(config);
    for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
    return result;
  }) as typeof pool.query;

  const factory = new PrismaPg(pool);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (sql) => {
      const set = await queryRaw(sql);
      const named = (type: number) => type === ColumnTypeEnum.CharacterArray;
      return {
        ...set,
        columnTypes: set.columnTypes.map((type) => (named(type) ? ColumnTypeEnum.Character : type)),
      };
    };
    return adapter;
  };
  return bindMigrationAwareSqlAdapterFactory(factory);
}
