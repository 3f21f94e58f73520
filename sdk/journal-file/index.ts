/**
 * A journal in files, for clients of Tollgate on Node: what was written down survives the process and the machine's power.
 *
 *     const journal = await openFileJournal('/var/lib/my-product/tollgate');
 *     const tollgate = createClient({ url, secretKey, journal, whenUnreachable: 'open' });
 */
export { type FileJournal, openFileJournal } from './journal.ts';
