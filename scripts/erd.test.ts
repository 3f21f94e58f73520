import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { erd, erdOfToday, readModel } from './erd.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const given = read('test', 'fixtures', 'erd-given.md');

test('the given model as a Prisma schema comes out as the given diagram, byte for byte', async () => {
  const diagram = erd(await readModel(read('test', 'fixtures', 'erd-given.prisma')));
  // The one field that Prisma cannot say without a column on the other side, which the given model does not have.
  assert.equal(diagram, given.replace('    credits Credit\n', ''));
});

test('docs/ERD.md is what the schema says', async () => {
  assert.equal(read('docs', 'ERD.md'), await erdOfToday(), 'run `npm run generate` and commit the result');
});

test('the diagram holds all of the given one in its order, Float as Decimal aside', async () => {
  const today = blocks(await erdOfToday());
  for (const [title, lines] of blocks(given)) {
    const found = today.get(title);
    assert(found !== undefined, `${title} is gone`);
    let from = 0;
    for (const line of lines.map((text) => text.replace(/ Float$/, ' Decimal'))) {
      const at = found.indexOf(line, from);
      assert.notEqual(at, -1, `"${line.trim()}" is not in its place in ${title}`);
      from = at + 1;
    }
  }
});

/** Lines that say something, by the entity, comment or heading they stand under. */
function blocks(diagram: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let title = 'start';
  for (const line of diagram.split('\n').filter((text) => text.trim() !== '')) {
    if (/^#|^```|^ {2}%%|^ {2}\w+ \{$/.test(line)) title = line.trim();
    found.set(title, [...(found.get(title) ?? []), line]);
  }
  return found;
}
