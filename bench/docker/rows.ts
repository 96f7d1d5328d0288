import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, ImageBuild } from '../contenders/contender.ts';
import { measured, renewed, unmeasured } from '../rows/measured.ts';
import { type Field, inTurn, type Row } from '../rows/row.ts';
import { startRegistry } from '../upstream.ts';
import { PythonApp } from '../workloads/python-app.ts';
import type { DockerEngine } from './engine.ts';

/** The same docker command to both engines in turn. */
export interface DockerRow extends Row {
  measure(field: Field, engines: readonly DockerEngine[]): Promise<void>;
}

/** A daemon is up for weeks: what its first requests cost, when Node has compiled nothing yet, is not what people see. */
const WARM_UP = 10;

/** RUN and run have no network: the dockerd of this benchmark has no bridge. */
function build(engine: DockerEngine, { context, file, tag }: ImageBuild, buildkit: boolean): Command {
  return engine.docker(['build', '--network=none', '--quiet', '--file', file, '--tag', tag, context], buildkit);
}

function cachedBuild(id: string, builder: string, buildkit: boolean): DockerRow {
  const row: DockerRow = {
    id,
    title: `docker build of seven steps, all of them in the cache: ${builder}`,
    begins:
      'Python base, WORKDIR, COPY . ., RUN pip install, ENV, EXPOSE, CMD; built ten times by the same client, so that both daemons are warm.',
    targets: [{ most: 0.5, than: 'docker', by: 'wall' }],
    async measure(field, engines) {
      const own = join(field.folder, id);
      await mkdir(own);
      const app = await PythonApp.write(own, field.upstream.python);
      for (const engine of engines) {
        await renewed(field, engine);
        for (let n = 0; n < WARM_UP; n++) await unmeasured(field, engine, [build(engine, app.sourceFirst, buildkit)]);
      }
      for (let round = 0; field.goesOn(round); round++)
        for (const engine of inTurn(engines, round))
          await measured(field, row, engine, [build(engine, app.sourceFirst, buildkit)]);
    },
  };
  return row;
}

const run: DockerRow = {
  id: 'D3',
  title: 'docker run --rm busybox true',
  begins: 'The image is there, unpacked, and was run ten times; no network.',
  targets: [{ most: 0.5, than: 'docker', by: 'wall' }],
  async measure(field, engines) {
    const command = (engine: DockerEngine) =>
      engine.docker(['run', '--rm', '--network=none', field.upstream.busybox, 'true']);
    for (const engine of engines) {
      await renewed(field, engine);
      for (let n = 0; n < WARM_UP; n++) await unmeasured(field, engine, [command(engine)]);
    }
    for (let round = 0; field.goesOn(round); round++)
      for (const engine of inTurn(engines, round)) await measured(field, run, engine, [command(engine)]);
  },
};

const pull: DockerRow = {
  id: 'D4',
  title: 'docker pull of the Python base',
  begins: 'Empty stores in new folders. dockerd unpacks what it pulls; ours does when something needs the files.',
  targets: [{ most: 0.5, than: 'docker', by: 'wall' }],
  async measure(field, engines) {
    for (let round = 0; field.goesOn(round); round++)
      for (const engine of inTurn(engines, round)) {
        await renewed(field, engine);
        await unmeasured(field, engine, [engine.docker(['pull', '--quiet', field.upstream.busybox])]);
        await measured(field, pull, engine, [engine.docker(['pull', '--quiet', field.upstream.python])]);
      }
  },
};

const push: DockerRow = {
  id: 'D5',
  title: 'docker push of a new image',
  begins:
    'The Python application, just built with another line in its requirements; a new, empty registry for every sample.',
  targets: [{ most: 0.2, than: 'docker', by: 'wall' }],
  async measure(field, engines) {
    const own = join(field.folder, 'D5');
    await mkdir(own);
    const app = await PythonApp.write(own, field.upstream.python);
    for (const engine of engines) {
      await renewed(field, engine);
      await unmeasured(field, engine, [build(engine, app.base, false)]);
    }
    for (let round = 0; field.goesOn(round); round++) {
      await app.renew(`round ${round}`);
      for (const [n, engine] of inTurn(engines, round).entries()) {
        const registry = await startRegistry(join(own, `target-${round}-${n}`));
        try {
          const tag = `${registry.host}/bench/app:latest`;
          await unmeasured(field, engine, [build(engine, { ...app.sourceFirst, tag }, false)]);
          await measured(field, push, engine, [engine.docker(['push', '--quiet', tag])]);
        } finally {
          await registry.stop();
        }
      }
    }
  },
};

export const DOCKER_ROWS: readonly DockerRow[] = [
  cachedBuild('D1', 'the classic builder', false),
  cachedBuild('D2', 'BuildKit', true),
  run,
  pull,
  push,
];
