import { runCommand } from './cli/cli.ts';

// Started by an older Node, this one ends as it would be asked to when the other is gone.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

process.exitCode = await runCommand(process.argv.slice(2));
