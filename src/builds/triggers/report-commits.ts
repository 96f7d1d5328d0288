import type { Clock } from '../../lib/clock.ts';
import { log } from '../../lib/log.ts';
import { messageOf, Problem } from '../../lib/problem.ts';
import { pause } from '../../lib/retry.ts';
import type { BuildStatus } from '../build.ts';
import type { GitLabConnections } from '../gitlab/gitlab-connections.ts';
import type { CommitReports, CommitState, OpenReport } from './commit-reports.ts';
import { stateOf } from './commit-state.ts';

export interface CommitReporterDeps {
  reports: CommitReports;
  gitlab: GitLabConnections;
  clock: Clock;
  /** Milliseconds between two looks at builds that are not at their end. */
  every?: number;
}

const AT_ONCE = 16;
const LONGEST_DELAY_MS = 60 * 60 * 1000;
/** Nobody looks at a commit's state of three days ago. */
const GIVE_UP_MS = 3 * 24 * 60 * 60 * 1000;
const FINAL: readonly CommitState[] = ['success', 'failed', 'canceled'];
/** GitLab cuts longer ones off, or refuses them. */
const LONGEST_DESCRIPTION = 140;

const WORDS: Record<BuildStatus, string> = {
  PENDING: 'waits for approval',
  QUEUED: 'waits to be built',
  WORKING: 'is being built',
  SUCCESS: 'built',
  FAILURE: 'the build failed',
  INTERNAL_ERROR: 'the build server failed',
  TIMEOUT: 'the build took too long',
  EXPIRED: 'the build waited too long',
  CANCELLED: 'the build was cancelled',
};

/**
 * Tells GitLab how the builds of its commits stand, each state after the one before, at least once: what is to be told is
 * the difference between two rows, so a crash loses nothing, and a state that passed meanwhile is left out.
 */
export class CommitReporter {
  readonly #deps: CommitReporterDeps;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  readonly #running: Promise<void>;

  constructor(deps: CommitReporterDeps) {
    this.#deps = deps;
    this.#running = this.#run();
  }

  /** There is something new to follow. */
  wake(): void {
    this.#wake.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { reports, clock, every = 1000 } = this.#deps;
    while (!this.#stop.signal.aborted) {
      const woken = this.#wake.signal;
      try {
        const due = await reports.due(clock.now(), AT_ONCE);
        await Promise.all(due.map((report) => this.#tell(report)));
        if (due.length === AT_ONCE) continue;
        // nothing is open: sleep until a trigger starts a build
        if (await reports.any()) await pause(every, this.#stop.signal);
        else await pause(2 ** 31 - 1, woken);
      } catch (error) {
        log.error({ error: messageOf(error) }, 'states of commits cannot be told; tried again');
        await pause(every, this.#stop.signal);
      }
      if (woken.aborted && !this.#stop.signal.aborted) this.#wake = new AbortController();
    }
  }

  async #tell(report: OpenReport): Promise<void> {
    const { reports, clock } = this.#deps;
    const { build, problem } = report;
    const state = report.status === undefined ? 'failed' : stateOf(report.status);
    const about = { build, state, repository: report.repository };
    try {
      await this.#send(report, state);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const refused = error instanceof Problem && error.code === 'invalid';
      if (!refused && clock.now() - report.at < GIVE_UP_MS) {
        if (report.failures === 0)
          log.warn({ ...about, error: messageOf(error) }, 'a commit state was not taken; it is sent again');
        const delay = Math.min(LONGEST_DELAY_MS, 1000 * 2 ** Math.min(report.failures, 16));
        return await reports.retryAt(build, clock.now() + delay);
      }
      log.warn({ ...about, error: messageOf(error) }, 'a commit state is not told');
    }
    await reports.told(build, state);
    if (FINAL.includes(state) && (problem !== undefined || report.status !== undefined)) await reports.close(build);
  }

  async #send(report: OpenReport, state: CommitState): Promise<void> {
    const { gitlab } = this.#deps;
    const { repository, connection } = await gitlab.linked(report.repository);
    const description = (report.status === undefined ? (report.problem ?? '') : WORDS[report.status]).slice(
      0,
      LONGEST_DESCRIPTION,
    );
    const { context: name, ref, logUrl: targetUrl } = report;
    const status = { state, name, ref, targetUrl, description };
    const api = await gitlab.api(connection, 'write');
    await api.setStatus(repository.projectNumber, report.commit, status, this.#stop.signal);
  }
}
