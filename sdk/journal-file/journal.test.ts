import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JournalEntry } from '../client/journal.ts';
import { type FileJournal, openFileJournal } from './index.ts';
import { printLine, readLines } from './lines.ts';

let folder: string;
const open: FileJournal[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-journal-'));
});
afterEach(async () => {
  for (const journal of open.splice(0)) await journal.close();
  rmSync(folder, { recursive: true });
});

async function openHere(): Promise<FileJournal> {
  const journal = await openFileJournal(folder);
  open.push(journal);
  return journal;
}

function entry(id: string): JournalEntry {
  const input = { workspaceId: 'acme', featureCode: 'api.calls', amount: 1 };
  const journaledAt = '2026-01-01T00:00:00.000Z';
  return { id, address: 'POST /v1/usage', input, idempotencyKey: `key ${id}`, journaledAt };
}

async function idsOf(journal: FileJournal): Promise<string[]> {
  return (await journal.waiting(1_000_000)).map(({ id }) => id);
}

const files = () => readdirSync(folder).sort();
const PATH = () => join(folder, files()[0]!);

/** A file as a process leaves it that has ended. */
const DEAD = `${'nowhere'}.1.0a.0.jsonl`;

describe('a journal in a folder', () => {
  test('has what was written down after its process has ended, but for what was delivered', async () => {
    const first = await openFileJournal(folder);
    await first.append([entry('a'), entry('b')]);
    await first.append([entry('c')]);
    await first.delivered(['b']);
    await first.close();
    const second = await openHere();
    assert.equal(second.size, 2);
    assert.deepEqual(await second.waiting(9), [entry('a'), entry('c')]);
    assert.deepEqual(await second.waiting(1), [entry('a')]);
  });

  test('leaves nothing behind once everything is delivered', async () => {
    const journal = await openHere();
    await journal.append([entry('a')]);
    assert.equal(files().length, 1);
    await journal.delivered(['a']);
    assert.deepEqual(files(), []);
    await journal.append([entry('b')]);
    assert.deepEqual(await idsOf(journal), ['b']);
  });

  test('writes a thousand at once, and in files that do not grow for ever', async () => {
    const journal = await openHere();
    const ids = Array.from({ length: 1000 }, (_, index) => `e${index}`);
    await Promise.all(ids.map((id) => journal.append([entry(id)])));
    assert.deepEqual(await idsOf(journal), ids);
    const before = readFileSync(PATH()).length;
    await journal.delivered(ids.slice(1));
    assert.equal(files().length, 1);
    assert.ok(readFileSync(PATH()).length < before / 100);
    assert.deepEqual(await idsOf(journal), ['e0']);
  });

  test('keeps apart what was refused, once, for every process', async () => {
    const journal = await openHere();
    await journal.append([entry('a'), entry('b')]);
    const error = { code: 'insufficient_credits', message: 'No.' };
    const refused = { ...entry('a'), error, refusedAt: '2026-01-02T00:00:00.000Z' };
    await journal.refuse([refused]);
    await journal.refuse([refused]);
    assert.deepEqual(await idsOf(journal), ['b']);
    assert.deepEqual(await (await openHere()).refused(), [refused]);
  });
});

describe('what an ended process has left', () => {
  test('counts but for a last line that was cut off', async () => {
    const whole = printLine({ use: entry('a') }) + printLine({ use: entry('b') }) + printLine({ done: 'a' });
    const last = printLine({ use: entry('c') });
    for (let length = 0; length < last.length; length++) {
      assert.deepEqual(readLines(whole + last.slice(0, length)), { waiting: [entry('b')], isDamaged: false });
    }
    writeFileSync(join(folder, DEAD), whole + last.slice(0, 40));
    assert.deepEqual(await idsOf(await openHere()), ['b']);
    assert.equal(files().length, 1, 'it is taken over');
  });

  test('is laid aside where it cannot all be read', async () => {
    const text = `${printLine({ use: entry('a') })}{"use":\n{"use":{"id":1}}\n[]\nnull\n${printLine({ use: entry('b') })}`;
    writeFileSync(join(folder, DEAD), text);
    assert.deepEqual(await idsOf(await openHere()), ['a', 'b']);
    const aside = files().find((name) => name.endsWith('.damaged'))!;
    assert.equal(readFileSync(join(folder, aside), 'utf8'), text);
  });

  test('is taken over by one of many that start at once', async () => {
    writeFileSync(join(folder, DEAD), printLine({ use: entry('a') }));
    const journals = await Promise.all(Array.from({ length: 10 }, openHere));
    const ids = await Promise.all(journals.map(idsOf));
    assert.deepEqual(ids.flat(), ['a']);
  });
});

describe('two in one folder', () => {
  test('leave each other alone', async () => {
    const [one, other] = [await openHere(), await openHere()];
    await one.append([entry('a')]);
    await other.append([entry('b')]);
    const third = await openHere();
    assert.deepEqual([await idsOf(one), await idsOf(other), await idsOf(third)], [['a'], ['b'], []]);
  });

  test('lose nothing where one takes over what the other still writes to', async () => {
    const one = await openHere();
    await one.append([entry('a')]);
    // Its name is that of another machine's process now, such as of a container: nobody can know that it lives.
    renameSync(PATH(), join(folder, DEAD));
    const other = await openHere();
    await one.append([entry('b')]);
    await one.delivered(['a']);
    assert.deepEqual([await idsOf(one), await idsOf(other)], [['b'], ['a']]);
    await one.close();
    await other.close();
    assert.deepEqual((await idsOf(await openHere())).sort(), ['a', 'b']);
  });

  test('lose nothing where that happens again and again', async () => {
    const one = await openHere();
    const ids = Array.from({ length: 200 }, (_, index) => `e${index}`);
    const others: FileJournal[] = [];
    let moved = 0;
    const stealing = (async () => {
      while (one.size < ids.length) {
        for (const name of files().filter((name) => name.endsWith('.jsonl') && moved < 40)) {
          renameSync(join(folder, name), join(folder, `nowhere.1.${moved++}.0.jsonl`));
        }
        others.push(await openHere());
        await sleep(1);
      }
    })();
    for (const id of ids) await one.append([entry(id)]);
    await stealing;
    const all = new Set((await Promise.all([one, ...others].map(idsOf))).flat());
    assert.deepEqual([...all].sort(), ids.sort());
    for (const journal of [one, ...others]) await journal.close();
    assert.deepEqual((await idsOf(await openHere())).sort(), ids.sort(), 'on disk, too');
  });
});

test('what cannot be written is told, and the journal goes on when it can', async () => {
  const journal = await openHere();
  await journal.append([entry('a')]);
  rmSync(folder, { recursive: true });
  await assert.rejects(journal.append([entry('b')]), /ENOENT/);
  assert.deepEqual(await idsOf(journal), ['a']);
  mkdirSync(folder);
  await journal.append([entry('c')]);
  assert.deepEqual(await idsOf(journal), ['a', 'c']);
});
