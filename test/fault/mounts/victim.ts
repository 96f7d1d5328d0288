import { createServer } from 'node:net';
import { join } from 'node:path';
import { BASE, MountBench } from '../../cases/image-build-mounts/mount-bench.ts';

/** A process that builds with every kind of mount, and says where when its command runs, until somebody kills it. */
const bench = await MountBench.open('mountvictim');
await bench.put('src/f', 'x');
const agent = join(bench.context, 'agent');
createServer().listen(agent);
const flags = [
  'target=/src,rw',
  `from=made,source=/out,target=/out`,
  `from=made,source=/out,target=/rw,rw`,
  'type=cache,id=kept,sharing=locked,target=/c',
  'type=cache,id=kept,source=sel,target=/sel',
  'type=tmpfs,target=/t',
  'type=secret,id=s',
  'type=ssh',
].map((options) => `--mount=${options}`);
await bench.build(
  `${BASE} AS made\nRUN mkdir /out && touch /out/f\n${BASE}\nRUN --mount=type=cache,id=kept,target=/c mkdir -p /c/sel\nRUN ${flags.join(' ')} echo up; sleep 600`,
  {
    secret: async () => Buffer.from('the secret of the victim'),
    ssh: () => agent,
    onEvent: (event) => {
      if (event.kind === 'output') process.stdout.write(`${bench.test.folder} ${bench.context}\n`);
    },
  },
);
