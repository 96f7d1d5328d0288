import type { Sample } from '../measure.ts';
import { median } from '../median.ts';
import { loneBytes } from './lone-memory.ts';
import type { Registry } from './registry.ts';
import type { RegistryRow } from './row.ts';

export const OURS = 'slipway';
export const GROWN = 'slipway, grown';
export const OTHER = 'docker-registry';

const PEAK_BYTES = 150e6;
/** What 100,000 tags and 1,000,000 blobs may cost, as a factor. */
const GROWTH = 1.5;

/** A table of one row: medians, and everybody's ratio to ours, above 1 where ours is ahead. */
export function registryTable(row: RegistryRow, results: ReadonlyMap<string, Sample[]>): string {
  const of = (name: string) => summarize(results.get(name) ?? []);
  const ours = of(OURS);
  const lines = [
    `### ${row.id}: ${row.title}`,
    '',
    row.about,
    '',
    '| registry | n | wall s | min..max | x ours | CPU s | x ours | peak MB | x ours |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
  ];
  for (const name of results.keys()) {
    const { n, wallMs, least, most, cpuSeconds, peakBytes } = of(name);
    lines.push(
      cells(
        name,
        n,
        seconds(wallMs),
        `${seconds(least)}..${seconds(most)}`,
        ratio(wallMs, ours.wallMs),
        cpuSeconds.toFixed(3),
        ratio(cpuSeconds, ours.cpuSeconds),
        megabytes(peakBytes),
        ratio(peakBytes, ours.peakBytes),
      ),
    );
  }
  return [...lines, '', ...targetLines(row, ours, of(OTHER), of(GROWN)), ''].join('\n');
}

function targetLines(row: RegistryRow, ours: Summary, other: Summary, grown: Summary): string[] {
  const lines: string[] = [];
  if (other.n > 0) {
    const quicker = other.wallMs / ours.wallMs;
    lines.push(line(`${OTHER} takes >= ${row.atLeast} of our wall`, quicker.toFixed(2), quicker >= row.atLeast));
  }
  if (row.memoryOfOther !== true)
    lines.push(line(`peak <= ${PEAK_BYTES / 1e6} MB`, `${megabytes(ours.peakBytes)} MB`, ours.peakBytes <= PEAK_BYTES));
  else if (other.n > 0) {
    const part = ours.peakBytes / other.peakBytes;
    lines.push(line(`peak <= 1 of ${OTHER}`, part.toFixed(2), part <= 1));
  }
  if (grown.n > 0) {
    const slower = grown.wallMs / ours.wallMs;
    lines.push(line(`grown takes <= ${GROWTH} of the wall`, slower.toFixed(2), slower <= GROWTH));
  }
  return lines;
}

/** What the registries hold while nobody asks them anything. */
export async function restTable(registries: readonly Registry[]): Promise<string> {
  const lines = ['### At rest', '', 'Before the first row.', '', '| registry | MB |', '|---|--:|'];
  for (const { name, group } of registries) lines.push(cells(name, megabytes(await loneBytes(group))));
  return [...lines, ''].join('\n');
}

type Summary = ReturnType<typeof summarize>;

function summarize(samples: readonly Sample[]) {
  const walls = samples.map(({ wallMs }) => wallMs);
  return {
    n: samples.length,
    wallMs: median(walls),
    least: Math.min(...walls),
    most: Math.max(...walls),
    cpuSeconds: median(samples.map((sample) => sample.cpuSeconds)),
    peakBytes: median(samples.map((sample) => sample.peakBytes)),
  };
}

function line(target: string, found: string, reached: boolean): string {
  return `- target: ${target}; ${found}: ${reached ? 'reached' : 'missed'}`;
}

function ratio(value: number, base: number): string {
  const quotient = value / base;
  return quotient >= 10 ? quotient.toFixed(0) : quotient.toFixed(2);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function cells(...values: (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}
