import { formatDuration } from '../lib/bytes.ts';

/** What it needs of a build. */
interface EndedBuild {
  status: string;
  statusDetail?: string | undefined;
  startTime?: string | undefined;
  finishTime?: string | undefined;
  failureInfo?: { detail?: string | undefined } | undefined;
  results?: { images?: readonly { name: string; digest: string }[] | undefined } | undefined;
}

/** The result first, then why, then the images that came of it. */
export function buildSummary(build: EndedBuild): string {
  const took =
    build.startTime === undefined || build.finishTime === undefined
      ? ''
      : `  ${formatDuration(Date.parse(build.finishTime) - Date.parse(build.startTime))}`;
  const images = (build.results?.images ?? []).map(({ name, digest }) => `  ${name}@${digest}\n`);
  const why = build.failureInfo?.detail ?? build.statusDetail;
  return `${build.status}${took}${why === undefined || build.status === 'SUCCESS' ? '' : `\n  ${why}`}\n${images.join('')}`;
}
