import assert from 'node:assert/strict';

/** What a page shows in place of what is another each time, with what it was this time. */
export type Learnt = Map<string, string>;

/** What is another at every run: ids, pages to pay on, and times. */
const ID = /^([a-z]+_(?:test_)?)[0-9A-Za-z]{12,}$/;
const ADDRESS = /^http:\/\/127\.0\.0\.1:\d+\//;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Stands at the end of a list of which a page shows the beginning. */
const MORE = '…';

/** An answer must be as it is shown: the same fields and values, and one id wherever the page shows one id. */
export function assertAsShown(shown: unknown, answered: unknown, learnt: Learnt, path = 'answer'): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(answered), `${path} is a list`);
    const isBeginning = shown.at(-1) === MORE;
    const items = isBeginning ? shown.slice(0, -1) : shown;
    if (isBeginning) assert.ok(answered.length > items.length, `${path} has more than is shown`);
    else assert.equal(answered.length, items.length, `${path} is as long as shown`);
    for (const [index, item] of items.entries()) {
      assertAsShown(item, answered[index], learnt, `${path}[${index}]`);
    }
  } else if (typeof shown === 'object' && shown !== null) {
    assert.ok(typeof answered === 'object' && answered !== null, `${path} is an object`);
    assert.deepEqual(Object.keys(answered).sort(), Object.keys(shown).sort(), `the fields of ${path}`);
    for (const [name, value] of Object.entries(shown)) {
      assertAsShown(value, (answered as Record<string, unknown>)[name], learnt, `${path}.${name}`);
    }
  } else if (typeof shown === 'string' && typeof answered === 'string' && isPassing(shown, answered)) {
    if (TIME.test(shown)) return;
    assert.equal(learnt.get(shown) ?? answered, answered, `${path} is what was shown as ${shown} before`);
    learnt.set(shown, answered);
  } else assert.equal(answered, shown, path);
}

function isPassing(shown: string, answered: string): boolean {
  if (TIME.test(shown)) return TIME.test(answered);
  if (ADDRESS.test(shown)) return ADDRESS.test(answered);
  const prefix = ID.exec(shown)?.[1];
  return prefix !== undefined && ID.exec(answered)?.[1] === prefix;
}

/** Commands of a page with what was learnt in place of what it shows. */
export function withLearnt(commands: string, learnt: Learnt): string {
  const shown = [...learnt.keys()].sort((a, b) => b.length - a.length);
  return shown.reduce((text, part) => text.replaceAll(part, learnt.get(part)!), commands);
}
