/** Says a line of what was asked for; failures go to standard error. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
