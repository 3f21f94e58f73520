import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs commands as a reader pastes them. Variables that one block sets are there in the next. */
export type Shell = {
  run(commands: string): Promise<{ status: number; body: string }>;
  close(): void;
};

export function openShell(): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-docs-'));
  const curl = join(folder, 'curl');
  writeFileSync(
    curl,
    `#!/bin/sh\nexec '${process.execPath}' '${join(import.meta.dirname, 'curl.ts')}' "$@"\n`,
  );
  chmodSync(curl, 0o755);
  let assignments = '';
  return {
    async run(commands) {
      assignments += commands
        .split('\n')
        .filter((line) => /^\w+=/.test(line))
        .map((line) => `${line}\n`)
        .join('');
      const { stdout } = await promisify(execFile)('sh', ['-euc', assignments + commands], {
        env: { PATH: `${folder}:${process.env.PATH}` },
      });
      const [, body = '', status = '0'] = /^(.*)\n(\d{3})\n$/s.exec(stdout) ?? [];
      return { status: Number(status), body };
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
