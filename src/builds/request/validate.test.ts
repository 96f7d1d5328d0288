import { describe, expect, it } from 'vitest';
import { problemOfComplaints } from './complaint.ts';
import type { BuildRequest } from './request.ts';
import type { Emptied } from './substitute.ts';
import { buildComplaints } from './validate.ts';

function complaint(request: BuildRequest, emptied?: Emptied): { message: string; hint: string } | undefined {
  const complaints = [...buildComplaints(request, emptied)];
  if (complaints.length === 0) return undefined;
  const { message, hint } = problemOfComplaints(complaints);
  return { message, hint: hint ?? '' };
}

const step = { name: 'busybox' };
const volume = { name: 'vol', path: '/v' };

describe('validateBuild', () => {
  it.each<[string, BuildRequest, string]>([
    ['no steps', {}, 'no build steps are specified'],
    ['too many steps', { steps: Array(301).fill(step) }, 'cannot specify more than 300 build steps'],
    ['no name', { steps: [{ id: 'a' }] }, 'build step 0 must specify name'],
    ['bad name', { steps: [{ name: 'a b' }] }, 'invalid build step name "a b"'],
    ['many args', { steps: [{ ...step, args: Array(101).fill('x') }] }, 'build step 0 too many args (max: 100)'],
    [
      'a long arg',
      { steps: [{ ...step, args: ['', '', '', 'x'.repeat(10_001)] }] },
      'build step 0 arg 3 too long (max: 10000)',
    ],
    [
      'env without value',
      { steps: [{ ...step, env: ['A'] }] },
      'build step #0 - "": the Env entry "A" must be of the form "KEY=VALUE"',
    ],
    [
      'same id twice',
      {
        steps: [
          { ...step, id: 'x' },
          { ...step, id: 'x' },
        ],
      },
      'build step #1 - "x": the ID is not unique',
    ],
    ['id "-"', { steps: [{ ...step, id: '-' }] }, 'build step #0 - "-": the ID cannot be "-"'],
    [
      'waits for nothing known',
      { steps: [step, { ...step, id: 'x', waitFor: ['y'] }] },
      'build step #1 - "x" depends on "y", which has not been defined',
    ],
    [
      'script and args',
      { steps: [{ ...step, script: 'x', args: ['y'] }] },
      'build step 0 cannot specify script together with args or entrypoint',
    ],
    ['day and a second', { steps: [step], timeout: '86401s' }, 'timeout exceeds the timeout limit of 24h0m0s'],
    ['10m', { steps: [step], timeout: '10m' }, `timeout "10m": illegal duration format; duration must end with 's'`],
    [
      'no time',
      { steps: [{ ...step, timeout: '0s' }] },
      'invalid .timeout in build step #0: build step timeout must be >0',
    ],
    ['volume of one step', { steps: [{ ...step, volumes: [volume] }, step] }, 'Volume "vol" is only used by one step'],
    [
      'shared volume, one step',
      { steps: [step], options: { volumes: [volume] } },
      'Global volumes defined but there are fewer than two steps',
    ],
    [
      'reserved path',
      { steps: [step, step], options: { volumes: [{ name: 'vol', path: '/workspace' }] } },
      'invalid .options.volumes: path "/workspace" is reserved',
    ],
    [
      'relative path',
      { steps: [step, step], options: { volumes: [{ name: 'vol', path: 'v' }] } },
      'invalid .options.volumes: path "v" is not valid, must be absolute',
    ],
    [
      'secret without definition',
      { steps: [{ ...step, secretEnv: ['X'] }] },
      'secretEnv "X" is used without being defined',
    ],
    [
      'image name in capitals',
      { steps: [step], images: ['gcr.io/p/API'] },
      'invalid image name "gcr.io/p/API": invalid reference format: repository name (p/API) must be lowercase',
    ],
    [
      'an old secret that no step uses',
      { steps: [step], secrets: [{ kmsKeyName: 'k', secretEnv: { X: '' } }] },
      'secretEnv "X" is defined without being used',
    ],
    [
      'a secret that is also in env',
      {
        steps: [{ ...step, env: ['X=1'], secretEnv: ['X'] }],
        availableSecrets: { secretManager: [{ versionName: 'v', env: 'X' }] },
      },
      'step 0 has secret and non-secret env "X"',
    ],
    [
      'a secret for all steps that is not defined',
      { steps: [step], options: { secretEnv: ['X'] } },
      'secretEnv "X" is used without being defined',
    ],
    [
      'objects without a bucket',
      { steps: [step], artifacts: { objects: { location: 'b', paths: ['*'] } } },
      `invalid .artifacts field: invalid .artifacts.location value "b"; Google Cloud Storage URLs must begin with 'gs://'`,
    ],
    [
      'a disk that nobody has',
      { steps: [step], options: { diskSizeGb: '5000' } },
      'disk size 5000 GB is out of range (0 to 4000)',
    ],
    [
      'other images in artifacts',
      { steps: [step], images: ['a', 'b'], artifacts: { images: ['b', 'c'] } },
      'cannot specify different .images and .artifacts.images',
    ],
    ['bad tag', { steps: [step], tags: ['a b'] }, 'invalid build tag "a b": must match format "^[\\w][\\w.-]{0,127}$"'],
  ])('%s', (_, request, message) => {
    expect(complaint(request)?.message).toBe(message);
  });

  it('accepts what the lessons send', () => {
    expect(
      complaint({
        steps: [
          { ...step, id: 'a', allowFailure: true, volumes: [volume] },
          { ...step, id: 'b', waitFor: ['-'], volumes: [volume], timeout: '5.5s' },
          { ...step, waitFor: ['a', 'b'] },
        ],
        timeout: '1200s',
        images: ['europe-central2-docker.pkg.dev/p/r/api:latest'],
        tags: ['v1.0'],
      }),
    ).toBeUndefined();
  });

  it('names a circle', () => {
    const steps = [
      { ...step, id: 'a', waitFor: ['b'] },
      { ...step, id: 'b', waitFor: ['a'] },
    ];
    expect(complaint({ steps })).toEqual({
      message: 'build step #0 - "a" depends on "b", which has not been defined',
      hint: 'These steps wait for each other in a circle: a -> b -> a.',
    });
  });

  it('says how long 10m is, which built-in was empty, and what else is wrong', () => {
    expect(complaint({ steps: [step], timeout: '10m' })?.hint).toBe('Write 600s.');
    const emptied = new Map([['.images[0]', ['SHORT_SHA']]]);
    expect(complaint({ steps: [step], images: ['h.io/x:'] }, emptied)?.hint).toContain('$SHORT_SHA is empty');
    expect(complaint({ steps: [{}], images: ['A'] })?.hint).toContain('Also:\n  invalid image name "A"');
  });
});
