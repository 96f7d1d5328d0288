import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build } from '../../src/builds/build.ts';
import type { BuildRequest } from '../../src/builds/request/request.ts';
import type { GrowthTable } from '../growth/growth-table.ts';
import { median } from '../median.ts';
import { type BuildField, hubName } from './build-field.ts';

const FOLDERS = ['base', 'api', 'web', 'worker', 'jobs'];
const FILES = 40;

/** Six steps of `docker build`, as a team's repository has them, and two images that are pushed. */
export function unchangedBuild({ server, upstream, folder, samples }: BuildField): GrowthTable<object> {
  return {
    title: 'A build of six `docker build` steps, unchanged',
    about:
      'From the request to SUCCESS, seen by a client that asks every 15 ms; then the phases, by the times in the build. *first*: nothing is in a cache; *second*: the server has run one build; the last line: the median of the others.',
    columns: ['build', 'all ms', 'queue ms', 'setup ms', 'fetch ms', 'steps ms', 'push ms', 'end ms', 'CPU ms'],
    async *lines() {
      const request = await writeSource({ server, upstream, folder });
      const later: number[][] = [];
      for (let i = 0; i < samples + 2; i++) {
        const spent = await server.cpuSeconds();
        const started = performance.now();
        const build = await server.ended(await server.submit(request));
        const cpu = ((await server.cpuSeconds()) - spent) * 1000;
        const taken = [performance.now() - started, ...phasesOf(build), cpu];
        if (i < 2) yield [i === 0 ? 'first' : 'second', ...taken.map(Math.round)];
        else later.push(taken);
      }
      yield [
        'later',
        ...(later[0] ?? []).map((_, column) => Math.round(median(later.map((taken) => taken[column] ?? 0)))),
      ];
    },
  };
}

async function writeSource({
  server,
  upstream,
  folder,
}: Pick<BuildField, 'server' | 'upstream' | 'folder'>): Promise<BuildRequest> {
  const source = join(folder, 'six-steps');
  const names = FOLDERS.map((name) => `${server.host}/bench/images/${name}`);
  for (const name of FOLDERS) {
    await mkdir(join(source, name), { recursive: true });
    for (let i = 0; i < FILES; i++) await writeFile(join(source, name, `file-${i}`), `${name} ${i}\n`.repeat(200));
    await writeFile(
      join(source, name, 'Dockerfile'),
      `FROM ${hubName(upstream.busybox)}\nWORKDIR /app\nCOPY . .\nRUN cat /app/file-* > /app/all\nENV NAME=${name}\nCMD ["cat", "/app/all"]\n`,
    );
  }
  await writeFile(
    join(source, 'Dockerfile'),
    `FROM ${names[1]}\nCOPY --from=${names[2]} /app/all /web\nRUN ls /app > /list\n`,
  );
  const docker = 'gcr.io/cloud-builders/docker';
  return {
    source: await server.upload(source),
    steps: [
      ...FOLDERS.map((name, i) => ({ name: docker, args: ['build', '-t', names[i] ?? '', name] })),
      { name: docker, args: ['build', '-t', `${server.host}/bench/images/all`, '.'] },
    ],
    images: [names[1] ?? '', `${server.host}/bench/images/all`],
  };
}

/** Milliseconds in the queue, in every phase, and from the last phase to the end. */
function phasesOf({ createTime, startTime, finishTime, timing }: Build): number[] {
  const between = (from: string | undefined, to: string | undefined) => Date.parse(to ?? '') - Date.parse(from ?? '');
  const phases = (['SETUPBUILD', 'FETCHSOURCE', 'BUILD', 'PUSH'] as const).map((name) =>
    between(timing?.[name]?.startTime, timing?.[name]?.endTime),
  );
  return [between(createTime, startTime), ...phases, between(timing?.PUSH?.endTime, finishTime)];
}
