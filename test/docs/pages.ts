import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A fenced block of a page. */
export type Block = { language: string; text: string };

/** Pages that people read, by their path from the root. */
export function findPages(): string[] {
  return globSync(['*.md', 'docs/**/*.md', '{src,sdk}/**/README.md', 'bench/*.md', 'examples/**/*.md'], {
    cwd: ROOT,
  }).sort();
}

export function readPage(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }));
}

/** The cells of the table whose first header is this one, without the header. */
export function tableOf(page: string, firstHeader: string): string[][] {
  const lines = page.split('\n');
  const start = lines.indexOf(lines.find((line) => line.startsWith(`| ${firstHeader} |`)) ?? '');
  if (start < 0) throw new Error(`there is no table of ${firstHeader}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) => line.slice(2, -2).split(' | '));
}

/** What stands between backticks in a text, fenced blocks left out. */
export function codeOf(text: string): string[] {
  const prose = text.replaceAll(/^```\w*\n.*?^```$/gms, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
}
