import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quoteWork } from '../../src/catalog/ai/find.ts';
import { POOLS } from '../../src/catalog/ai/price.ts';
import { parseCatalog } from '../../src/catalog/parse.ts';
import { toUnits } from '../../src/lib/amounts.ts';
import config from '../../tollgate.config.ts';
import { codeOf, readPage, tableOf } from './pages.ts';

const page = readPage('docs/ai.md');

describe('the page about AI work', () => {
  test('says what calls cost with the catalog as it comes', () => {
    const { ai } = parseCatalog(config);
    const rows = tableOf(page, 'model');
    assert.ok(rows.length >= 8);
    for (const [model, used, usd, points] of rows) {
      const tokens = Object.fromEntries(
        used!.split(', ').map((part) => [part.split(' ')[0], Number(part.split(' ')[1])]),
      );
      const quoted = quoteWork(ai, { model: codeOf(model!)[0]!, tokens }, Date.parse('2026-11-24'));
      assert.deepEqual(
        [quoted.costUsd, toUnits(quoted.points)],
        [Number(usd), Number(points)],
        `${model} ${used}`,
      );
    }
  });

  test('says of every pool what is counted there', () => {
    const named = tableOf(page, 'pool').flatMap(([pools]) => codeOf(pools!));
    assert.deepEqual(named.sort(), [...POOLS].sort());
  });
});
