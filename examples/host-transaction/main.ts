/**
 * Charges inside the host's own transaction: the product's row and the charge are committed together, or not at all.
 * Run it with DATABASE_URL set: `node --conditions=tollgate-source examples/host-transaction/main.ts`.
 */
import pg from 'pg';
import { createTollgate, Refusal } from 'tollgate';
import catalog from '../../tollgate.config.ts';

const databaseUrl = process.env.DATABASE_URL!;
const tollgate = await createTollgate({ databaseUrl, catalog });
const host = new pg.Pool({ connectionString: databaseUrl });

await host.query('create table if not exists report (id int primary key, title text not null)');
await tollgate.putWorkspace({ id: 'acme', name: 'Acme' });

/** The host's own verb: writes a report and charges for it, in one commit. */
async function writeReport(id: number, title: string, amount: number): Promise<void> {
  const client = await host.connect();
  try {
    await client.query('begin');
    await client.query('insert into report (id, title) values ($1, $2)', [id, title]);
    const usage = await tollgate.use(
      { workspaceId: 'acme', featureCode: 'api.calls', amount, description: title },
      { transaction: client, idempotencyKey: `report-${id}` },
    );
    await client.query('commit');
    console.log(`report ${id}: charged ${usage.amount}, ${usage.remaining} left`);
  } catch (error) {
    await client.query('rollback');
    if (!(error instanceof Refusal)) throw error;
    console.log(`report ${id}: refused (${error.code}), nothing written, nothing charged`);
  } finally {
    client.release();
  }
}

await writeReport(1, 'January', 10);
await writeReport(2, 'All years', 1000);
await writeReport(3, 'February', 10);

const reports = await host.query('select id, title from report order by id');
console.log('reports:', reports.rows.map((row) => row.title).join(', '));
const workspace = await tollgate.getWorkspace('acme');
console.log('used:', workspace.features.find((feature) => feature.featureCode === 'api.calls')?.used);

await host.end();
await tollgate.close();
