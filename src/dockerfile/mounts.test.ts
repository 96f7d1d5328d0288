import { expect, it } from 'vitest';
import { Problem } from '../lib/problem.ts';
import { interpretStage } from './interpret.ts';
import type { RunMount } from './run-mount.ts';
import { parseDockerfile, planStages } from './stages.ts';

const platform = { os: 'linux', architecture: 'amd64' };

/** The mounts of a stage's RUN, and what was remarked on. */
function mounts(line: string, before = '', buildArgs: Record<string, string> = {}) {
  const inputs = { buildArgs, targets: [undefined], buildPlatform: platform, targetPlatform: platform, labels: {} };
  const plan = planStages(parseDockerfile(`FROM scratch\n${before}\nRUN ${line} true\n`, 'Dockerfile', {}), inputs);
  const [stage] = plan.stages;
  if (stage === undefined) throw new Error('no stage');
  const config = { ...platform, rootfs: { type: 'layers' as const, diff_ids: [] } };
  const program = interpretStage(stage, { config, args: {} }, inputs);
  const run = program.operations.find((operation) => operation.kind === 'run');
  const found = run?.kind === 'run' ? run.mounts.map(({ place: _, ...mount }): Partial<RunMount> => mount) : [];
  return { mounts: found, warnings: program.warnings.map(({ message }) => message) };
}

const one = (options: string, before?: string, buildArgs?: Record<string, string>) =>
  mounts(`--mount=${options}`, before, buildArgs).mounts[0];

it.each([
  ['target=/a', { target: '/a', source: '', readonly: true }],
  ['target=a/../b/', { target: '/srv/b' }],
  ['type=bind', { target: '/srv' }],
  ['target=/a,src=../../etc/./x/', { source: 'etc/x' }],
  ['target=/a,from=,src=x', { from: { kind: 'context' } }],
  ['target=/a,rw', { readonly: false }],
  ['target=/a,rw=false', { readonly: true }],
  ['target=/a,rw,ro', { readonly: true }],
  ['type=cache,target=./c/', { target: '/srv/c', id: '/c/', sharing: 'shared', readonly: false }],
  ['type=cache,target=/c,sharing=LOCKED,mode=1777,uid=5', { owner: { mode: 0o1777, uid: 5, gid: 0 } }],
  ['type=TmpFS,target=/t,size=1.5g', { sizeBytes: 1.5 * 1024 ** 3 }],
  ['type=secret,target=/a/key', { id: 'key', target: '/a/key', required: false }],
  ['type=secret,source=aws/key', { id: 'aws/key', target: '/run/secrets/key' }],
  ['type=secret,id=a,env=TOKEN', { id: 'a', env: 'TOKEN' }],
  ['type=ssh', { id: 'default', target: '/run/buildkit/ssh_agent.0', owner: { mode: 0o600, uid: 0, gid: 0 } }],
])('%s', (options, expected) => {
  expect(one(options, 'WORKDIR /srv')).toMatchObject(expected);
});

it('gives a secret that is only a variable no file', () => {
  expect(one('type=secret,id=a,env=TOKEN')).not.toHaveProperty('target');
});

it('counts agents, and puts the namespace of the build before the ids of caches', () => {
  expect(mounts('--mount=type=ssh --mount=type=tmpfs,target=/t --mount=type=ssh,id=b').mounts.at(-1)).toMatchObject({
    target: '/run/buildkit/ssh_agent.1',
  });
  expect(one('type=cache,target=/c', '', { BUILDKIT_CACHE_MOUNT_NS: 'main' })).toMatchObject({ id: 'main//c' });
});

it.each([
  ['type=bind', 'invalid mount target "": a bind mount needs target=PATH'],
  ['target=/x/..', 'invalid mount target "/x/..": a bind mount needs target=PATH'],
  ['target=/a,size=1g', "unexpected key 'size' for mount type 'bind'"],
  ['target=/a,mode=0755', "unexpected key 'mode' for mount type 'bind'"],
  ['target=/a,required', "unexpected key 'required' for mount type 'bind'"],
  ['type=tmpfs,target=/a,sharing=locked', 'invalid cache sharing set for tmpfs mount'],
  ['type=tmpfs,target=/a,size=much', 'invalid value for size: much'],
  ['type=cache,target=/a,sharing=some', 'unsupported sharing value "some"'],
  ['type=cache,target=/a,mode=u=rw', 'invalid value u=rw for mode'],
  ['type=cache,target=/a,uid=app', 'invalid value app for uid'],
  ['type=cache,target=/a,ro=maybe', 'invalid value for readonly: maybe'],
  ['type=secret', 'invalid secret mount. one of source, target required'],
  ['type=secret,id=a,source=b', "both source and id can't be set"],
  ['type=secret,id=a,from=busybox', 'secret mount should not have a from'],
])('refuses %s', (options, message) => {
  try {
    one(options);
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ message, place: { ranges: [{ line: 3, column: 13 }] } });
    return;
  }
  throw new Error('it was taken');
});

it('remarks on what would be passed over', () => {
  expect(mounts('--mount=type=bind,target=/a,id=x,env=Y').warnings).toEqual([
    'id means nothing for a bind mount',
    'env means nothing for a bind mount',
  ]);
});

it('refuses devices in plain words', () => {
  expect(() => mounts('--device=vendor.com/gpu=all')).toThrow('RUN --device=vendor.com/gpu=all is not supported');
});
