/** Ctrl-C under `npm start` arrives twice, from the terminal and from npm, and means one thing. */
const ASKED_ONCE_MS = 1_000;

/** Resolves at SIGINT or SIGTERM. */
export function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    let askedAt: number | undefined;
    const asked = (signal: NodeJS.Signals) => {
      resolve();
      askedAt ??= Date.now();
      if (Date.now() - askedAt < ASKED_ONCE_MS) return;
      // Asked again, the process ends at once, as it would without this.
      process.off('SIGINT', asked).off('SIGTERM', asked);
      process.kill(process.pid, signal);
    };
    process.on('SIGINT', asked).on('SIGTERM', asked);
  });
}
