import { sql } from 'kysely';
import { BUILD_STATUSES, type Build, type BuildStatus } from '../../builds/build.ts';
import type { CommitReport, CommitReports, CommitState, OpenReport } from '../../builds/triggers/commit-reports.ts';
import { stateOf } from '../../builds/triggers/commit-state.ts';
import type { Database } from '../sqlite/database.ts';

/** Tables of migrations 0018 and 0006. */
type ReportTables = {
  commit_reports: {
    build: string;
    at: number;
    report: string;
    told: string | null;
    failures: number;
    retry_at: number;
    problem: string | null;
    open: number;
  };
  builds: { id: string; status: string; build: string };
};

/** What hosts were told of builds, beside the builds themselves: what is new is found by comparing both. */
export function sqliteCommitReports(database: Database): CommitReports {
  const tables = database.withTables<ReportTables>();
  const change = (build: string) => tables.updateTable('commit_reports').where('build', '=', build);
  const add = async (report: CommitReport) => {
    const { build, at } = report;
    await tables
      .insertInto('commit_reports')
      .values({
        build,
        at,
        report: JSON.stringify(report),
        told: null,
        failures: 0,
        retry_at: 0,
        problem: null,
        open: 1,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  };
  return {
    add,
    async follow(from, to, at) {
      const rows = tables.selectFrom('commit_reports').select('report').where('build', '=', from);
      const row = await rows.executeTakeFirst();
      if (row !== undefined) await add({ ...(JSON.parse(row.report) as CommitReport), build: to, at });
    },
    async fail(build, problem) {
      await change(build).set({ problem }).execute();
    },
    async due(now, limit) {
      const rows = await tables
        .selectFrom('commit_reports')
        .leftJoin('builds', 'builds.id', 'commit_reports.build')
        .select(['report', 'told', 'failures', 'problem', 'builds.status as status'])
        .select(sql<string | null>`json_extract(builds.build, '$.logUrl')`.as('logUrl'))
        .where('open', '=', 1)
        .where('retry_at', '<=', now)
        .where(sql<boolean>`(builds.status is not null or problem is not null)`)
        .where(sql<boolean>`told is not ${stateColumn}`)
        .orderBy('at')
        .limit(limit)
        .execute();
      return rows.map(
        ({ report, told, failures, problem, status, logUrl }): OpenReport => ({
          ...(JSON.parse(report) as CommitReport),
          failures,
          ...(told === null ? {} : { told: told as CommitState }),
          ...(problem === null ? {} : { problem }),
          ...(status === null ? {} : { status: status as BuildStatus }),
          ...(logUrl === null ? {} : { logUrl: logUrl satisfies Build['logUrl'] }),
        }),
      );
    },
    async told(build, state) {
      await change(build).set({ told: state, failures: 0, retry_at: 0 }).execute();
    },
    async retryAt(build, at) {
      await change(build)
        .set((value) => ({ retry_at: at, failures: value('failures', '+', 1) }))
        .execute();
    },
    async close(build) {
      await change(build).set({ open: 0 }).execute();
    },
    async forget(before) {
      await tables.deleteFrom('commit_reports').where('at', '<', before).execute();
    },
    async any() {
      const rows = tables.selectFrom('commit_reports').select('build').where('open', '=', 1).limit(1);
      return (await rows.executeTakeFirst()) !== undefined;
    },
  };
}

/** The state that a row's build has, or `failed` where there is none. */
const stateColumn = sql.raw(
  `case builds.status ${BUILD_STATUSES.map((status) => `when '${status}' then '${stateOf(status)}'`).join(' ')} else 'failed' end`,
);
