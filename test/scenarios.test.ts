import { globSync } from 'node:fs';

// The scenarios are many and small. In one process they share what takes longest, which is to load the code.
const files = globSync('scenarios/*.test.ts', { cwd: import.meta.dirname }).sort();
for (const file of files) await import(`./${file}`);
