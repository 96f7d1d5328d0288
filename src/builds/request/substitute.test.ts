import { describe, expect, it } from 'vitest';
import { problemOfComplaints } from './complaint.ts';
import { examineRequest } from './examine.ts';
import type { BuildRequest } from './request.ts';
import { substitute } from './substitute.ts';

const BUILT_INS = { PROJECT_ID: 'p1', PROJECT_NUMBER: '12', LOCATION: 'europe-central2', BUILD_ID: 'b-1' };

function args(request: Partial<BuildRequest>, ...texts: string[]): string[] | undefined {
  const { request: result, complaints } = substitute({ ...request, steps: [{ name: 'x', args: texts }] }, BUILT_INS);
  if (complaints.length > 0) throw problemOfComplaints(complaints);
  return result.steps?.[0]?.args;
}

describe('substitute', () => {
  it.each([
    ['$PROJECT_ID', 'p1'],
    ['${PROJECT_ID}x', 'p1x'],
    ['a-$BUILD_ID-$LOCATION', 'a-b-1-europe-central2'],
    ['$$HOME and $$', '$HOME and $'],
    ['$(pwd) $1 $lower ${lower} $', '$(pwd) $1 $lower ${lower} $'],
    ['$PROJECT_NUMBER$$PROJECT_ID', '12$PROJECT_ID'],
    ['[$SHORT_SHA]', '[]'],
    ['${PROJECT_ID:-d}', '${PROJECT_ID:-d}'],
  ])('%s is %s', (text, expected) => {
    expect(args({}, text)).toEqual([expected]);
  });

  it('expands once: a value is not looked at again', () => {
    expect(args({ substitutions: { _A: '$PROJECT_ID' } }, '$_A')).toEqual(['$PROJECT_ID']);
  });

  it.each<[string, Partial<BuildRequest>, string, string]>([
    [
      'a shell variable',
      {},
      '$FOO',
      'invalid value for \'build.substitutions\': key in the template "FOO" is not a valid built-in substitution',
    ],
    [
      'a shell variable, even when loose',
      { options: { substitutionOption: 'ALLOW_LOOSE' } },
      '$FOO',
      'invalid value for \'build.substitutions\': key in the template "FOO" is not a valid built-in substitution',
    ],
    [
      'a key without value',
      { substitutions: { _B: 'b', _A: 'a' } },
      '$_X $_A $_B',
      'invalid value for \'build.substitutions\': key in the template "_X" is not matched in the substitution data; substitutions = map[_A:a _B:b]',
    ],
    [
      'values that nothing uses',
      { substitutions: { _A: 'a', _B: 'b' } },
      'x',
      'invalid value for \'build.substitutions\': key "_A" in the substitution data is not matched in the template;key "_B" in the substitution data is not matched in the template',
    ],
    [
      'a key in lower case',
      { substitutions: { x: 'a' } },
      'x',
      'invalid .substitutions field: substitution key "x" does not respect format "^_[A-Z0-9_]+$" and is not an overridable built-in substitutions',
    ],
    [
      'a key that is too long',
      { substitutions: { [`_${'A'.repeat(100)}`]: 'a' } },
      'x',
      `invalid value for 'build.substitutions': substitution key "_${'A'.repeat(100)}" too long (max: 100)`,
    ],
    [
      'values that lead to themselves',
      { substitutions: { _A: '$_B', _B: '${_A}' }, options: { dynamicSubstitutions: true } },
      '$_A',
      "invalid value for 'build.substitutions': [_A -> $_B]: cycle in evaluating substitutions",
    ],
  ])('refuses %s', (_, request, text, message) => {
    expect(() => args(request, text)).toThrow(expect.objectContaining({ message, code: 'invalid' }));
  });

  it('tells how to write a shell variable, and where a name ends', () => {
    expect(() => args({}, '$FOO')).toThrow(expect.objectContaining({ hint: expect.stringContaining('$$FOO') }));
    expect(() => args({ substitutions: { _A: 'a' } }, '$_A_x$_A_B')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('${_A}_') }),
    );
  });

  it('is lenient with ALLOW_LOOSE', () => {
    const loose = { options: { substitutionOption: 'ALLOW_LOOSE' as const }, substitutions: { _UNUSED: 'x' } };
    expect(args(loose, '[$_X]')).toEqual(['[]']);
  });

  it('lets a manual build set overridable built-ins and names the empty ones', () => {
    const request = { steps: [{ name: 'x', args: ['$SHORT_SHA$TAG_NAME'] }], substitutions: { SHORT_SHA: 'abc' } };
    const result = substitute(request, BUILT_INS);
    expect(result.request.steps?.[0]?.args).toEqual(['abc']);
    expect([...result.emptied]).toEqual([['.steps[0].args[0]', ['TAG_NAME']]]);
  });

  it('expands the fields that the API names, and neither script nor id', () => {
    const { request } = substitute(
      {
        steps: [
          { name: '$PROJECT_ID', dir: '$_D', env: ['A=$_D'], entrypoint: '$_D', id: '$_D', script: 'echo $_D $HOME' },
        ],
        images: ['r/$_D'],
        tags: ['$_D'],
        logsBucket: 'gs://$PROJECT_ID',
        options: { env: ['B=$_D'] },
        substitutions: { _D: 'd' },
      },
      BUILT_INS,
    );
    expect(request).toMatchObject({
      steps: [{ name: 'p1', dir: 'd', env: ['A=d'], entrypoint: 'd', id: '$_D', script: 'echo $_D $HOME' }],
      images: ['r/d'],
      tags: ['d'],
      logsBucket: 'gs://p1',
      options: { env: ['B=d'] },
    });
  });

  it('expands what else the hosted service does: secrets, sources, artifacts, pools', () => {
    const { request, complaints } = substitute(
      {
        steps: [
          { name: 'x', waitFor: ['$_D'], timeout: '$_D', secretEnv: ['$_D'], volumes: [{ name: '$_D', path: '/$_D' }] },
        ],
        availableSecrets: { secretManager: [{ versionName: 'projects/$PROJECT_ID/secrets/$_D/versions/1', env: 'A' }] },
        serviceAccount: 'projects/$PROJECT_ID/serviceAccounts/$_D',
        source: { gitSource: { url: 'https://h/$_D', revision: '$_D', dir: '$_D' } },
        dependencies: [{ gitSource: { repository: { url: 'https://h/$_D' }, destPath: '$_D' } }],
        artifacts: {
          objects: { location: 'gs://$_D/', paths: ['$_D'] },
          mavenArtifacts: [{ repository: '$_D', version: '$_D' }],
          pythonPackages: [{ repository: '$_D', paths: ['$_D'] }],
        },
        options: {
          pool: { name: 'projects/$PROJECT_ID/$_D' },
          pubsubTopic: '$_D',
          volumes: [{ name: 'v', path: '/$_D' }],
        },
        timeout: '$_D',
        substitutions: { _D: 'd' },
      },
      BUILT_INS,
    );
    expect(complaints).toEqual([]);
    expect(request).toEqual({
      steps: [
        { name: 'x', waitFor: ['$_D'], timeout: '$_D', secretEnv: ['$_D'], volumes: [{ name: 'd', path: '/d' }] },
      ],
      availableSecrets: { secretManager: [{ versionName: 'projects/p1/secrets/d/versions/1', env: 'A' }] },
      serviceAccount: 'projects/p1/serviceAccounts/d',
      source: { gitSource: { url: 'https://h/d', revision: 'd', dir: 'd' } },
      dependencies: [{ gitSource: { repository: { url: 'https://h/d' }, destPath: 'd' } }],
      artifacts: {
        objects: { location: 'gs://d/', paths: ['d'] },
        mavenArtifacts: [{ repository: 'd', version: 'd' }],
        pythonPackages: [{ repository: 'd', paths: ['d'] }],
      },
      options: { pool: { name: 'projects/p1/d' }, pubsubTopic: 'd', volumes: [{ name: 'v', path: '/d' }] },
      timeout: '$_D',
      substitutions: { _D: 'd' },
    });
  });

  it('lets a manual build give whatever a trigger would have', () => {
    const given = { TRIGGER_NAME: 't', REF_NAME: 'r', SERVICE_ACCOUNT: 's', REPO_FULL_NAME: 'o/r' };
    const text = '$TRIGGER_NAME $REF_NAME $REPO_FULL_NAME $SERVICE_ACCOUNT';
    expect(args({ substitutions: given }, text)).toEqual(['t r o/r s']);
  });

  it('leaves out tags that are empty or repeated', () => {
    const request = { steps: [{ name: 'x' }], tags: ['a', '$BRANCH_NAME', 'a', 'b'] };
    expect(examineRequest(request, BUILT_INS)).toMatchObject({ complaints: [], request: { tags: ['a', 'b'] } });
  });

  it.each<[string, Record<string, string>, string]>([
    ['no form of bash', { _A: '${_B@Q}', _B: '' }, '[_A -> ${_B@Q}]: bad substitution'],
    ['what a value asks for', { _A: '${_B:?give a name}' }, '[_A -> ${_B:?give a name}]: _B: give a name'],
    [
      'a value that has become too long',
      { _A: '$_B$_B', _B: 'x'.repeat(3000) },
      'substitution value for key "_A" too long (max: 4000)',
    ],
  ])('dynamic: refuses %s', (_, substitutions, message) => {
    expect(() => args({ substitutions, options: { dynamicSubstitutions: true } }, '$_A')).toThrow(
      `invalid value for 'build.substitutions': ${message}`,
    );
  });

  it('dynamic: a name without a value is empty, as in bash; with ALLOW_LOOSE so is a value that leads to itself', () => {
    const options = { dynamicSubstitutions: true, substitutionOption: 'ALLOW_LOOSE' as const };
    expect(args({ substitutions: { _A: '[$_B$HOME]' }, options }, '$_A')).toEqual(['[]']);
    expect(args({ substitutions: { _A: '[${_A}]' }, options }, '$_A')).toEqual(['[]']);
  });

  it('does not grow beyond measure', () => {
    const names = [...'BCDEFGHIJKLMNOP'];
    const doubling = Object.fromEntries(
      names.map((name, i) => [`_${name}`, i === 0 ? 'xxxxxxxx' : `$_${names[i - 1]}`.repeat(8)]),
    );
    expect(() => args({ substitutions: doubling, options: { dynamicSubstitutions: true } }, '$_P')).toThrow(
      'grows beyond',
    );
    const long = { _A: 'x'.repeat(4000) };
    expect(() => args({ substitutions: long }, ...Array.from({ length: 90 }, () => '$_A'.repeat(3000)))).toThrow(
      'grows beyond',
    );
  });

  it('bash forms in other fields are left alone, and are no use of the key', () => {
    const substitutions = { _A: 'abc' };
    expect(args({ substitutions, options: { dynamicSubstitutions: true } }, '${_A:0:1} $_A')).toEqual([
      '${_A:0:1} abc',
    ]);
    expect(() => args({ substitutions }, '${_A:0:1}')).toThrow('key "_A" in the substitution data is not matched');
  });

  it('automapped values are environment variables, and what the step sets wins', () => {
    const { request } = examineRequest(
      {
        steps: [{ name: 'x', script: 'echo $_A', env: ['_B=own'] }],
        options: { automapSubstitutions: true },
        substitutions: { _A: 'a', _B: 'b' },
      },
      BUILT_INS,
    );
    expect(request.steps?.[0]?.env).toEqual(expect.arrayContaining(['_A=a', 'PROJECT_ID=p1', '_B=own']));
    expect(request.steps?.[0]?.env).not.toContain('_B=b');
  });
});
