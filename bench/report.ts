import type { Sample } from './measure.ts';
import { median } from './median.ts';
import { FLOOR, type Row, type Target } from './rows/row.ts';

/** Whose numbers are 1 in every ratio. */
const OURS = 'slipway';

/** Row id -> contender -> its samples, in the order in which they were taken. */
export type Results = Map<string, Map<string, Sample[]>>;

/**
 * A table of one row: medians, and everybody's ratio to ours, above 1 where ours is ahead.
 * @param failed lines about those who failed
 */
export function rowTable(row: Row, results: Results, failed: readonly string[]): string {
  const contenders = results.get(row.id) ?? new Map<string, Sample[]>();
  const ours = summarize(contenders.get(OURS) ?? []);
  const lines = [
    `### ${row.id}: ${row.title}`,
    '',
    row.begins,
    '',
    '| contender | n | wall s | min..max | x ours | x our server | CPU s | x ours | peak MB | x ours |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|',
  ];
  for (const [name, samples] of contenders) {
    const { n, wallMs, walls, serverMs, servers, cpuSeconds, peakBytes } = summarize(samples);
    lines.push(
      cells(
        name,
        n,
        seconds(wallMs),
        span(walls),
        ratio(wallMs, ours.wallMs),
        ratio(wallMs, ours.serverMs),
        cpuSeconds.toFixed(3),
        ratio(cpuSeconds, ours.cpuSeconds),
        Math.round(peakBytes / 1e6),
        ratio(peakBytes, ours.peakBytes),
      ),
    );
    if (serverMs !== undefined)
      lines.push(
        cells(
          `${name}, by the server's clock`,
          n,
          seconds(serverMs),
          span(servers),
          ratio(serverMs, ours.wallMs),
          ratio(serverMs, ours.serverMs),
          '',
          '',
          '',
          '',
        ),
      );
  }
  const targets = (row.targets ?? []).flatMap((target) => targetLine(target, contenders));
  const below = [...targets, ...resourceLines(contenders), ...failed];
  return [...lines, ...(below.length === 0 ? [] : ['', ...below]), ''].join('\n');
}

/** `- target: wall <= 0.35 of the best peer; 0.29 of docker BuildKit: reached` */
function targetLine(target: Target, contenders: ReadonlyMap<string, Sample[]>): string[] {
  const { most, than, by } = target;
  const ours = summarize(contenders.get(target.ours ?? OURS) ?? []);
  const mine = by === 'server' ? ours.serverMs : ours.wallMs;
  const others = [...contenders]
    .filter(([name]) => (than === 'best peer' ? !name.startsWith(OURS) && name !== FLOOR : name === than))
    .map(([name, samples]): [string, number] => [name, summarize(samples).wallMs])
    .sort((a, b) => a[1] - b[1]);
  const [best] = others;
  if (mine === undefined || best === undefined || Number.isNaN(mine)) return [];
  const reached = mine / best[1];
  const clock = by === 'server' ? "our server's clock" : 'wall';
  return [
    `- target: ${clock} <= ${most} of ${than === 'best peer' ? 'the best peer' : than}; ${reached.toFixed(2)} of ${best[0]}: ${reached <= most ? 'reached' : 'missed'}`,
  ];
}

/** Processor time beyond the best peer's: what a start of Node costs. Bytes: of everything of ours that runs, the server too. */
const CPU_BEYOND_SECONDS = 0.1;
const PEAK_BYTES = 150e6;

/** `- target: processor <= the best peer's + 0.1 s; 0.35 s beside 0.28 s of skopeo: reached`, and the peak of memory. */
function resourceLines(contenders: ReadonlyMap<string, Sample[]>): string[] {
  const { n, cpuSeconds, peakBytes } = summarize(contenders.get(OURS) ?? []);
  if (n === 0) return [];
  const peak = `- target: peak <= ${PEAK_BYTES / 1e6} MB; ${Math.round(peakBytes / 1e6)} MB: ${peakBytes <= PEAK_BYTES ? 'reached' : 'missed'}`;
  const [best] = [...contenders]
    .filter(([name]) => !name.startsWith(OURS) && name !== FLOOR)
    .map(([name, samples]): [string, number] => [name, summarize(samples).cpuSeconds])
    .sort((a, b) => a[1] - b[1]);
  if (best === undefined) return [peak];
  const reached = cpuSeconds <= best[1] + CPU_BEYOND_SECONDS ? 'reached' : 'missed';
  return [
    `- target: processor <= the best peer's + ${CPU_BEYOND_SECONDS} s; ${cpuSeconds.toFixed(2)} s beside ${best[1].toFixed(2)} s of ${best[0]}: ${reached}`,
    peak,
  ];
}

function summarize(samples: readonly Sample[]) {
  const walls = samples.map(({ wallMs }) => wallMs);
  const servers = samples.flatMap(({ serverMs }) => serverMs ?? []);
  return {
    n: samples.length,
    wallMs: median(walls),
    walls,
    servers,
    serverMs: servers.length === 0 ? undefined : median(servers),
    cpuSeconds: median(samples.map((sample) => sample.cpuSeconds)),
    peakBytes: median(samples.map((sample) => sample.peakBytes)),
  };
}

function ratio(value: number, base: number | undefined): string {
  if (base === undefined || Number.isNaN(base)) return '';
  const quotient = value / base;
  return quotient >= 10 ? quotient.toFixed(0) : quotient.toFixed(2);
}

function span(values: readonly number[]): string {
  return `${seconds(Math.min(...values))}..${seconds(Math.max(...values))}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function cells(...values: (string | number)[]): string {
  return `| ${values.join(' | ')} |`;
}
