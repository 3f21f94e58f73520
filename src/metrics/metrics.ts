import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Engine } from '../engine/engine.ts';

/** What Prometheus reads. */
export type Metrics = {
  contentType: string;
  text(): Promise<string>;
  /** One answered request. */
  answered(route: string, status: number, seconds: number): void;
};

// From a fraction of a commit to a client's patience.
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createMetrics({
  backlog,
  pricedByFallback,
}: Pick<Engine, 'backlog' | 'pricedByFallback'>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'tollgate_request_seconds',
    help: 'Answered requests, by route and status',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers: [registry],
  });
  new Gauge({
    name: 'tollgate_engine_backlog',
    help: 'Operations that wait for their answer',
    registers: [registry],
    collect() {
      this.set(backlog());
    },
  });
  new Counter({
    name: 'tollgate_ai_fallback_prices_total',
    help: "AI uses and holds that were priced by the catalog's fallback, because nobody knew their model",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(pricedByFallback());
    },
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered: (route, status, seconds) => requests.observe({ route, status: String(status) }, seconds),
  };
}
