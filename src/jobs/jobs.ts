import { Logger, parseCronItems, type Runner, run } from 'graphile-worker';
import type pg from 'pg';
import type { StripeServices } from '../stripe/services.ts';
import { requeueWaiting, SCHEDULE, tasksOf } from './tasks.ts';

export type Jobs = {
  /** Takes no more jobs, and waits for those that run, for as long as that is reasonable. */
  stop(): Promise<void>;
};

/**
 * Jobs at once. Each makes one call at a time, of some 200 ms. Stripe takes 100 a second, and in test mode 25: where that
 * is too few, calls are made again after a pause.
 */
const CONCURRENCY = 8;

/** Connections that the worker needs: one a job, one that listens, one for the schedule. */
export const JOB_CONNECTIONS_MAX = CONCURRENCY + 2;

/**
 * Of the worker's sessions. They only write down which jobs are taken and which are done: where the last of that is lost
 * with the database, jobs are done again, and find nothing to do.
 */
export const JOB_SETTINGS = { synchronous_commit: 'off' };

/** A new job is told of at once. This is for retries, and for when nobody could be told. */
const POLL_INTERVAL_MS = 2_000;

/** How long a worker that stops waits for its jobs: longer than any of them takes when all is well. */
const STOP_PATIENCE_MS = 3_000;

/**
 * What became of a job is written down by a batcher, without delay: where that fails, the worker gives up and another one
 * takes its place. Without a batcher nobody would wait for the writing, and a connection that breaks would end the process.
 */
const WRITTEN_DOWN = { completeJobBatchDelay: 0, failJobBatchDelay: 0 };

const RESTART_PAUSE_MS = 1_000;

/**
 * Starts the worker: brings its schema to its newest shape, and works until it is stopped. `pool` is the worker's own;
 * the jobs use the services'.
 */
export async function startJobs(pool: pg.Pool, services: StripeServices): Promise<Jobs> {
  const { report } = services;
  const start = (): Promise<Runner> =>
    run({
      pgPool: pool,
      preset: { worker: WRITTEN_DOWN },
      taskList: tasksOf(services),
      parsedCronItems: parseCronItems(SCHEDULE),
      concurrency: CONCURRENCY,
      pollInterval: POLL_INTERVAL_MS,
      noHandleSignals: true,
      gracefulShutdownAbortTimeout: STOP_PATIENCE_MS,
      logger: loggerOf(report),
    });
  let runner: Runner | undefined = await start();
  await requeueWaiting(services, 0);
  const stopping = new AbortController();
  const watching = watch();

  /** A worker gives up when it cannot write down what it did. Another takes its place. */
  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        runner ??= await start();
        await endOf(runner);
      } catch (error) {
        report('the worker stopped; another is started', error);
      }
      runner = undefined;
      if (!stopping.signal.aborted) await pause(RESTART_PAUSE_MS, stopping.signal);
    }
  }

  return {
    async stop() {
      stopping.abort();
      await Promise.race([runner?.stop(), watching]);
      await watching;
    },
  };
}

/**
 * Resolves when a worker has ended. One that could not write down what it did gives up, and its batcher, which then counts
 * wrong, may wait for ever: it gets the time that its jobs have, and no more.
 */
async function endOf(runner: Runner): Promise<void> {
  const givenUp = new Promise<void>((resolve) => {
    runner.events.once('pool:fatalError', () => setTimeout(resolve, STOP_PATIENCE_MS + RESTART_PAUSE_MS));
  });
  await Promise.race([runner.promise, givenUp]);
  // Else the schedule of one that waits for ever goes on beside the next one's, and no process with it in it ever ends.
  runner.stop().catch(() => {}); // it has stopped by itself
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What the worker has to say to an operator; the rest is for its developers. */
function loggerOf(report: StripeServices['report']): Logger {
  return new Logger(() => (level, message, meta) => {
    if (level === 'error' || level === 'warning') report(message, meta?.error);
  });
}
