import { launchCommand } from './server.ts';
import { until } from './shop.ts';

/** A real process: `tollgate simulator`, on a free port unless one is given. */
export type TestSimulator = {
  url: string;
  output(): string;
  /** Asks it to end, and resolves to its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
};

export async function startSimulatorCommand(args: string[] = []): Promise<TestSimulator> {
  const { child, output, errors, ended } = launchCommand(['simulator', '--port', '0', ...args]);
  await until(() => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${errors()}`);
    return output().includes('STRIPE_WEBHOOK_SECRET=');
  });
  return {
    url: /STRIPE_API_BASE=(\S+)/.exec(output())![1]!,
    output,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
