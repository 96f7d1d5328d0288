import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../../lib/problem.ts';
import {
  type BuildLogEntry,
  type BuildLogSource,
  entryOf,
  severityName,
  sourceOf,
  timeText,
} from './build-log-entry.ts';
import { buildOf, type LoggingDeps } from './build-logs.ts';
import { logBegun } from './log-begun.ts';
import { matchesEntry, parseLogFilter } from './log-filter.ts';
import { type LinePlace, LogLines } from './log-lines.ts';
import type { WireLogEntry, WireLogEntryList } from './wire.ts';

const DEFAULT_PAGE = 50;
const MAX_PAGE = 1000;
/** Text of one page, whose last line may be longer. Bytes. */
const PAGE_BYTES = 4 << 20;

const questionSchema = z.object({
  resourceNames: z.array(z.string()).default([]),
  projectIds: z.array(z.string()).default([]),
  filter: z.string().default(''),
  orderBy: z.enum(['', 'timestamp', 'timestamp asc', 'timestamp desc']).default(''),
  pageSize: z.number().int().min(0).default(0),
  pageToken: z.string().default(''),
});

/** entries.list: what `gcloud builds log` asks for a build whose logging is CLOUD_LOGGING_ONLY, and `gcloud logging read`. */
export function listEntriesRoute(door: FastifyInstance, deps: LoggingDeps): void {
  door.post('/v2/entries::list', async (request): Promise<WireLogEntryList> => {
    const question = questionOf(request.body);
    const filter = parseLogFilter(question.filter);
    const resources = [...question.resourceNames, ...question.projectIds.map((id) => `projects/${id}`)];
    const build = await buildOf(request.raw, resources, filter, deps);
    if (build === undefined) return {};
    const lines = new LogLines(deps.logs, build.id);
    const backward = question.orderBy === 'timestamp desc';
    const start = await startOf(question.pageToken, backward, lines);
    const begun = await logBegun(build, deps.logs);
    const limit = question.pageSize === 0 ? DEFAULT_PAGE : Math.min(question.pageSize, MAX_PAGE);
    const entries: WireLogEntry[] = [];
    const source = sourceOf(build);
    let bytes = 0;
    let place: LinePlace = start;
    for await (const { text, line, next } of backward ? lines.backward(start) : lines.forward(start)) {
      const entry = entryOf(build.id, text, line, begun);
      if (matchesEntry(entry, filter)) {
        if (entries.length === limit || bytes >= PAGE_BYTES) return { entries, nextPageToken: tokenOf(place) };
        entries.push(wireEntry(entry, source));
        bytes += text.length;
      }
      place = next;
    }
    return entries.length === 0 ? {} : { entries };
  });
}

function questionOf(body: unknown): z.infer<typeof questionSchema> {
  const read = questionSchema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Problem(
    'invalid',
    `Invalid value at '${issue?.path.join('.') ?? ''}': ${issue?.message ?? 'not understood'}`,
  );
}

function wireEntry(entry: BuildLogEntry, { logName, resource }: BuildLogSource): WireLogEntry {
  const timestamp = timeText(entry.timeMicros);
  return {
    logName,
    resource,
    textPayload: entry.text,
    timestamp,
    receiveTimestamp: timestamp,
    severity: severityName(entry.severity),
    insertId: entry.insertId,
    labels: { build_step: entry.step },
  };
}

async function startOf(token: string, backward: boolean, lines: LogLines): Promise<LinePlace> {
  if (token === '') return backward ? lines.end() : { offset: 0, line: 0 };
  const match = /^(\d{1,15}):(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString('utf8'));
  if (match === null) throw new Problem('invalid', 'page_token is invalid');
  return { offset: Number(match[1]), line: Number(match[2]) };
}

function tokenOf({ offset, line }: LinePlace): string {
  return Buffer.from(`${offset}:${line}`).toString('base64url');
}
