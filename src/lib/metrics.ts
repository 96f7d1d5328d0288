import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What `/metrics` shows, in Prometheus' text form: the process itself, requests by door, builds. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'door' | 'status'>;

  constructor(buildsRunning: () => number) {
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'slipway_http_requests_total',
      help: 'Answered requests by door and class of status (2xx, 4xx ...)',
      labelNames: ['door', 'status'],
      registers: [this.#registry],
    });
    new Gauge({
      name: 'slipway_builds_running',
      help: 'Builds that run on this machine now',
      registers: [this.#registry],
      collect() {
        this.set(buildsRunning());
      },
    });
  }

  answered(door: string, status: number): void {
    this.#requests.inc({ door, status: `${Math.floor(status / 100)}xx` });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
