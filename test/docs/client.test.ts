import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf, readPage, tableOf } from './pages.ts';
import { assertTyped } from './typed.ts';

test('what docs/client.md shows is typed as it says', async () => {
  const code = blocksOf(readPage('docs/client.md')).filter(({ language }) => language === 'ts');
  assert.ok(code.length > 3);
  await assertTyped(code.map(({ text }) => text));
});

test('docs/client.md names the limits that hold', () => {
  const client = readPage('sdk/client/client.ts');
  for (const [option, , otherwise] of tableOf(
    readPage('docs/client.md'),
    'option, of the client or of a call',
  )) {
    if (!/^\d+$/.test(otherwise!)) continue;
    const name = option!
      .replaceAll('`', '')
      .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase();
    const [, value] = new RegExp(`const ${name} = ([\\d_]+);`).exec(client)!;
    assert.equal(Number(value!.replaceAll('_', '')), Number(otherwise), option);
  }
});
