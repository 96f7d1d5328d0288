import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** What `/metrics` shows, in Prometheus' text form: the process itself, requests by door, builds. */
export class Metrics {
  readonly #registry = new Registry();
  /** By door and class of status. Counted apart, since a counter with labels takes longer than finding a manifest. */
  readonly #answered = new Map<string, Map<number, number>>();

  constructor(buildsRunning: () => number) {
    collectDefaultMetrics({ register: this.#registry });
    const answered = this.#answered;
    new Counter({
      name: 'slipway_http_requests_total',
      help: 'Answered requests by door and class of status (2xx, 4xx ...)',
      labelNames: ['door', 'status'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [door, classes] of answered)
          for (const [status, count] of classes) this.inc({ door, status: `${status}xx` }, count);
      },
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

  /** Pulls that other registries grant to this machine and to its accounts there, by their last answers. */
  showQuotas(quotas: () => Promise<{ host: string; username: string; limit: number; remaining: number }[]>): void {
    const gauge = (name: string, help: string, value: 'limit' | 'remaining') =>
      new Gauge({
        name,
        help,
        labelNames: ['host', 'username'],
        registers: [this.#registry],
        async collect() {
          for (const quota of await quotas()) this.set({ host: quota.host, username: quota.username }, quota[value]);
        },
      });
    gauge('slipway_upstream_pulls_limit', 'Pulls per window that a registry grants', 'limit');
    gauge('slipway_upstream_pulls_remaining', 'Pulls that are left of them, by its last answer', 'remaining');
  }

  answered(door: string, status: number): void {
    const classes = this.#answered.get(door) ?? new Map<number, number>();
    this.#answered.set(door, classes);
    const kind = Math.floor(status / 100);
    classes.set(kind, (classes.get(kind) ?? 0) + 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }
}
