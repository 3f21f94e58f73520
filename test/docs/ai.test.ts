import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { quoteWork } from '../../src/catalog/ai/find.ts';
import { POOLS } from '../../src/catalog/ai/price.ts';
import { parseCatalog } from '../../src/catalog/parse.ts';
import { toUnits } from '../../src/lib/amounts.ts';
import config from '../../tollgate.config.ts';
import { blocksOf, codeOf, readPage, tableOf } from './pages.ts';
import { assertTyped } from './typed.ts';

const page = readPage('docs/ai.md');

describe('the page about AI work', () => {
  test('shows the program of an example that is run, and code that is typed as it says', async () => {
    const code = blocksOf(page)
      .filter(({ language }) => language === 'ts')
      .map(({ text }) => text);
    assert.ok(readPage('examples/ai-script/main.ts').includes(code[0]!));
    await assertTyped(code);
  });

  test('says how much is held, and when it is reported, as it is', () => {
    const constants = ['settings', 'hold', 'reports'].map((name) => readPage(`sdk/ai/${name}.ts`)).join('\n');
    let compared = 0;
    for (const [settings, , otherwise = ''] of tableOf(page, 'setting')) {
      const values = otherwise.split(', ');
      for (const [index, setting] of codeOf(settings!).entries()) {
        if (!/^\d+$/.test(values[index] ?? '')) continue;
        const name = setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
        const [, value] = new RegExp(`const ${name} = ([\\d_]+);`).exec(constants)!;
        assert.equal(Number(value!.replaceAll('_', '')), Number(values[index]), setting);
        compared++;
      }
    }
    assert.equal(compared, 4);
  });

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

  test('asks for images that have a price', () => {
    const { ai } = parseCatalog(config);
    const [, sample] = /```ts\n([^`]*generateImage\([^`]*)```/.exec(page)!;
    const named = (pattern: RegExp) => pattern.exec(sample!)![1]!;
    const [size, quality, model] = [/size: '(\w+)'/, /quality: '(\w+)'/, /image\('([^']+)'\)/].map(named);
    const images = { count: Number(named(/n: (\d+)/)), size: size!, quality: quality! };
    const { points } = quoteWork(ai, { model: model!, images }, Date.parse('2026-11-24'));
    assert.ok(points > 0n);
  });

  test('says of every pool what is counted there', () => {
    const named = tableOf(page, 'pool').flatMap(([pools]) => codeOf(pools!));
    assert.deepEqual(named.sort(), [...POOLS].sort());
  });
});
