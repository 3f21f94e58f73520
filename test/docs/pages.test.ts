import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { blocksOf, codeOf, findPages, ROOT, readPage } from './pages.ts';

/** A path as pages write one: from the root, from the page's own folder, or from src/. */
const PATH = /^[\w.@-]+(\/[\w.@-]+)*(\/|\/[\w.@-]+\.(js|json|sql|prisma|txt)|\.(ts|md))$/;

/** Made when it runs. */
const IS_MADE = /^(data|dist|node_modules)\//;

/** A name of the code, as pages write one: in camel case, or as it is called. */
const NAME = /^([a-z]+[A-Z]\w*|\w+\(\))$/;

const sources = globSync(
  ['{src,sdk}/**/*.ts', 'prisma/schema.prisma', 'package.json', 'tollgate.config.ts'],
  {
    cwd: ROOT,
  },
)
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');
const words = new Set(sources.match(/\w+/g));

describe('what the pages name is there', () => {
  for (const page of findPages()) {
    const named = [...new Set(codeOf(readPage(page)))];

    test(`files of ${page}`, () => {
      const places = [ROOT, join(ROOT, dirname(page)), join(ROOT, 'src')];
      const missing = named
        .filter((code) => PATH.test(code) && !IS_MADE.test(code))
        .filter((path) => !places.some((place) => existsSync(join(place, path))));
      assert.deepEqual(missing, []);
    });

    test(`names of ${page}`, () => {
      // What belongs to others is in the code that the page shows.
      const shown = new Set(blocksOf(readPage(page)).flatMap(({ text }) => text.match(/\w+/g) ?? []));
      const missing = named
        .filter((code) => NAME.test(code))
        .map((name) => name.replace('()', ''))
        .filter((name) => !words.has(name) && !shown.has(name));
      assert.deepEqual(missing, []);
    });

    test(`links of ${page}`, () => {
      const links = [...readPage(page).matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link!);
      const missing = links.filter(
        (link) => !link.includes('://') && !existsSync(join(ROOT, dirname(page), link)),
      );
      assert.deepEqual(missing, []);
    });
  }
});
